"""The user's samples at the sizes that the spec declares and they do not have.

A file that is right at the size of the calibration data may be wrong at another: what counts the elements is a number
like any other, and a range that was seen at one size may be too narrow at the next. So files are calibrated and compared
at every declared size, on the samples repeated or cut along their open dimensions: their values are those of real data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tflite_build.engines.contract import Declared, Interface, SignatureSpec
from tflite_build.engines.files.tensors import Array, Case

from . import made_samples

_SAMPLES = 8  # of each further size


def completed(cases: Sequence[Case], interface: Interface, declared: Declared) -> list[Case]:
    """`cases`, and further ones for the declared sizes that are not among them."""
    further = [
        case
        for signature in interface.signatures
        for case in _further(signature, [c for c in cases if c.signature == signature.name], declared)
    ]
    return [*cases, *further]


def _further(signature: SignatureSpec, own: Sequence[Case], declared: Declared) -> Iterable[Case]:
    given = made_samples.declared_sizes(signature, declared.inputs(signature.name))
    if not own or not given:
        return
    base = max(own, key=lambda case: case.count)
    there = [{name: case.sizes[name] for name in given} for case in own]
    choices = {name: given.get(name, (size,)) for name, size in base.sizes.items()}
    for sizes in made_samples.combined(choices):
        if {name: sizes[name] for name in given} not in there:
            arrays = {t.name: _resized(base.tensors[t.name], t.shape, sizes) for t in signature.inputs}
            yield Case(signature.name, arrays, sizes, derived=True)


def _resized(array: Array, shape: Sequence[int | str], sizes: dict[str, int]) -> Array:
    """The first samples of `array`, of (samples, *shape), repeated or cut to `sizes`."""
    taken = array[:_SAMPLES]
    for axis, dimension in enumerate(shape, start=1):
        if isinstance(dimension, str) and taken.shape[axis]:
            taken = np.take(taken, np.arange(sizes[dimension]) % taken.shape[axis], axis)
    return taken
