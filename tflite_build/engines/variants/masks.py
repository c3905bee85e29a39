"""Masks of attention: sums and choices in which one operand is so large that integers keep nothing of the other.

A score that is not to count gets -1e9, or the lowest number that there is, before a softmax. One scale for both leaves
of the scores less than a step, so what takes or gives such a tensor stays float, down to where numbers are of usual size.
Masks are known by their constants too: where no sample of the calibration data masks anything, ranges do not show them,
and integers of these ranges would cut them off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tflite_build.engines.files import handed_on
from tflite_build.engines.files.graph import Graph, Operator, Subgraph, Tensor
from tflite_build.engines.words import quoted

_MIXING = frozenset({"ADD", "CONCATENATION", "MAXIMUM", "MINIMUM", "SELECT", "SELECT_V2", "SUB"})
_FACTORS = frozenset({"ADD", "CAST", "MUL", "NEG", "SUB"})  # what makes the 1 of a mask, to be multiplied by -1e9
_LARGE = 1e4  # no activation of a trained network reaches that, and every mask does
_LEFT = 4  # steps: an operand that spans less is lost
_SMALL = 1 / 16  # of a constant: what it is beside, where it is a mask
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
        maker = {i: operator for operator in subgraph.operators for i in operator.outputs}
        for operator in subgraph.operators:
            if masked.intersection((*operator.inputs, *operator.outputs)):
                found[subgraph.scope(operator)] = operator.name
            if operator.name == "MUL" and masked.intersection(operator.outputs):
                found |= {subgraph.scope(o): o.name for i in operator.inputs for o in _factor(i, maker)}
    return found


def idle_clamps(graph: Graph) -> list[str]:
    """The scopes of operators that hold values against the lowest or the highest number, which changes none of them."""
    return [
        subgraph.scope(operator)
        for subgraph in graph.subgraphs
        for large in (_large(subgraph),)
        for operator in subgraph.operators
        if operator.name in ("MAXIMUM", "MINIMUM") and large.keys() & {*operator.inputs}
    ]


def warning(kept: Mapping[str, str], word: str) -> str:
    """What to say of the operators that `operators` found."""
    computing = {kind for kind in kept.values() if kind not in handed_on.KINDS or kind.startswith("SELECT")}
    kinds = sorted(computing or set(kept.values()))
    stay = "stays" if len(kinds) == 1 else "stay"
    return f"{quoted(kinds)} {stay} float around a mask: {word} would keep nothing of the numbers beside it"


def _masked(subgraph: Subgraph, ranges: Ranges, bits: int) -> set[int]:
    """The tensors that hold both a mask and what it masks, or are to be added as one."""
    large = _large(subgraph)
    found: set[int] = set()
    for operator in subgraph.operators:
        by_constant = _takes_constant(subgraph, operator, large, ranges)
        passed = (operator.name in _MIXING or handed_on.values(operator) is not None) and found.intersection(
            operator.inputs
        )
        for output in operator.outputs:
            size = _size(subgraph, output, ranges)
            by_range = size >= _LARGE and (
                found.intersection(operator.inputs) or _loses(subgraph, operator, size, ranges, bits)
            )
            if subgraph.tensors[output].dtype == "float32" and (by_constant or passed or by_range):
                found.add(output)
    return found


def _large(subgraph: Subgraph) -> dict[int, float]:
    """The constants that reach beyond what activations do, spread over a shape or not, and how far from zero they do."""
    sizes = {i: _constant_size(t) for i, t in enumerate(subgraph.tensors) if t.constant and t.dtype == "float32"}
    found = {i: size for i, size in sizes.items() if size >= _LARGE}
    for operator in subgraph.operators:
        values = handed_on.values(operator)
        if values and all(i in found for i in values):
            found |= dict.fromkeys(operator.outputs, max(found[i] for i in values))
    return found


def _constant_size(tensor: Tensor) -> float:
    return float(max(abs(tensor.numbers.min(initial=0.0)), abs(tensor.numbers.max(initial=0.0))))


def _takes_constant(subgraph: Subgraph, operator: Operator, large: Mapping[int, float], ranges: Ranges) -> bool:
    """Whether an operator brings a large constant in beside, or as a factor of, small numbers."""
    size = max((large[i] for i in operator.inputs if i in large), default=0.0)
    if not size or operator.name in ("MAXIMUM", "MINIMUM") or operator.name not in {*_MIXING, "MUL"}:
        return False
    others = [i for i in operator.inputs if i >= 0 and i not in large and subgraph.tensors[i].dtype == "float32"]
    most = 1.0 if operator.name == "MUL" else size * _SMALL
    return all(_size(subgraph, i, ranges) <= most for i in others)


def _factor(index: int, maker: Mapping[int, Operator]) -> Iterator[Operator]:
    """The operators that make what is multiplied with a large constant: 0 or 1, of which calibration may see only 0."""
    left, seen = [index], set[int]()
    while left:
        tensor = left.pop()
        operator = maker.get(tensor)
        if operator is None or tensor in seen:
            continue
        seen.add(tensor)
        if operator.name in _FACTORS or handed_on.values(operator) is not None:
            yield operator
            left += handed_on.values(operator) or operator.inputs


def _loses(subgraph: Subgraph, operator: Operator, size: float, ranges: Ranges, bits: int) -> bool:
    if operator.name not in _MIXING:
        return False
    step = size / 2**bits
    computed = [i for i in operator.inputs if i >= 0 and not subgraph.tensors[i].constant]
    spans = [_size(subgraph, i, ranges) for i in computed if subgraph.tensors[i].dtype == "float32"]
    return any(0 < span < _LEFT * step for span in spans)


def _size(subgraph: Subgraph, index: int, ranges: Ranges) -> float:
    """How far a tensor reaches from zero; 0 where nobody saw it."""
    tensor = subgraph.tensors[index]
    if tensor.constant:
        return _constant_size(tensor)
    low, high = ranges.get(tensor.name, (0.0, 0.0))
    return max(abs(low), abs(high))
