"""wrap: the code that an app calls the model with, made from the built files and what only the spec knows.

Runs in the tool's own process, and starts without numpy.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import Any

from tflite_build.engines.contract import Declared, Names, Request
from tflite_build.planning.action import Input, ProjectFile, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.apps import ANDROID, IOS, Android, Ios
from tflite_build.spec.linked import linked
from tflite_build.spec.metadata import DEFAULT_LOCALE
from tflite_build.spec.tensors import Input as InputTensor
from tflite_build.spec.tensors import Output, SignatureTensors
from tflite_build.store.digest import of_file
from tflite_build.wrap import android, app, ios
from tflite_build.wrap.app import File, Said, Wanted
from tflite_build.wrap.rendering import Templates

from . import associated, goldens, pack
from .tools import Tools

_TEMPLATES = "templates"
_LABELS = "labels"
_WRAPPERS: Mapping[str, Any] = {ANDROID: android, IOS: ios}


def step(model: Resolved, tools: Tools, platform: str) -> Step:
    """The step for the table `platform` of a model's spec, "android" or "ios"."""
    spec = model.loaded.spec
    app: Android | Ios = getattr(spec, platform)
    names = model.loaded.app_variants(platform)
    inputs: dict[str, Input] = {f"model:{name}": pack.model_of(name) for name in names}
    inputs |= {f"goldens:{name}": goldens.outputs_of(name) for name in names}
    files: dict[str, str] = {}
    outputs = {
        signature: {name: _said(output, files) for name, output in tensors.items()}
        for signature, tensors in _sides(spec.output, spec.signature, "output").items()
    }
    inputs |= {name: ProjectFile(model.loaded.folder / path) for path, name in files.items()}
    if app.templates:
        inputs[_TEMPLATES] = ProjectFile(model.loaded.folder / app.templates, tree=True)
    own = linked(spec, platform)
    params = {
        "platform": platform,
        "model": {key: value or "" for key, value in spec.model.model_dump().items()},
        "declared": model.declared.to_json(),
        "names": model.names.to_json(),
        "inputs": {
            signature: {name: tensor.description for name, tensor in tensors.items() if tensor.description}
            for signature, tensors in _sides(spec.input, spec.signature, "input").items()
        },
        "outputs": outputs,
        "app": app.model_dump(exclude={"templates", "variant", "runtime"}),
        "runtime": {
            "targets": list(own.targets),
            "api": own.api,
            "accelerators": list(own.accelerators),
            "fallback": own.fallback,
            "places": dict(own.places),
        },
        "variants": list(names),
    }
    return Step(platform, "wrap", tools.local(f"wrap.{platform}"), params, inputs)


def _sides(
    own: Mapping[str, Any], signatures: Mapping[str, SignatureTensors], side: str
) -> dict[str, Mapping[str, Any]]:
    """Signature ("" for the only one) -> its declared tensors of one side."""
    found: dict[str, Mapping[str, InputTensor | Output]] = {"": own} if own else {}
    return found | {name: getattr(tensors, side) for name, tensors in signatures.items()}


def _said(output: Output, files: dict[str, str]) -> dict[str, Any]:
    """What is said of an output, as JSON values; `files` gets the names of the inputs that its labels are."""
    labels = {}
    for locale, path in sorted((output.labels or {}).items()):
        labels[locale] = files.setdefault(path, f"{_LABELS}:{len(files)}")
    return {
        "content": output.content or "",
        "description": output.description or "",
        "activation": output.activation or "",
        "threshold": output.score_threshold,
        "most": output.max_results,
        "labels": labels,
    }


def run(request: Request) -> None:
    """Write the folder of the platform.

    Raises:
        Invalid: If the model cannot be wrapped as the spec asks for, or a file of labels or a template cannot be used.
    """
    params = request.params
    said, runtime, platform = params["app"], params["runtime"], params["platform"]
    wanted = Wanted(
        **{key: params["model"][key] for key in ("description", "version", "author", "license")},
        model=params["model"]["name"],
        declared=Declared.from_json(params["declared"]),
        names=Names.from_json(params["names"]),
        inputs=params["inputs"],
        outputs={
            s: {n: _output(o, n, request) for n, o in outputs.items()} for s, outputs in params["outputs"].items()
        },
        platform=platform,
        targets=runtime["targets"],
        api=runtime["api"],
        accelerators=runtime["accelerators"],
        artifact=said.get("artifact") or said.get("framework") or "",
        fallback=runtime["fallback"],
        places=runtime["places"],
    )
    name = wanted.model
    given = {variant: request.inputs[f"model:{variant}"] for variant in params["variants"]}
    files = [File(v, f"{name}-{v}.tflite", path, of_file(path).sha256) for v, path in given.items()]
    view = app.view(wanted, files)
    wrapper = _WRAPPERS[platform]
    templates = Templates(platform, request.inputs.get(_TEMPLATES), wrapper.FILTERS)
    templates.check()
    golden = {v: json.loads((request.inputs[f"goldens:{v}"] / "index.json").read_text("utf-8")) for v in given}
    made = wrapper.library(view, said, templates, golden)
    folder = request.outputs / platform
    copies = [(path, request.inputs[f"goldens:{variant}"] / name) for path, (variant, name) in made.goldens.items()]
    copies += [(path, given[variant]) for path, variant in made.models.items()]
    for parent in {(folder / path).parent for path in (*made.texts, *(path for path, _ in copies))}:
        parent.mkdir(parents=True, exist_ok=True)
    for path, text in made.texts.items():
        (folder / path).write_text(text, "utf-8")
    for path, source in copies:
        shutil.copyfile(source, folder / path)


def _output(value: Mapping[str, Any], name: str, request: Request) -> Said:
    labels = {
        "" if locale == DEFAULT_LOCALE else locale: tuple(_lines(request, given, name))
        for locale, given in value["labels"].items()
    }
    return Said(value["content"], value["description"], value["activation"], value["threshold"], value["most"], labels)


def _lines(request: Request, given: str, output: str) -> list[str]:
    file = request.inputs[given]
    return associated.lines(file, file.name, f'output."{output}".labels')
