"""Pictures that a model makes: from its values to pixels. Definitions: docs/postprocessing.md."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.preprocessing.picture_result import PictureResult, of

from .base import Around, Measured, Outputs

Array = NDArray[Any]


def pixels(how: PictureResult, values: Array) -> NDArray[np.uint8]:
    """(height, width, channels) of RGB, or grey: value * std + mean, one multiplication and one addition of float32.

    The result is rounded half to even, and limited to 0 to 255; NaN is 0.
    """
    place, real = how.place, values.astype(np.float32)
    size = (place.height, place.width)
    channels = len(how.mean)
    rows = real.reshape(channels, *size).transpose(1, 2, 0) if place.channels_first else real.reshape(*size, channels)
    made = np.rint(rows * np.array(how.std, np.float32) + np.array(how.mean, np.float32))
    whole = np.clip(np.nan_to_num(made, nan=0.0, posinf=255.0, neginf=0.0), 0, 255).astype(np.uint8)
    return np.asarray(whole[..., ::-1]) if place.color_space == "bgr" else whole


def expected(binding: Binding, outputs: Outputs, around: Around) -> Array:
    """(height, width, 3): red, green and blue of each pixel; those of grey are alike."""
    made = measured(binding, outputs, around).values
    return np.ascontiguousarray(np.broadcast_to(made, (*made.shape[:2], 3)))


def measured(binding: Binding, outputs: Outputs, around: Around) -> Measured:
    """(height, width, channels): red, green and blue of each pixel, or grey."""
    return Measured(pixels(of(binding, outputs.tensors["image"]), outputs.only))
