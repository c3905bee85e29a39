"""From what a model gives to what an app gets: the reference that generated code of every language is held against.

A file for each kind of result. Each gives one array of numbers, in an order that tests of every language know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tflite_build.engines.kinds.binding import Binding

from . import checkpoint, classes, detections, embedding, keypoints, mask, picture, tensor
from .base import Around, Array, Measured, Outputs

EXPECTED: Mapping[str, Callable[[Binding, Outputs, Around], Array]] = {
    "checkpoint": checkpoint.expected,
    "classes": classes.expected,
    "detections": detections.expected,
    "embedding": embedding.expected,
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


def decided(binding: Binding) -> bool:
    """Whether a result is of such a kind, or of a scale that tells nothing of how far an output may be off."""
    return binding.kind in DECIDED or "score_calibration" in binding.files or "normalize" in binding.options
