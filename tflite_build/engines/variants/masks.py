"""Masks of attention: sums and choices in which one operand is so large that integers keep nothing of the other.

A score that is not to count gets -1e9, or the lowest number that there is, before a softmax. One scale for both leaves
of the scores less than a step, so what takes or gives such a tensor stays float, down to where numbers are of usual size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tflite_build.engines.files.graph import Graph, Operator, Subgraph
from tflite_build.engines.words import quoted

_MIXING = frozenset({"ADD", "CONCATENATION", "MAXIMUM", "MINIMUM", "SELECT", "SELECT_V2", "SUB"})
_LARGE = 1e4  # no activation of a trained network reaches that, and every mask does
_LEFT = 4  # steps: an operand that spans less is lost
Ranges = Mapping[str, Sequence[float]]


def operators(graph: Graph, ranges: Ranges, bits: int) -> dict[str, str]:
    """The operators that have to stay float, scope -> kind.

    Args:
        graph: The float file.
        ranges: The lowest and highest value of each tensor by name.
        bits: Of an activation.
    """
    found: dict[str, str] = {}
    for index in graph.main_subgraphs():
        subgraph = graph.subgraphs[index]
        masked = _masked(subgraph, ranges, bits)
        for operator in subgraph.operators:
            if masked.intersection((*operator.inputs, *operator.outputs)):
                found[subgraph.scope(operator)] = operator.name
    return found


def warning(kept: Mapping[str, str], word: str) -> str:
    """What to say of the operators that `operators` found."""
    kinds = sorted(set(kept.values()))
    stay = "stays" if len(kinds) == 1 else "stay"
    return f"{quoted(kinds)} {stay} float around a mask: {word} would keep nothing of the numbers beside it"


def _masked(subgraph: Subgraph, ranges: Ranges, bits: int) -> set[int]:
    """The tensors that hold both a mask and what it masks."""
    found: set[int] = set()
    for operator in subgraph.operators:
        for output in operator.outputs:
            size = _size(subgraph, output, ranges)
            if size < _LARGE:
                continue
            if found.intersection(operator.inputs) or _loses(subgraph, operator, size, ranges, bits):
                found.add(output)
    return found


def _loses(subgraph: Subgraph, operator: Operator, size: float, ranges: Ranges, bits: int) -> bool:
    if operator.name not in _MIXING:
        return False
    step = size / 2**bits
    computed = [i for i in operator.inputs if i >= 0 and not subgraph.tensors[i].constant]
    spans = [_size(subgraph, i, ranges) for i in computed if subgraph.tensors[i].dtype == "float32"]
    return any(0 < span < _LEFT * step for span in spans)


def _size(subgraph: Subgraph, index: int, ranges: Ranges) -> float:
    """How far a tensor reaches from zero; 0 where nobody saw it."""
    low, high = ranges.get(subgraph.tensors[index].name, (0.0, 0.0))
    return max(abs(low), abs(high))
