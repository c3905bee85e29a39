"""wrap: the code that an app calls the model with, made from the built files and what only the spec knows.

Runs in the tool's own process, and starts without numpy.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import Any

from tflite_build.engines.contract import Declared, Names, Request
from tflite_build.engines.files.lines import of_binding
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.methods import MethodRule
from tflite_build.engines.kinds.states import States
from tflite_build.planning.action import Input, ProjectFile, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.apps import ANDROID, IOS, Android, Ios
from tflite_build.spec.linked import linked
from tflite_build.store.digest import of_file
from tflite_build.wrap import android, app, ios
from tflite_build.wrap.app import File, Wanted
from tflite_build.wrap.rendering import Templates

from . import bound, goldens, pack
from .tools import Tools

_TEMPLATES = "templates"
_WRAPPERS: Mapping[str, Any] = {ANDROID: android, IOS: ios}


def step(model: Resolved, tools: Tools, platform: str) -> Step:
    """The step for the table `platform` of a model's spec, "android" or "ios"."""
    spec = model.loaded.spec
    app: Android | Ios = getattr(spec, platform)
    names = model.loaded.app_variants(platform)
    inputs: dict[str, Input] = {f"model:{name}": pack.model_of(name) for name in names}
    inputs |= {f"goldens:{name}": goldens.outputs_of(name) for name in names}
    said = bound.of(model)
    inputs |= said.inputs
    if app.templates:
        inputs[_TEMPLATES] = ProjectFile(model.loaded.folder / app.templates, tree=True)
    own = linked(spec, platform)
    params = {
        "platform": platform,
        "model": {key: value or "" for key, value in spec.model.model_dump().items()},
        "declared": model.declared.to_json(),
        "names": model.names.to_json(),
        **said.params,
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
        arguments={s: [Binding.from_json(b) for b in said] for s, said in params["arguments"].items()},
        results={s: [Binding.from_json(b) for b in said] for s, said in params["results"].items()},
        rules=[MethodRule.from_json(r) for r in params["methods"]],
        states=States.from_json(params["states"]),
        lines=lambda binding, key: of_binding(binding, key, request.inputs),
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
