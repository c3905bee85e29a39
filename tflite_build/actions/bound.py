"""What steps are told of the arguments and results of an app: bindings as JSON values, and the files that these name.

And what the steps of the tool's own process read of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tflite_build.engines.contract import Declared, Names, Request
from tflite_build.engines.files.lines import of_binding
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.methods import MethodRule
from tflite_build.engines.kinds.states import States
from tflite_build.engines.kinds.training import Training
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


def rules(model: Resolved) -> list[MethodRule]:
    """What methods are called, and what they call."""
    found = []
    for name, own in model.loaded.spec.method.items():
        fill = {"": own.fill} if isinstance(own.fill, float) else dict(own.fill)
        found.append(
            MethodRule(
                name,
                own.signatures or (name,),
                own.select_by or "",
                fill,
                own.private,
                own.description or "",
                own.role or "",
            )
        )
    return found


def training(model: Resolved) -> dict[str, Any]:
    """The parameter of steps that run a model which is trained; none of another."""
    found = Training.of(rules(model))
    return {"training": found.to_json()} if found.train else {}


def of(model: Resolved) -> Bound:
    """What the spec says of them."""
    files = Files(model)
    of_signatures = list(tables(model.loaded.spec))
    params: dict[str, Any] = {
        "declared": model.declared.to_json(),
        "names": model.names.to_json(),
        "arguments": {own.signature: [files.told(b) for b in bindings.arguments(own)] for own in of_signatures},
        "results": {own.signature: [files.told(b) for b in bindings.results(own)] for own in of_signatures},
        "methods": [rule.to_json() for rule in rules(model)],
        "states": samples.states(model).to_json(),
    }
    return Bound(params, files.inputs)


class Files:
    """The user's files that bindings name, which become inputs of a step."""

    def __init__(self, model: Resolved) -> None:
        self._folder = model.loaded.folder
        self._names: dict[str, str] = {}

    def told(self, binding: Binding) -> dict[str, Any]:
        """A binding as JSON values, with the names of inputs in the place of paths."""
        named = {
            key: {locale: self._names.setdefault(path, f"{_FILE}:{len(self._names)}") for locale, path in paths.items()}
            for key, paths in binding.files.items()
        }
        return replace(binding, files=named).to_json()

    @property
    def inputs(self) -> dict[str, Input]:
        """The files of all that were told, by these names."""
        return {name: ProjectFile(self._folder / path) for path, name in self._names.items()}


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
        lambda binding, key: of_binding(binding, key, request.inputs),
    )
