"""What is divided by: a divisor near zero has to be exact, and one scale for all divisors rounds it to nothing.

So what makes a divisor stays float, back to the sum or mean that it comes from. A reciprocal square root, as norms have
one, has a sound integer form unless some of its values are far smaller than others: of rows of zeros it is a thousand times
that of usual ones, of which one scale for both leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tflite_build.engines.files import handed_on
from tflite_build.engines.files.graph import Graph, Operator, Subgraph

_CARRYING = frozenset({"ABS", "ADD", "MAXIMUM", "MINIMUM", "SQRT"})  # as in sqrt(variance) + epsilon
_SOURCES = frozenset({"MEAN", "SUM"})
_LEFT = 4  # steps: what lies nearer to zero is lost
Ranges = Mapping[str, Sequence[float]]


def operators(graph: Graph, ranges: Ranges, bits: int) -> list[str]:
    """The scopes of the operators that make divisors, and of those around reciprocals without a range.

    Args:
        graph: The float file.
        ranges: The lowest and highest value of each tensor by name.
        bits: Of an activation.
    """
    scopes: dict[str, None] = {}
    for subgraph in graph.subgraphs:
        maker = {i: operator for operator in subgraph.operators for i in operator.outputs}
        for operator in subgraph.operators:
            kept: list[Operator] = []
            if operator.name == "DIV":
                kept = list(_made_by(subgraph, operator.inputs[1], maker))
            elif operator.name == "RSQRT" and _uneven(subgraph, operator, ranges, bits):
                kept = [operator, *_made_by(subgraph, operator.inputs[0], maker)]
                kept += _multiplied(subgraph, operator.outputs[0])
            scopes |= {subgraph.scope(o): None for o in kept}
    return list(scopes)


def _uneven(subgraph: Subgraph, operator: Operator, ranges: Ranges, bits: int) -> bool:
    """Whether some values of an operator that takes and gives positive numbers are lost beside others."""
    spans = [ranges.get(subgraph.tensors[i].name) for i in (operator.inputs[0], operator.outputs[0])]
    return any(span is not None and span[0] < _LEFT * span[1] / 2**bits for span in spans)


def _made_by(subgraph: Subgraph, index: int, maker: Mapping[int, Operator]) -> Iterator[Operator]:
    left, seen = [index], set[int]()
    while left:
        tensor = left.pop()
        operator = maker.get(tensor)
        if operator is None or tensor in seen or subgraph.tensors[tensor].dtype != "float32":
            continue
        seen.add(tensor)
        values = handed_on.values(operator)
        if operator.name in _SOURCES:
            yield operator
        elif operator.name in _CARRYING or values is not None:
            yield operator
            left += operator.inputs if values is None else values


def _multiplied(subgraph: Subgraph, index: int) -> Iterator[Operator]:
    """The products with the tensor `index`, and with its products with constants: others are of usual size again."""
    for operator in subgraph.operators:
        if index not in operator.inputs:
            continue
        others = [i for i in operator.inputs if i >= 0 and i != index and not subgraph.tensors[i].constant]
        if operator.name == "MUL" or handed_on.values(operator) is not None:
            yield operator
            if not others or operator.name != "MUL":
                for output in operator.outputs:
                    yield from _multiplied(subgraph, output)
