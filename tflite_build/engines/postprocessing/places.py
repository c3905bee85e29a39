"""The way back from a tensor to the picture that it was made of: letterbox, crop, region and rotation undone.

Definitions: docs/postprocessing.md, "Places in a picture". Computed in float64 and rounded once, as generated code does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.content import Content
from tflite_build.engines.preprocessing.fitting import Fit, fit

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Places:
    """Where a tensor of a picture lies in that.

    Attributes:
        fitted: Which part of the region filled which part of the tensor.
        width: Of the tensor, as `height`.
        left: Where the region begins in the upright picture, as `top`.
        picture: Width and height of the picture as it was given.
        turns: Quarter turns clockwise that made it upright.
    """

    fitted: Fit
    width: int
    height: int
    picture: tuple[int, int]
    left: int = 0
    top: int = 0
    turns: int = 0

    def upright(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Points of the tensor, in its pixels, in those of the upright picture: float32."""
        across, down = self._upright(x, y)
        return across.astype(np.float32), down.astype(np.float32)

    def given(self, x: Array, y: Array) -> tuple[Array, Array]:
        """The same in the picture as it was given."""
        across, down = self._upright(x, y)
        width, height = self.picture
        turned = {
            0: (across, down),
            1: (down, height - across),
            2: (width - across, height - down),
            3: (width - down, across),
        }[self.turns]
        return turned[0].astype(np.float32), turned[1].astype(np.float32)

    def _upright(self, x: Array, y: Array) -> tuple[Array, Array]:
        taken, filled = self.fitted.taken, self.fitted.filled
        across = (self.left + taken.left) + (x.astype(np.float64) - filled.left) * taken.width / filled.width
        down = (self.top + taken.top) + (y.astype(np.float64) - filled.top) * taken.height / filled.height
        return across, down


def places(
    content: Content,
    tensor: tuple[int, int],
    picture: tuple[int, int],
    turns: int = 0,
    region: tuple[int, int, int, int] | None = None,
) -> Places:
    """The way back for a picture.

    Args:
        tensor: Width and height of the tensor.
        picture: Width and height of the picture.
        turns: Quarter turns clockwise that make it upright.
        region: Left, top, right and bottom of what was taken of the upright picture; None for all.
    """
    width, height = picture if turns % 2 == 0 else picture[::-1]
    left, top, right, bottom = region or (0, 0, width, height)
    fitted = fit(right - left, bottom - top, *tensor, content.fit)
    return Places(fitted, *tensor, picture, left, top, turns)
