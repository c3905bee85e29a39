"""Test data where the spec brings none: random numbers from a fixed seed, within the ranges that it declares.

Knows what is declared of inputs, and nothing of what computes on the data.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tflite_build.engines.contract import Declared, DeclaredInput, Interface, Invalid, SignatureSpec, TensorSpec
from tflite_build.engines.files.tensors import Array, Case
from tflite_build.engines.words import table

_SEED = 20240229
_DEFAULT_SIZES = (1, 3)
_MOST_CASES = 16
_INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def made(interface: Interface, declared: Declared, count: int) -> Iterator[Case]:
    """Random data from a fixed seed: floats within [-1, 1) and integers within [0, 1] unless a range is declared."""
    for signature in interface.signatures:
        inputs = declared.inputs(signature.name)
        for sizes in _sizes(signature, inputs):
            random = np.random.Generator(np.random.PCG64(_SEED))
            arrays = {}
            for t in signature.inputs:
                shape = (count, *(sizes[d] if isinstance(d, str) else d for d in t.shape))
                bounds = inputs.get(t.name, DeclaredInput()).range
                key = f"{table(signature.name, signature.name not in declared.signatures, t.name)}.range"
                arrays[t.name] = _random(random, t, shape, bounds, key)
            yield Case(signature.name, arrays, sizes)


def _sizes(signature: SignatureSpec, inputs: Mapping[str, DeclaredInput]) -> list[dict[str, int]]:
    given = declared_sizes(signature, inputs)
    names = dict.fromkeys(d for t in signature.inputs for d in t.shape if isinstance(d, str))
    return combined({name: given.get(name, _DEFAULT_SIZES) for name in names})


def declared_sizes(signature: SignatureSpec, inputs: Mapping[str, DeclaredInput]) -> dict[str, Sequence[int]]:
    """The sizes that the spec wants tested of each of its dynamic dimensions."""
    given: dict[str, Sequence[int]] = {}
    for t in signature.inputs:
        given |= inputs.get(t.name, DeclaredInput()).sizes
    return given


def combined(choices: Mapping[str, Sequence[int]]) -> list[dict[str, int]]:
    """The sizes to test together: all combinations, or of many every size of every dimension once."""
    every = [dict(zip(choices, chosen, strict=True)) for chosen in itertools.product(*choices.values())]
    if len(every) <= _MOST_CASES:
        return every
    longest = max(len(c) for c in choices.values())
    return [{name: c[min(i, len(c) - 1)] for name, c in choices.items()} for i in range(longest)]


def _random(
    random: np.random.Generator, tensor: TensorSpec, shape: tuple[int, ...], bounds: Sequence[float] | None, key: str
) -> Array:
    if tensor.dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if tensor.dtype in _INTEGERS:
        low, high = _whole(bounds, tensor.dtype, key) if bounds else (0, 1)
        drawn = np.uint64 if high > np.iinfo(np.int64).max else np.int64
        return random.integers(low, high, shape, drawn, endpoint=True).astype(tensor.dtype)
    low_, high_ = bounds or (-1.0, 1.0)
    if max(-low_, high_, high_ - low_) > np.finfo(tensor.dtype).max:
        raise Invalid(f"the range is wider than {tensor.dtype}, which the input is", key)
    return random.uniform(low_, high_, shape).astype(tensor.dtype)


def _whole(bounds: Sequence[float], dtype: str, key: str) -> tuple[int, int]:
    """The lowest and the highest whole number of a range."""
    limits = np.iinfo(dtype)
    allowed = f"the input is {dtype}: whole numbers from {limits.min} to {limits.max}"
    low, high = math.ceil(bounds[0]), math.floor(bounds[1])
    if low > high:
        raise Invalid(f"there is no whole number from {bounds[0]:g} to {bounds[1]:g}, and {allowed}", key)
    if low < limits.min or high > limits.max:
        raise Invalid(f"the range reaches from {bounds[0]:g} to {bounds[1]:g}, and {allowed}", key)
    return low, high
