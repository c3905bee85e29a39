"""The kinds of arguments and results, a file each: what the spec binds becomes what code is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tflite_build.engines.kinds.binding import Binding
from tflite_build.wrap.view import TensorView

from . import (
    audio,
    categorical,
    checkpoint,
    classes,
    detections,
    embedding,
    image,
    keypoints,
    mask,
    picture,
    tensor,
    text,
)
from .base import ArgumentView, Given, ResultView

ARGUMENTS: Mapping[str, Callable[[Binding, Mapping[str, TensorView], Given], ArgumentView]] = {
    "image": image.bind,
    "audio": audio.bind,
    "categorical": categorical.bind,
    "checkpoint": checkpoint.bind_argument,
    "text": text.bind,
    "tensor": tensor.bind_argument,
}
RESULTS: Mapping[str, Callable[[Binding, Mapping[str, TensorView], Given], ResultView]] = {
    "checkpoint": checkpoint.bind_result,
    "classes": classes.bind,
    "detections": detections.bind,
    "embedding": embedding.bind,
    "image": picture.bind,
    "keypoints": keypoints.bind,
    "mask": mask.bind,
    "tensor": tensor.bind_result,
}
