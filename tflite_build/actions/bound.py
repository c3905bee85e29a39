"""What steps are told of the arguments and results of an app: bindings as JSON values, and the files that these name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.methods import MethodRule
from tflite_build.planning import bindings
from tflite_build.planning.action import Input, ProjectFile
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.signatures import tables

from . import samples

_FILE = "file"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a step is told.

    Attributes:
        params: "arguments" and "results": signature ("" for the only one) -> bindings; "states" and
            "methods" (see `kinds.states` and `kinds.methods`).
        inputs: The user's files, by the names that the bindings have for them.
    """

    params: Mapping[str, Any]
    inputs: Mapping[str, Input]


def _methods(model: Resolved) -> list[MethodRule]:
    spec = model.loaded.spec
    found = []
    for name, own in spec.method.items():
        fill = {"": own.fill} if isinstance(own.fill, float) else dict(own.fill)
        found.append(
            MethodRule(name, own.signatures or (name,), own.select_by or "", fill, own.private, own.description or "")
        )
    return found


def of(model: Resolved) -> Bound:
    """What the spec says of them."""
    files: dict[str, str] = {}

    def told(binding: Binding) -> dict[str, Any]:
        named = {
            key: {locale: files.setdefault(path, f"{_FILE}:{len(files)}") for locale, path in paths.items()}
            for key, paths in binding.files.items()
        }
        return replace(binding, files=named).to_json()

    of_signatures = list(tables(model.loaded.spec))
    params: dict[str, Any] = {
        "arguments": {own.signature: [told(b) for b in bindings.arguments(own)] for own in of_signatures},
        "results": {own.signature: [told(b) for b in bindings.results(own)] for own in of_signatures},
    }
    params["methods"] = [rule.to_json() for rule in _methods(model)]
    params["states"] = samples.states(model).to_json()
    return Bound(params, {name: ProjectFile(model.loaded.folder / path) for path, name in files.items()})
