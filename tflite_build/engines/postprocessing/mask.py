"""What each pixel of a picture shows: from scores of classes to classes, in the picture that was given.

Definitions: docs/postprocessing.md. Classes are decided by the scores as the model gives them; what makes confidences of
them is computed in float64 and rounded once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.mask import NO_CLASS, Mask, of

from .base import Around, Measured, Outputs
from .grid import grid
from .scores import activated

Array = NDArray[Any]


def classes(how: Mask, values: Array) -> NDArray[np.uint8]:
    """(height, width) of the class of each pixel, `NO_CLASS` for none; of equal scores the first."""
    if how.form == "numbers":
        numbers = values.reshape(how.height, how.width).astype(np.int64)
        known = (numbers >= 0) & (numbers < (how.classes or NO_CLASS))
        return np.where(known, numbers, NO_CLASS).astype(np.uint8)
    sure = confidences(how, values)
    if how.form == "single":
        return np.asarray(sure[1] > np.float32(how.threshold or 0)).astype(np.uint8)
    scores = _scores(how, values)
    best = np.argmax(np.where(np.isnan(scores), -np.inf, scores), 0)
    if how.threshold is not None:
        own = np.take_along_axis(sure, best[None], 0)[0]
        best = np.where(own > np.float32(how.threshold), best, NO_CLASS)
    return np.asarray(best).astype(np.uint8)


def confidences(how: Mask, values: Array) -> NDArray[np.float32]:
    """(classes, height, width) of how sure the model is of a class at each pixel; of a mask with scores."""
    scores = _scores(how, values)
    if how.form == "single":
        own = activated(scores[0], how.activation)
        return np.stack([np.float32(1) - own, own])
    if how.activation != "softmax":
        return activated(scores, how.activation)
    powers = np.exp(scores.astype(np.float64) - scores.max(0).astype(np.float64))
    total = np.zeros(scores.shape[1:])
    for power in powers:  # in this order, in every language
        total += power
    return np.asarray(powers / total).astype(np.float32)


def _scores(how: Mask, values: Array) -> NDArray[np.float32]:
    """(classes, height, width)."""
    count = 1 if how.form == "single" else how.classes
    size = (how.height, how.width)
    real = values.astype(np.float32)
    return real.reshape(count, *size) if how.first else real.reshape(*size, count).transpose(2, 0, 1)


def expected(binding: Binding, outputs: Outputs, around: Around) -> Array:
    """(height, width): the class of each pixel of the picture as it was given."""
    where, how = around.picture(binding), _how(binding, outputs, around)
    return grid(where, how.width, how.height).nearest(classes(how, outputs.only), *where.picture, NO_CLASS)


def measured(binding: Binding, outputs: Outputs, around: Around) -> Measured:
    """The class of each pixel of the model's own picture; -1 for none."""
    how = _how(binding, outputs, around)
    numbers = classes(how, outputs.only).astype(np.int64)
    return Measured(np.where(numbers == NO_CLASS, -1, numbers), how.classes or None)


def _how(binding: Binding, outputs: Outputs, around: Around) -> Mask:
    labels = around.lines(binding, "labels").get("")
    return of(binding, outputs.tensors["mask"], len(labels) if labels is not None else None)
