"""Why the runtime says "index out of bounds": an id of an input that lies outside of the table which it looks into.

Follows the inputs to the tables as far as operators hand values on unchanged. Knows nothing of where the ids come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tflite_build.engines.contract import Invalid, Refused
from tflite_build.engines.files.graph import Graph, Operator, Subgraph
from tflite_build.engines.files.runner import RunnableSignature

_TABLE_AND_IDS = {"GATHER": (0, 1), "GATHER_ND": (0, 1), "EMBEDDING_LOOKUP": (1, 0)}  # which input is which
_SAME_VALUES = frozenset(
    "BROADCAST_TO CAST CONCATENATION EXPAND_DIMS GATHER GATHER_ND PACK RESHAPE SELECT SELECT_V2 SLICE SPLIT SQUEEZE "  # noqa: SIM905
    "STRIDED_SLICE TRANSPOSE UNPACK".split()
)


def explained(
    refused: Refused, graph: Graph, signature: RunnableSignature, inputs: Mapping[str, Any]
) -> Invalid | None:
    """The mistake in `inputs` that made the runtime refuse them, or None where it may be another reason."""
    if not re.search(r"index out of bounds", refused.reason, re.IGNORECASE):
        return None
    subgraph = graph.subgraphs[signature.subgraph]
    ids = {n: p.index for n, p in signature.inputs.items() if inputs[n].dtype.kind in "iu" and inputs[n].size}
    reached = _reached(subgraph, {p.index for p in signature.inputs.values()}, None)
    for name, index in ids.items():
        unchanged = _reached(subgraph, {index}, _SAME_VALUES)
        rows = min(_rows(subgraph, unchanged, reached), default=None)
        low, high = int(inputs[name].min()), int(inputs[name].max())
        if rows is not None and not 0 <= low <= high < rows:
            wrong = high if high >= rows else low
            return Invalid(
                f"the input '{name}' holds {wrong}, and its ids look into a table of {rows} rows",
                "--input",
                f"ids are 0 to {rows - 1}",
            )
    looking = [n for n, i in ids.items() if any(_looks(o, _reached(subgraph, {i}, None)) for o in subgraph.operators)]
    if not looking:
        return None
    held = [f"'{n}' ({int(inputs[n].min())} to {int(inputs[n].max())})" for n in looking]
    return Invalid(
        f"an id lies outside of the table that it looks into; the inputs with ids hold {', '.join(held)}",
        "--input",
        "ids start at 0 and end below the rows of the model's tables",
    )


def _reached(subgraph: Subgraph, start: set[int], through: frozenset[str] | None) -> set[int]:
    """The tensors that depend on those in `start`, by way of operators called as in `through`, or of all."""
    reached = set(start)
    for operator in subgraph.operators:  # in the order in which they run
        if (through is None or operator.name in through) and reached.intersection(operator.inputs):
            reached.update(operator.outputs)
    return reached


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
