"""Which operators a file uses: builtin ones, TensorFlow's own (select), and custom ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import versions
from .reader import Model

_FLEX = "Flex"


@dataclass(frozen=True, slots=True)
class Used:
    """An operator of a file.

    Attributes:
        kind: "builtin", "select" (a TensorFlow operator that the runtime's extra library runs) or "custom".
        name: Its name as the runtime knows it; of a select one, TensorFlow's.
        version: The version that its uses need.
        count: How often it is used.
    """

    kind: Literal["builtin", "select", "custom"]
    name: str
    version: int
    count: int


def used(model: Model) -> tuple[Used, ...]:
    """The operators that the graphs of `model` really use, by kind and name."""
    counts: dict[int, int] = {}
    for graph in model.subgraphs:
        for operator in graph.operators:
            counts[operator.code] = counts.get(operator.code, 0) + 1
    derived = versions.derive(model)
    found = []
    for index, count in counts.items():
        code = model.codes[index]
        if not code.custom:
            found.append(Used("builtin", code.name, derived.get(index, code.version), count))
        elif code.flex:
            found.append(Used("select", code.name.removeprefix(_FLEX), code.version, count))
        else:
            found.append(Used("custom", code.name, code.version, count))
    return tuple(sorted(found, key=lambda u: (u.kind, u.name, u.version)))
