"""Numbers that follow the size of an open dimension, such as how many rows a mean is taken of, and the sum of those rows.

They differ from size to size and not from sample to sample, so that a range which calibration saw at its own sizes cuts
them off at others: such numbers, and what is computed with them, stay float.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tflite_build.engines.files import handed_on
from tflite_build.engines.files.graph import Graph, Operator, Subgraph

_SOURCES = frozenset({"SHAPE", "RANK"})
_BESIDE_A_SUM = frozenset(
    {"ADD", "MAXIMUM", "MINIMUM", "SQRT"}
)  # what keeps a divisor from zero, or makes it a deviation


def operators(graph: Graph) -> list[str]:
    """The scopes of the operators that make, take or give a floating-point number which only shapes decide.

    And of the sums over an open dimension that such a number, or another sum, divides.
    """
    scopes: dict[str, None] = {}
    for subgraph in graph.subgraphs:
        counts = _counts(subgraph)
        floats = {i for i in counts if subgraph.tensors[i].dtype == "float32"}
        maker = {i: operator for operator in subgraph.operators for i in operator.outputs}
        for operator in subgraph.operators:
            counted = bool(floats.intersection((*operator.inputs, *operator.outputs)))
            if counted:
                scopes[subgraph.scope(operator)] = None
            if counted or operator.name == "DIV":
                scopes |= {subgraph.scope(o): None for i in operator.inputs for o in _from_sum(subgraph, i, maker)}
    return list(scopes)


def _counts(subgraph: Subgraph) -> set[int]:
    """The tensors that follow from shapes and constants alone, and not from constants alone: spread they are the same."""
    found: set[int] = set()
    computed = set(subgraph.inputs)
    for operator in subgraph.operators:
        values = handed_on.values(operator)
        given = computed.intersection(operator.inputs if values is None else values)
        if operator.name in _SOURCES or (given and found.issuperset(given)):
            found.update(operator.outputs)
        if given or values is None:
            computed.update(operator.outputs)
    return found


def _from_sum(subgraph: Subgraph, index: int, maker: dict[int, Operator]) -> Iterator[Operator]:
    """The operators from a sum over an open dimension to the tensor `index`, where nothing but such a sum leads to it."""
    operator = maker.get(index)
    if operator is None:
        return
    if operator.name == "SUM":
        if _is_open(subgraph, operator):
            yield operator
        return
    if operator.name in _BESIDE_A_SUM or handed_on.values(operator) is not None:
        before = [o for i in handed_on.values(operator) or operator.inputs for o in _from_sum(subgraph, i, maker)]
        if before:
            yield from (operator, *before)


def _is_open(subgraph: Subgraph, operator: Operator) -> bool:
    """Whether a SUM adds along a dynamic dimension."""
    data, axes = (subgraph.tensors[i] for i in operator.inputs[:2])
    if not axes.constant:
        return -1 in data.shape
    return any(data.shape[axis] < 0 for axis in axes.data.view(np.int32) if -len(data.shape) <= axis < len(data.shape))
