"""Whether arrays that a user hands in fit the tensors they are meant for, and the same arrays in the tensors' own form.

The batch axis of 1 may be left out, and numbers may come in another width where nothing is lost. Knows nothing of files
or of who yields the arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Invalid, TensorSpec
from tflite_build.engines.words import shape_text

Array = NDArray[Any]


def samples(array: Array, tensor: TensorSpec, name: str, key: str) -> Array:
    """Samples along the first axis as (samples, *shape) of the tensor's type.

    Args:
        name: What the user calls the array.
        key: The key of model.toml that brings it in.

    Raises:
        Invalid: It is empty, or has another shape or type.
    """
    what = f"'{name}'"
    if array.ndim == 0:
        raise Invalid(f"{what} is a single value; an array with the samples as its first axis is needed", key)
    if array.size == 0:
        raise Invalid(f"{what} is empty: its shape is {shape_text(array.shape)}", key)
    if not matches(array.shape[1:], tensor.shape):
        if not (_batched(tensor) and matches(array.shape[1:], tensor.shape[1:])):
            forms = [("samples", *shape) for shape in _shapes(tensor)]
            raise Invalid(_misshapen(what, array, forms), key, "the first axis is the samples")
        array = array[:, None]
    return cast(array, tensor.dtype, what, key)


def sample(array: Array, tensor: TensorSpec, what: str, key: str) -> Array:
    """A single sample as an array of the tensor's shape and type.

    Args:
        what: The array as it is named in messages, such as "sample 3: 'image'".
        key: As in `samples`.

    Raises:
        Invalid: It is empty, or has another shape or type.
    """
    if array.dtype.kind in "OUS" and tensor.dtype != "string":
        raise Invalid(f"{what} is no array of numbers", key)
    if array.size == 0:
        raise Invalid(f"{what} is empty: its shape is {shape_text(array.shape)}", key)
    if not matches(array.shape, tensor.shape):
        if not (_batched(tensor) and matches(array.shape, tensor.shape[1:])):
            raise Invalid(_misshapen(what, array, _shapes(tensor)), key)
        array = array[None]
    return cast(array, tensor.dtype, what, key)


def matches(shape: Sequence[int], wanted: Sequence[int | str]) -> bool:
    """Whether a shape is the wanted one, whose named dimensions may have any size."""
    return len(shape) == len(wanted) and all(isinstance(w, str) or s == w for s, w in zip(shape, wanted, strict=True))


def cast(array: Array, dtype: str, what: str, key: str) -> Array:
    """`array` as `dtype`, where that changes its width alone.

    Raises:
        Invalid: It is of another kind, or holds values that `dtype` cannot.
    """
    if array.dtype.name == dtype:
        return array
    wanted = np.dtype(dtype) if dtype != "string" else None
    if wanted is None:
        raise Invalid(f"{what} is {array.dtype.name}, and the input is text", key, "text inputs cannot be calibrated")
    if array.dtype.kind == wanted.kind == "f":
        with np.errstate(over="ignore"):
            made: Array = array.astype(wanted)
        lost = np.isfinite(array) & ~np.isfinite(made)
        if lost.any():
            raise Invalid(f"{what} holds {array[lost][0]:g}, which is too large for {dtype}", key)
        return made
    if array.dtype.kind in "iu" and wanted.kind in "iu":
        limits = np.iinfo(wanted)
        if array.min() < limits.min or array.max() > limits.max:
            raise Invalid(f"{what} holds values from {array.min()} to {array.max()}, and the input is {dtype}", key)
        return array.astype(wanted)
    raise Invalid(f"{what} is {array.dtype.name}, and the input is {dtype}", key, _advice(array, wanted))


def _advice(array: Array, wanted: np.dtype[Any]) -> str:
    if array.dtype.kind in "iub" and wanted.kind == "f":
        return f"scale it as the app will, and convert it: array.astype('{wanted}')"
    if array.dtype.kind in "iufb":
        return f"convert it: array.astype('{wanted}')"
    return ""


def _batched(tensor: TensorSpec) -> bool:
    return len(tensor.shape) > 0 and (tensor.shape[0] == 1 or isinstance(tensor.shape[0], str))


def _shapes(tensor: TensorSpec) -> list[tuple[int | str, ...]]:
    return [tensor.shape, tensor.shape[1:]] if _batched(tensor) else [tensor.shape]


def _misshapen(what: str, array: Array, forms: Sequence[Sequence[int | str]]) -> str:
    return f"{what} has the shape {shape_text(array.shape)}; the input takes {' or '.join(map(shape_text, forms))}"
