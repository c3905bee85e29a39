"""From what a model gives to what an app gets: the reference that generated code of every language is held against.

A file for each kind of result. Each gives one array of numbers, in an order that tests of every language know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tflite_build.engines.kinds.binding import Binding

from . import detections, tensor
from .base import Around, Array, Outputs

EXPECTED: Mapping[str, Callable[[Binding, Outputs, Around], Array]] = {
    "classes": tensor.expected,
    "detections": detections.expected,
    "tensor": tensor.expected,
}
# Kinds that are decided by comparing numbers: kernels that are near may give others.
DECIDED = frozenset({"detections"})
