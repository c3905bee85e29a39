"""Resizing a picture of 8-bit values in integers: every weight is a whole number, and only the end is rounded.

The definitions are those of docs/preprocessing.md, "Resize". Nothing here depends on the order of additions, so rows and
columns may be done in either order, and any language with 64-bit integers gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Taps:
    """How one axis is resized: output i is the sum of source[index[i, k]] * weight[i, k] over k, over total[i]."""

    index: NDArray[np.int64]
    weight: NDArray[np.int64]
    total: NDArray[np.int64]


def resize(picture: Array, height: int, width: int, method: str, *, antialias: bool = False) -> NDArray[np.uint8]:
    """`picture` in another size.

    Args:
        picture: (height, width, channels) of uint8.
        height: The wanted height, at least 1.
        width: The wanted width, at least 1.
        method: "nearest", "bilinear" or "area".
        antialias: For "bilinear" only.

    Returns:
        (height, width, channels) of uint8, rounded half up.

    Raises:
        ValueError: The sums would not fit into 64 bits, as where a huge picture becomes a few pixels.
    """
    rows, columns = (
        taps(n, m, method, antialias=antialias) for n, m in ((picture.shape[0], height), (picture.shape[1], width))
    )
    total = rows.total[:, None] * columns.total[None, :]
    if int(rows.total.max()) * int(columns.total.max()) * (2 * 255 + 1) > _LARGEST:
        raise ValueError(f"a picture of {picture.shape[1]}x{picture.shape[0]} is too large for {width}x{height} pixels")
    made = _along(_along(picture, rows, 0), columns, 1)
    rounded: NDArray[Any] = (2 * made + total[..., None]) // (2 * total[..., None])
    return rounded.astype(np.uint8)


def taps(source: int, target: int, method: str, *, antialias: bool = False) -> Taps:
    """The weights of one axis of `source` pixels that becomes `target` pixels, pixel centres at half-integers."""
    x = np.arange(target, dtype=np.int64)
    if method == "nearest":
        index = ((2 * x + 1) * source // (2 * target))[:, None]
        return _taps(index, np.ones_like(index), source)
    if method == "area":  # the pixel x covers [x, x + 1) * source / target
        begin, end = x * source, (x + 1) * source  # in units of 1 / target of a source pixel
        index = begin[:, None] // target + np.arange(-(-source // target) + 1)
        left, right = np.maximum(index * target, begin[:, None]), np.minimum((index + 1) * target, end[:, None])
        return _taps(index, np.maximum(right - left, 0), source)
    if antialias and source > target:
        # The triangle of the width 2 * source / target around the centre; in units of 1 / (2 * target * source).
        centre = (2 * x + 1) * source
        first = (centre - 2 * source) // (2 * target)
        index = first[:, None] + np.arange(2 * -(-source // target) + 3)
        weight = np.maximum(2 * source - np.abs((2 * index + 1) * target - centre[:, None]), 0)
        weight[(index < 0) | (index >= source)] = 0  # nothing is beyond the edge; the rest weighs more
        return _taps(index, weight, source)
    # (x + 1/2) * source / target - 1/2, in units of 1 / (2 * target)
    place = (2 * x + 1) * source - target
    index = place // (2 * target)
    rest = place - index * 2 * target
    return _taps(np.stack([index, index + 1], 1), np.stack([2 * target - rest, rest], 1), source)


def _taps(index: NDArray[np.int64], weight: NDArray[np.int64], source: int) -> Taps:
    return Taps(np.clip(index, 0, source - 1), weight, weight.sum(1))


def _along(picture: Array, axis: Taps, number: int) -> NDArray[np.int64]:
    made: NDArray[np.int64] | None = None
    for k in range(axis.index.shape[1]):
        weight = axis.weight[:, k].reshape((-1, 1, 1) if number == 0 else (1, -1, 1))
        if weight.any():
            part = picture.take(axis.index[:, k], number).astype(np.int64) * weight
            made = part if made is None else np.add(made, part, out=made)
    assert made is not None  # the weights of an output are never all zero
    return made
