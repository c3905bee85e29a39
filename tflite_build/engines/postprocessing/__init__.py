"""From what a model gives to what an app gets: the reference that generated code of every language is held against.

A file for each kind of result. Each gives one array of numbers, in an order that tests of every language know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tflite_build.engines.kinds.binding import Binding

from . import detections, keypoints, mask, picture, tensor
from .base import Around, Array, Measured, Outputs

EXPECTED: Mapping[str, Callable[[Binding, Outputs, Around], Array]] = {
    "classes": tensor.expected,
    "detections": detections.expected,
    "image": picture.expected,
    "keypoints": keypoints.expected,
    "mask": mask.expected,
    "tensor": tensor.expected,
}
# Kinds that are decided by comparing numbers: kernels that are near may give others.
DECIDED = frozenset({"detections", "image", "keypoints", "mask"})
# What measures take of a result, in the model's own picture.
MEASURED: Mapping[str, Callable[[Binding, Outputs, Around], Measured]] = {
    "image": picture.measured,
    "keypoints": keypoints.measured,
    "mask": mask.measured,
}
