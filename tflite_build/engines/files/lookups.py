"""Why the runtime says "index out of bounds": an id of an input that lies outside of the table which it looks into.

Follows the inputs to the tables as far as operators hand values on unchanged. Knows nothing of where the ids come from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tflite_build.engines.contract import Invalid, Refused
from tflite_build.engines.files import handed_on
from tflite_build.engines.files.graph import Graph, Operator, Subgraph
from tflite_build.engines.files.runner import RunnableSignature

_TABLE_AND_IDS = {"GATHER": (0, 1), "GATHER_ND": (0, 1), "EMBEDDING_LOOKUP": (1, 0)}  # which input is which


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with the arrays that a file was run on, and what is allowed."""

    message: str
    hint: str

    def in_sample(self, number: int, key: str) -> Invalid:
        """As a mistake in the data that `key` of the spec names; "" for data that was made."""
        made = "" if key else "; with `range` in [input.NAME] test data stays within it"
        return Invalid(f"sample {number}: {self.message}", key or "input", self.hint + made)


def explained(
    refused: Refused, graph: Graph, signature: RunnableSignature, inputs: Mapping[str, Any]
) -> Mistake | None:
    """The mistake in `inputs` that made the runtime refuse them, or None where it may be another reason."""
    if not re.search(r"index out of bounds", refused.reason, re.IGNORECASE):
        return None
    subgraph = graph.subgraphs[signature.subgraph]
    ids = {n: p.index for n, p in signature.inputs.items() if inputs[n].dtype.kind in "iu" and inputs[n].size}
    for name in ids:
        count = rows(graph, signature, name)
        low, high = int(inputs[name].min()), int(inputs[name].max())
        if count is not None and not 0 <= low <= high < count:
            wrong = high if high >= count else low
            return Mistake(
                f"the input '{name}' holds {wrong}, and its ids look into a table of {count} rows",
                f"ids are 0 to {count - 1}",
            )
    looking = [
        n for n, i in ids.items() if any(_looks(o, _reached(subgraph, {i}, _all_inputs)) for o in subgraph.operators)
    ]
    if not looking:
        return None
    held = [f"'{n}' ({int(inputs[n].min())} to {int(inputs[n].max())})" for n in looking]
    return Mistake(
        f"an id lies outside of the table that it looks into; the inputs with ids hold {', '.join(held)}",
        "ids start at 0 and end below the rows of the model's tables",
    )


def rows(graph: Graph, signature: RunnableSignature, name: str) -> int | None:
    """The rows of the smallest table that the ids of an input look into; None where there is none that is known."""
    subgraph = graph.subgraphs[signature.subgraph]
    unchanged = _reached(subgraph, {signature.inputs[name].index}, _passed_on)
    computed = _reached(subgraph, {p.index for p in signature.inputs.values()}, _all_inputs)
    return min(_rows(subgraph, unchanged, computed), default=None)


def _reached(subgraph: Subgraph, start: set[int], taken: Callable[[Operator], Iterable[int]]) -> set[int]:
    """The tensors that those in `start` lead to, by way of the inputs that `taken` gives of each operator."""
    reached = set(start)
    for operator in subgraph.operators:  # in the order in which they run
        if reached.intersection(taken(operator)):
            reached.update(operator.outputs)
    return reached


def _all_inputs(operator: Operator) -> Iterable[int]:
    return operator.inputs


def _passed_on(operator: Operator) -> Iterable[int]:
    """The inputs whose values the outputs hold unchanged."""
    return handed_on.values(operator) or ()


def _looks(operator: Operator, ids: set[int]) -> bool:
    places = _TABLE_AND_IDS.get(operator.name)
    return places is not None and operator.inputs[places[1]] in ids


def _rows(subgraph: Subgraph, ids: set[int], computed: set[int]) -> Iterator[int]:
    """The rows of every table that is the model's own and that `ids` look into along its first axis."""
    for operator in subgraph.operators:
        if not _looks(operator, ids):
            continue
        table, index = (operator.inputs[place] for place in _TABLE_AND_IDS[operator.name])
        shape, places = subgraph.tensors[table].shape, subgraph.tensors[index].shape
        made = subgraph.tensors[operator.outputs[0]].shape
        depth = places[-1:] if operator.name == "GATHER_ND" else (1,)
        places = places[:-1] if operator.name == "GATHER_ND" else places
        if table not in computed and depth == (1,) and shape and made == (*places, *shape[1:]):
            yield shape[0]
