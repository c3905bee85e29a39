"""Whether arrays that a user hands in fit the tensors they are meant for, and the same arrays in the tensors' own form.

Inputs go by the spec's names or by the model's own, the batch axis of 1 may be left out, and numbers may come in another
width where nothing is lost. Knows nothing of files or of who yields the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Invalid, Names, TensorSpec
from tflite_build.engines.words import near_or_all, quoted, shape_text, table

Array = NDArray[Any]
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Given(Generic[_Value]):
    """What a user gives for an input, and the name by which it was given."""

    name: str
    value: _Value


def check_names(signature: str, inputs: Sequence[str], names: Names, *, single: bool) -> None:
    """Make sure that no input gets a name which another one keeps: data could not say which of them it is for.

    Args:
        inputs: The model's own names of all inputs of the signature.
        single: Whether the model has this signature alone.

    Raises:
        Invalid: At the key that gives the name.
    """
    shown = [names.public(signature, "inputs", own) for own in inputs]
    for name in shown:
        if shown.count(name) > 1:
            key = f"{table(signature, single, name)}.from"
            raise Invalid(f"the model has another input that is called '{name}'", key)


def by_own_name(
    values: Mapping[str, _Value], signature: str, inputs: Sequence[str], names: Names, what: str, key: str
) -> dict[str, Given[_Value]]:
    """What a user gives for each input of a signature, by the model's own names.

    Args:
        values: By public names, or by the model's own.
        inputs: The model's own names of all of them.
        names: What the spec calls them.
        what: Where the arrays come from, as messages say it: "the data", "sample 3".
        key: The key of model.toml that brings them in.

    Raises:
        Invalid: An array is for no input, two are for one, or an input has none.
    """
    known = [names.public(signature, "inputs", own) for own in inputs]
    found: dict[str, Given[_Value]] = {}
    for name, value in values.items():
        own = names.own(signature, "inputs", name)
        if own not in inputs:
            raise Invalid(f"{what} has an array '{name}', and the model no such input", key, near_or_all(name, known))
        if own in found:
            raise given_twice(names.public(signature, "inputs", own), found[own].name, name, what, key)
        found[own] = Given(name, value)
    missing = [public for own, public in zip(inputs, known, strict=True) if own not in found]
    if missing:
        hint = f"it needs {quoted(known)}" if len(known) > 1 else ""
        raise Invalid(f"{what} has no array for the input {quoted(missing)}", key, hint)
    return found


def given_twice(public: str, one: str, other: str, what: str, key: str) -> Invalid:
    """The mistake of arrays called `one` and `other` for one input, which has a name of the spec's and one of its own."""
    return Invalid(
        f"{what} has two arrays for the input '{public}': '{one}' and '{other}'", key, "leave one of them out"
    )


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
