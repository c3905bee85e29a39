"""Whether a user's arrays can be what the spec's own preprocessing gives: the same range of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.content import Content
from tflite_build.engines.contract import Invalid

_BEYOND = 0.01  # of the width of the range, for rounding and for resizing with sharper kernels
_NARROW = 0.015  # less than 4 of 255 levels in all pictures together is another scale


def check(array: NDArray[Any], content: Content | None, name: str, key: str) -> None:
    """Hold `array` against the range that `content` gives; integers of a quantized input are the pixels themselves.

    Raises:
        Invalid: It holds values that no pixel or sound can become, or all of them lie in a tiny part of the range; or
            mean or std have one value for each of other channels than it has.
    """
    if content is not None and content.kind == "image" and array.ndim > 2:
        _check_channels(array.shape, content, name, key)
    bounds = content.bounds if content is not None else None
    if content is None or bounds is None or array.dtype.kind != "f" or not array.size:
        return
    low, high = bounds
    least, most = float(np.min(array)), float(np.max(array))
    width = high - low
    outside = least < low - _BEYOND * width or most > high + _BEYOND * width
    narrow = content.kind == "image" and most - least < _NARROW * width
    if not (outside or narrow):
        return
    unit = "pixels of 0 to 255" if content.kind == "image" else "sound of -1 to 1"
    raise Invalid(
        f"'{name}' holds {least:.4g} to {most:.4g}, and mean = {_list(content.mean)} with std = {_list(content.std)} "
        f"make {unit} into {low:.4g} to {high:.4g}",
        key,
        "prepare the arrays as the app will, or correct mean and std",
    )


def _check_channels(shape: tuple[int, ...], content: Content, name: str, key: str) -> None:
    possible = {1, shape[-1], shape[-3]}  # channels last, or before height and width
    for word, values in (("mean", content.mean), ("std", content.std)):
        if len(values) not in possible:
            raise Invalid(
                f"'{word}' of '{name}' has {len(values)} values, and its shape {list(shape)} has not as many channels",
                key,
                "give one number, or one for each channel",
            )


def _list(values: tuple[float, ...]) -> str:
    return "[" + ", ".join(f"{v:g}" for v in values) + "]"
