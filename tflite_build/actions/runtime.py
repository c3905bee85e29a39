"""runtime: what builds a library of one's own that has only the operators of a model: sources, Bazel targets, a script.

Runs in the tool's own process, from the files of the variants. The forms are those of TensorFlow Lite's selective builds:
gen_op_registration_main.cc, build_def.bzl and build_aar.sh under tools/ of its source tree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_build import resources
from tflite_build.engines.contract import Request
from tflite_build.planning.action import OutputOf, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.types import Runtime
from tflite_build.tflite import reader
from tflite_build.tflite.used import used

from . import pack
from .tools import Tools

ID = "runtime"
FILES = "runtime"
OPERATORS = "operators.json"
VERSION = 1
_ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")
_TREES = {"litert": "tflite", "tflite": "tensorflow/lite"}  # where the sources of a line of releases lie


def step(model: Resolved, tools: Tools) -> Step | None:
    """The step for a model that wants a library of its own; else None."""
    wanted = model.loaded.spec.runtime
    if "custom" not in wanted.target:
        return None
    variants = [v.name for v in model.variants]
    return Step(
        ID,
        "runtime",
        tools.local("runtime"),
        {"name": model.name, "abis": list(wanted.abis or _ABIS), "tree": _tree(wanted)},
        {variant: pack.model_of(variant) for variant in variants},
    )


def output() -> OutputOf:
    """The folder that it makes."""
    return OutputOf(ID, FILES)


def _tree(wanted: Runtime) -> str:
    texts = wanted.oldest.values() if isinstance(wanted.oldest, dict) else [wanted.oldest or "litert"]
    return _TREES[min(text.partition(" ")[0] for text in texts)]


def run(request: Request) -> None:
    """Write the folder `runtime`."""
    found: dict[tuple[str, str], _Kernel] = {}
    for file in request.inputs.values():
        with reader.model(file) as model:
            _add(found, ((u.kind, u.name, u.version) for u in used(model)))
    params = request.params
    name = str(params["name"])
    models = [f"{name}-{variant}.tflite" for variant in sorted(request.inputs)]
    write(request.outputs / FILES, name, models, found.values(), params)


@dataclass(frozen=True, slots=True)
class _Kernel:
    """An operator, and the range of versions that is needed of it."""

    kind: str
    name: str
    first: int
    last: int

    @property
    def registerer(self) -> str:
        """The function that gives a custom operator's kernel, as selective builds want it to be called."""
        return "Register_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).upper()


def _add(found: dict[tuple[str, str], _Kernel], uses: Iterable[tuple[str, str, int]]) -> None:
    for kind, name, version in uses:
        kernel = found.get((kind, name), _Kernel(kind, name, version, version))
        found[kind, name] = _Kernel(kind, name, min(kernel.first, version), max(kernel.last, version))


def write(folder: Path, name: str, models: list[str], kernels: Iterable[_Kernel], params: Mapping[str, Any]) -> None:
    """Write what builds a library with `kernels`.

    Args:
        folder: Where; it is made.
        name: What the library is for.
        models: The names of the files that it is for.
        kernels: What it has to have.
        params: "tree" (where the source tree has TensorFlow Lite) and "abis".
    """
    import jinja2  # takes longer than most of what else is done here

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates("runtime")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    by_kind: dict[str, list[_Kernel]] = {"builtin": [], "select": [], "custom": []}
    for kernel in sorted(kernels, key=lambda k: (k.kind, k.name)):
        by_kind[kernel.kind].append(kernel)
    target = re.sub(r"\W", "_", name)
    view = {**by_kind, "name": name, "target": target, "models": models, "tree": params["tree"], "abis": params["abis"]}
    folder.mkdir()
    for template in sorted(environment.list_templates()):
        (folder / template.removesuffix(".jinja")).write_text(environment.get_template(template).render(view), "utf-8")
    listed = {
        kind: [{"name": k.name, "first": k.first, "last": k.last} for k in by_kind[kind]] for kind in sorted(by_kind)
    }
    value = {"version": VERSION, "models": models, **listed}
    (folder / OPERATORS).write_text(json.dumps(value, indent=2) + "\n", "utf-8")
