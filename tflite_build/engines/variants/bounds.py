"""What the values of a tensor cannot go beyond, as far as the operators that make it say so.

Holds for every kernel that computes in plain floating point, whatever its rounding: a clamp gives nothing outside of it,
and sums, products and means of numbers that are not negative are not negative. Knows nothing of samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tflite_build.engines.files.graph import Subgraph, Tensor

_CLAMPS = {"RELU": (0.0, math.inf), "RELU_N1_TO_1": (-1.0, 1.0), "RELU6": (0.0, 6.0), "RELU_0_TO_1": (0.0, 1.0)}
_NOT_NEGATIVE = frozenset({"LOGISTIC", "SOFTMAX", "EXP", "ABS", "SQRT", "SQUARE"})
_OF_NOT_NEGATIVE = frozenset({"ADD", "MUL", "DIV", "SUM", "MEAN", "AVERAGE_POOL_2D"})
# Every value of the result is one of the operands.
_HAND_ON = frozenset({
    "CONCATENATION", "DEPTH_TO_SPACE", "EXPAND_DIMS", "GATHER", "MAXIMUM", "MAX_POOL_2D", "MINIMUM", "PACK", "RESHAPE",
    "RESIZE_NEAREST_NEIGHBOR", "SLICE", "SPACE_TO_DEPTH", "SPLIT", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE", "UNPACK",
})  # fmt: skip
_WITH_ZERO = frozenset({"PAD"})  # or zero
_BY_OPERANDS = _OF_NOT_NEGATIVE | _HAND_ON | _WITH_ZERO | _CLAMPS.keys()


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest value that a tensor may have.

    Attributes:
        given: Whether its values are the caller's own, so that all kernels have the same.
    """

    low: float = -math.inf
    high: float = math.inf
    given: bool = False


def of(subgraph: Subgraph) -> list[Bounds]:
    """The bounds of each tensor that is no constant."""
    found = [Bounds()] * len(subgraph.tensors)
    for index in subgraph.inputs:
        found[index] = Bounds(given=True)
    for operator in subgraph.operators:
        tensors = [(i, subgraph.tensors[i]) for i in operator.inputs if i >= 0]
        name = "" if operator.custom else operator.name
        operands = []
        if name in _BY_OPERANDS:  # else the constants are weights, and many
            operands = [_constant(t) if t.constant else found[i] for i, t in tensors if t.dtype == "float32"]
        bounds = _computed(name, operands)
        if operator.activation:
            bounds = _clamped(bounds, operator.activation) if operator.activation in _CLAMPS else Bounds()
        for index in operator.outputs:
            found[index] = bounds
    return found


def _constant(tensor: Tensor) -> Bounds:
    low, high = float(tensor.numbers.min(initial=math.inf)), float(tensor.numbers.max(initial=-math.inf))
    return Bounds(low, high, given=True) if low <= high else Bounds()  # NaN is neither


def _computed(name: str, operands: Sequence[Bounds]) -> Bounds:
    """The bounds before the operator's own activation."""
    if name in _NOT_NEGATIVE:
        return Bounds(low=0.0)
    if not operands:
        return Bounds()
    low, high = min(o.low for o in operands), max(o.high for o in operands)
    given = all(o.given for o in operands)
    if name in _OF_NOT_NEGATIVE:
        return Bounds(low=0.0) if low >= 0 else Bounds()
    if name in _WITH_ZERO:
        return Bounds(min(low, 0.0), max(high, 0.0), given)
    bounds = Bounds(low, high, given)
    return _clamped(bounds, name) if name in _CLAMPS else bounds


def _clamped(bounds: Bounds, activation: str) -> Bounds:
    low, high = _CLAMPS[activation]
    return Bounds(min(max(low, bounds.low), high), max(min(high, bounds.high), low), bounds.given)
