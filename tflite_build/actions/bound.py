"""What steps are told of the arguments and results of an app: bindings as JSON values, and the files that these name.

And what the steps of the tool's own process read of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tflite_build.engines.contract import Declared, Names, Request
from tflite_build.engines.files.lines import lines
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.methods import MethodRule
from tflite_build.engines.kinds.states import States
from tflite_build.planning import bindings
from tflite_build.planning.action import Input, ProjectFile
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.signatures import tables
from tflite_build.wrap.app import Meaning

from . import samples

_FILE = "bound"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a step is told.

    Attributes:
        params: "arguments" and "results": signature ("" for the only one) -> bindings; "states" and
            "methods" (see `kinds.states` and `kinds.methods`); what is declared, and names.
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
        "declared": model.declared.to_json(),
        "names": model.names.to_json(),
        "arguments": {own.signature: [told(b) for b in bindings.arguments(own)] for own in of_signatures},
        "results": {own.signature: [told(b) for b in bindings.results(own)] for own in of_signatures},
    }
    params["methods"] = [rule.to_json() for rule in _methods(model)]
    params["states"] = samples.states(model).to_json()
    return Bound(params, {name: ProjectFile(model.loaded.folder / path) for path, name in files.items()})


def meaning(request: Request) -> Meaning:
    """What a step was told."""
    params = request.params
    return Meaning(
        Declared.from_json(params["declared"]),
        Names.from_json(params["names"]),
        {signature: list(map(Binding.from_json, said)) for signature, said in params["arguments"].items()},
        {signature: list(map(Binding.from_json, said)) for signature, said in params["results"].items()},
        States.from_json(params["states"]),
        list(map(MethodRule.from_json, params["methods"])),
        lambda binding, key: _lines(request, binding, key),
    )


def _lines(request: Request, binding: Binding, key: str) -> dict[str, Sequence[str]]:
    """The lines of the files that a key of a binding names, by locale."""
    files = {locale: request.inputs[name] for locale, name in binding.files.get(key, {}).items()}
    return {locale: lines(file, file.name, binding.at(key)) for locale, file in files.items()}
