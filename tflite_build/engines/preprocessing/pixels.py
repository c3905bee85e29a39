"""What is done to pixels where they stand: rotation as EXIF says, transparency, colours. All on 8-bit integers.

Definitions: docs/preprocessing.md, "Decode" and "Colour".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
# ITU-R BT.601 luma, 0.299 R + 0.587 G + 0.114 B, in 1/65536: their sum is 65536. As Pillow's convert("L").
_RED, _GREEN, _BLUE = 19595, 38470, 7471


def oriented(picture: Pixels, orientation: int) -> Pixels:
    """`picture` upright, whose tag 0x0112 says `orientation` (EXIF 2.32, 4.6.4): 1 to 8, any other is as 1."""
    if orientation in (5, 6, 7, 8):
        picture = picture.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    return picture


def opaque(picture: Pixels) -> Pixels:
    """`picture` over white, without its last channel, which is alpha: (c * a + 255 * (255 - a)) / 255, half up."""
    alpha = picture[..., -1:].astype(np.int64)
    blended = picture[..., :-1] * alpha + 255 * (255 - alpha)
    return ((2 * blended + 255) // 510).astype(np.uint8)


def in_color_space(picture: Pixels, color_space: str) -> Pixels:
    """A picture of 1 channel (grey) or 3 (red, green, blue) as "rgb", "bgr" or "grayscale"."""
    if color_space == "grayscale":
        return gray(picture)
    if picture.shape[-1] == 1:
        picture = np.repeat(picture, 3, axis=-1)
    return picture[..., ::-1] if color_space == "bgr" else picture


def gray(picture: Pixels) -> Pixels:
    """Luma of red, green and blue, one channel."""
    if picture.shape[-1] == 1:
        return picture
    red, green, blue = (picture[..., i].astype(np.int64) for i in range(3))
    luma: NDArray[Any] = (red * _RED + green * _GREEN + blue * _BLUE + 32768) >> 16
    return luma.astype(np.uint8)[..., None]
