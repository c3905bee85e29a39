"""Where pixels of a picture lie in what a model gives for it: in a plane that covers the tensor of the picture.

Definitions: docs/postprocessing.md, "Planes in a picture". Places are fractions of whole numbers, so that all languages
find the same pixel; `taps` divides them once, in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .places import Places

Array = NDArray[Any]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a plane.

    Attributes:
        size: Of the upright picture, of which `taken` pixels from `left` on fill `filled` of `tensor` pixels from `start`.
        count: Pixels of the plane, which cover the tensor.
    """

    size: int
    left: int
    taken: int
    start: int
    filled: int
    tensor: int
    count: int

    def nearest(self, parts: int) -> Numbers:
        """For each of `parts` of the picture the pixel of the plane that its middle is in; -1 where none was looked at."""
        over, under, inside = self._places(parts)
        return np.where(inside, over // under, -1)

    def taps(self, parts: int) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
        """The two pixels whose centres are around each, and the share of the second; -1 as above."""
        over, under, inside = self._places(parts)
        first = (2 * over - under) // (2 * under)
        share = ((2 * over - under) - first * 2 * under).astype(np.float64) / np.float64(2 * under)
        low, high = (
            self.start * self.count // self.tensor,
            -(-(self.start + self.filled) * self.count // self.tensor) - 1,
        )
        one, other = (np.where(inside, np.clip(n, low, high), -1) for n in (first, first + 1))
        return one, other, share

    def _places(self, parts: int) -> tuple[Numbers, int, NDArray[np.bool_]]:
        """The middle of each part in pixels of the plane, as a fraction, and whether the model has looked there."""
        middle = (2 * np.arange(parts, dtype=np.int64) + 1) * self.size - 2 * parts * self.left
        inside = (middle >= 0) & (middle < 2 * parts * self.taken)
        over = (self.start * 2 * parts * self.taken + middle * self.filled) * self.count
        return over, 2 * parts * self.taken * self.tensor, inside


@dataclass(frozen=True, slots=True)
class Grid:
    """A plane of `width` x `height` pixels over the tensor of a picture.

    Attributes:
        turns: Quarter turns clockwise that make the picture upright.
    """

    across: Axis
    down: Axis
    turns: int

    def nearest(self, plane: Array, width: int, height: int, outside: int, *, upright: bool = False) -> Array:
        """(height, width) of the picture as it was given, or upright: the nearest pixel of (height, width) of the plane."""
        turns = 0 if upright else self.turns
        columns, rows = (width, height) if turns % 2 == 0 else (height, width)
        x, y = self.across.nearest(columns), self.down.nearest(rows)
        made = np.where((y[:, None] < 0) | (x < 0), np.array(outside, plane.dtype), plane[y[:, None], x])
        return np.rot90(made, turns)

    def bilinear(self, plane: Array, width: int, height: int, *, upright: bool = False) -> NDArray[np.float32]:
        """The same in proportion to the two pixels on each axis; 0 where the model has not looked."""
        turns = 0 if upright else self.turns
        columns, rows = (width, height) if turns % 2 == 0 else (height, width)
        (left, right, x), (top, bottom, y) = self.across.taps(columns), self.down.taps(rows)
        values = plane.astype(np.float64)
        upper, lower = (values[n][:, left] + (values[n][:, right] - values[n][:, left]) * x for n in (top, bottom))
        made = upper + (lower - upper) * y[:, None]
        return np.rot90(np.where((top[:, None] < 0) | (left < 0), 0.0, made), turns).astype(np.float32)


def grid(where: Places, width: int, height: int) -> Grid:
    """The plane of a result in the picture that it is of.

    Args:
        where: Where the tensor lies in its picture.
        width: Of the plane, as `height`.
    """
    taken, filled = where.fitted.taken, where.fitted.filled
    size = where.picture if where.turns % 2 == 0 else where.picture[::-1]
    return Grid(
        Axis(size[0], where.left + taken.left, taken.width, filled.left, filled.width, where.width, width),
        Axis(size[1], where.top + taken.top, taken.height, filled.top, filled.height, where.height, height),
        where.turns,
    )
