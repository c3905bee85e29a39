"""A decoded picture as the numbers of an input tensor: orient, colour, fit, invert, normalize, in this order.

Definitions: docs/preprocessing.md. Knows nothing of files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.content import Content

from . import pixels
from .fitting import fit
from .resize import resize


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: (height, width, channels) of uint8; 1 channel is grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        orientation: What EXIF says, 1 where it says nothing.
    """

    pixels: NDArray[np.uint8]
    orientation: int = 1


def fitted(picture: Picture, content: Content, height: int, width: int, color_space: str) -> NDArray[np.uint8]:
    """`picture` as (height, width, channels) of uint8 pixels, before normalization.

    Raises:
        ValueError: It is too large for so small a tensor.
    """
    upright = pixels.oriented(picture.pixels, picture.orientation)
    if upright.shape[-1] in (2, 4):
        upright = pixels.opaque(upright)
    colored = pixels.in_color_space(upright, color_space)
    place = fit(colored.shape[1], colored.shape[0], width, height, content.fit)
    taken, filled = place.taken, place.filled
    part = colored[taken.top : taken.top + taken.height, taken.left : taken.left + taken.width]
    part = resize(part, filled.height, filled.width, content.resize, antialias=content.antialias)
    made = np.empty((height, width, colored.shape[-1]), np.uint8)
    made[:] = np.array(content.fill, np.uint8)
    made[filled.top : filled.top + filled.height, filled.left : filled.left + filled.width] = part
    return 255 - made if content.invert else made


def normalized(values: NDArray[Any], content: Content) -> NDArray[np.float32]:
    """(value - mean) / std along the last axis: one subtraction and one division of float32, each rounded to nearest."""
    mean, std = np.array(content.mean, np.float32), np.array(content.std, np.float32)
    made: NDArray[np.float32] = (values.astype(np.float32) - mean) / std
    return made


def quantized(real: NDArray[np.float32], scale: float, zero_point: int, dtype: str) -> NDArray[Any]:
    """What a quantized tensor holds for real numbers: real / scale, rounded half to even, + zero_point, saturated."""
    limits = np.iinfo(dtype)
    counted = np.rint(real / np.float32(scale)) + np.float32(zero_point)
    made: NDArray[Any] = np.clip(counted, limits.min, limits.max).astype(dtype)
    return made
