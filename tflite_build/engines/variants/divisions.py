"""What is divided by: a divisor near zero has to be exact, and one scale for all divisors rounds it to nothing.

So what makes a divisor stays float, back to the sum or mean that it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator

from tflite_build.engines.files import handed_on
from tflite_build.engines.files.graph import Graph, Operator, Subgraph

_CARRYING = frozenset({"ABS", "ADD", "MAXIMUM", "MINIMUM", "SQRT"})  # as in sqrt(variance) + epsilon
_SOURCES = frozenset({"MEAN", "SUM"})


def operators(graph: Graph) -> list[str]:
    """The scopes of the operators that make divisors."""
    scopes: dict[str, None] = {}
    for subgraph in graph.subgraphs:
        maker = {i: operator for operator in subgraph.operators for i in operator.outputs}
        for operator in subgraph.operators:
            if operator.name == "DIV":
                scopes |= {subgraph.scope(o): None for o in _made_by(subgraph, operator.inputs[1], maker)}
    return list(scopes)


def _made_by(subgraph: Subgraph, index: int, maker: dict[int, Operator]) -> Iterator[Operator]:
    operator = maker.get(index)
    if operator is None or subgraph.tensors[index].dtype != "float32":
        return
    values = handed_on.values(operator)
    if operator.name in _SOURCES:
        yield operator
    elif operator.name in _CARRYING or values is not None:
        yield operator
        for before in operator.inputs if values is None else values:
            yield from _made_by(subgraph, before, maker)
