"""Where a picture goes in a tensor of another shape: which part of it is taken, and which part of the tensor it fills.

Whole pixels only, so that a fit is a crop, a resize and a border. Definitions: docs/preprocessing.md, "Fit".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Fit:
    """`taken` of the picture is resized to fill `filled` of the tensor."""

    taken: Box
    filled: Box


def fit(width: int, height: int, to_width: int, to_height: int, how: str) -> Fit:
    """How a picture of `width` x `height` pixels goes into `to_width` x `to_height`; `how` as the spec says."""
    taken, filled = Box(0, 0, width, height), Box(0, 0, to_width, to_height)
    wider = width * to_height > height * to_width
    if how == "crop":
        if wider:
            taken = _centred(width, height, max(1, _rounded(height * to_width, to_height)), height)
        else:
            taken = _centred(width, height, width, max(1, _rounded(width * to_height, to_width)))
    elif how == "letterbox":
        if wider:
            filled = _centred(to_width, to_height, to_width, max(1, _rounded(height * to_width, width)))
        else:
            filled = _centred(to_width, to_height, max(1, _rounded(width * to_height, height)), to_height)
    return Fit(taken, filled)


def _rounded(over: int, under: int) -> int:
    """Over / under, half up."""
    return (2 * over + under) // (2 * under)


def _centred(width: int, height: int, inner_width: int, inner_height: int) -> Box:
    return Box((width - inner_width) // 2, (height - inner_height) // 2, inner_width, inner_height)
