"""runtime: what builds a library of one's own that has only the operators of a model: sources, Bazel targets, a script.

Runs in the tool's own process, from the files of the variants. The forms are those of TensorFlow Lite's selective builds:
gen_op_registration_main.cc, build_def.bzl and build_aar.sh under tools/ of its source tree.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tflite_build import resources
from tflite_build.engines.contract import Request
from tflite_build.planning.action import Input, ProjectFile, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.linked import builds_runtime
from tflite_build.spec.types import Runtime
from tflite_build.tflite import reader
from tflite_build.tflite.custom import STOCK
from tflite_build.tflite.used import used

from . import pack
from .tools import Tools

ID = "runtime"
FILES = "runtime"
OPERATORS = "operators.json"
VERSION = 1
KINDS = ("builtin", "select", "custom")
_SOURCE = "source:"  # how inputs are called that are no variants
_ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")
_TREES = {"litert": "tflite", "tflite": "tensorflow/lite"}  # where the sources of a line of releases lie


def step(model: Resolved, tools: Tools) -> Step | None:
    """The step for a model that wants a library of its own; else None."""
    wanted = model.loaded.spec.runtime
    if not builds_runtime(model.loaded.spec):
        return None
    files: dict[str, Input] = {variant.name: pack.model_of(variant.name) for variant in model.variants}
    sources: dict[str, list[str]] = {}
    for operator, said in sorted(model.loaded.spec.compatibility.custom_ops.items()):
        for path in said.sources:
            name = f"{_SOURCE}{len(files)}"
            files[name] = ProjectFile(model.loaded.folder / path)
            sources.setdefault(operator, []).append(name)
    params: dict[str, Any] = {"name": model.name, "abis": list(wanted.abis or _ABIS), "tree": _tree(wanted)}
    return Step(ID, "runtime", tools.local("runtime"), {**params, **({"sources": sources} if sources else {})}, files)


def _tree(wanted: Runtime) -> str:
    texts = wanted.oldest.values() if isinstance(wanted.oldest, dict) else [wanted.oldest or "litert"]
    return _TREES[min(text.partition(" ")[0] for text in texts)]


def run(request: Request) -> None:
    """Write the folder `runtime`."""
    kernels = _Kernels()
    variants = sorted(name for name in request.inputs if not name.startswith(_SOURCE))
    for variant in variants:
        with reader.model(request.inputs[variant]) as model:
            for u in used(model):
                kernels.add(u.kind, u.name, u.version, u.version)
    name = str(request.params["name"])
    models = [f"../{name}-{variant}.tflite" for variant in variants]
    folder = request.outputs / FILES
    folder.mkdir()
    needed = {kernel.name for kernel in kernels.of("custom")}
    given: dict[str, list[Path]] = {
        operator: [request.inputs[name] for name in names]
        for operator, names in request.params.get("sources", {}).items()
        if operator in needed
    }
    sources = {operator: [path.name for path in paths] for operator, paths in given.items()}
    texts = _texts(name, models, kernels, request.params["tree"], request.params["abis"], sources)
    for file_name, text in texts.items():
        (folder / file_name).write_text(text, "utf-8")
    for path in dict.fromkeys(path for paths in given.values() for path in paths):
        shutil.copyfile(path, folder / path.name)


def union(
    name: str, folders: Mapping[str, Mapping[str, Any]], contents: Mapping[str, Mapping[str, bytes]]
) -> dict[str, bytes]:
    """The files of a library that has the operators of several models: name -> content.

    Args:
        name: What it is to be called.
        folders: Where the models lie, from where these files will -> what `operators.json` says there.
        contents: By the same places the sources of their custom operators, file name -> content.

    Raises:
        ValueError: If the models want different source trees, or two of their files have one name, with a message.
    """
    kernels = _Kernels()
    sources: dict[str, list[str]] = {}
    copied: dict[str, bytes] = {}
    for folder, listed in folders.items():
        for file, content in contents[folder].items():
            if copied.setdefault(file, content) != content:
                raise ValueError(f"two different sources of custom operators are called {file}")
        for operator, files in listed.get("sources", {}).items():
            sources[operator] = list(dict.fromkeys([*sources.get(operator, []), *files]))
    models: dict[str, str] = {}
    for folder, listed in folders.items():
        for model in listed["models"]:
            if models.setdefault(model, folder) != folder:
                raise ValueError(f"two of the files are called {model}; Bazel wants both in one folder")
        for kind in KINDS:
            for kernel in listed[kind]:
                kernels.add(kind, kernel["name"], kernel["first"], kernel["last"])
    trees = sorted({listed["tree"] for listed in folders.values()})
    if len(trees) > 1:
        raise ValueError(f"they are for different source trees: {' and '.join(trees)}, as [runtime] oldest says")
    abis = list(dict.fromkeys(abi for listed in folders.values() for abi in listed["abis"]))
    paths = [f"{models[model]}/{model}" for model in sorted(models)]
    texts = _texts(name, paths, kernels, trees[0], abis, sources)
    return {**{file: text.encode() for file, text in texts.items()}, **copied}


@dataclass(frozen=True, slots=True)
class _Kernel:
    """An operator, and the range of versions that is needed of it."""

    name: str
    first: int
    last: int

    @property
    def registerer(self) -> str:
        """The function that gives a custom operator's kernel, as selective builds want it to be called."""
        return "Register_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).upper()


class _Kernels:
    """What a library has to have."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Kernel] = {}

    def add(self, kind: str, name: str, first: int, last: int) -> None:
        known = self._found.get((kind, name), _Kernel(name, first, last))
        self._found[kind, name] = _Kernel(name, min(known.first, first), max(known.last, last))

    def of(self, kind: str) -> list[_Kernel]:
        return [kernel for key, kernel in sorted(self._found.items()) if key[0] == kind]


def _texts(
    name: str,
    models: Sequence[str],
    kernels: _Kernels,
    tree: str,
    abis: Sequence[str],
    sources: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    """The files: name -> text.

    Args:
        name: What the library is for.
        models: The paths of the files that it is for, from where these files lie.
        kernels: What it has to have.
        tree: Where the source tree has TensorFlow Lite.
        abis: The ABIs of Android.
        sources: Custom operator -> the files beside these that have its kernel.
    """
    import jinja2  # takes longer than most of what else is done here

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates("runtime")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    by_kind = {kind: kernels.of(kind) for kind in KINDS}
    names = [posixpath.basename(path) for path in models]
    target = re.sub(r"\W", "_", name)
    view = {
        **by_kind,
        "target": target,
        "models": names,
        "paths": models,
        "tree": tree,
        "abis": abis,
        "sources": list(dict.fromkeys(file for files in sources.values() for file in files)),
        "elsewhere": [kernel.name for kernel in by_kind["custom"] if kernel.name not in {*STOCK, *sources}],
    }
    texts = {
        template.removesuffix(".jinja"): environment.get_template(template).render(view)
        for template in sorted(environment.list_templates())
    }
    listed = {kind: [asdict(kernel) for kernel in by_kind[kind]] for kind in KINDS}
    value: dict[str, Any] = {"version": VERSION, "tree": tree, "abis": list(abis), "models": names, **listed}
    if sources:
        value["sources"] = {operator: list(files) for operator, files in sources.items()}
    return dict(sorted({**texts, OPERATORS: json.dumps(value, indent=2) + "\n"}.items()))
