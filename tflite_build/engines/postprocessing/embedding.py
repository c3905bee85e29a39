"""Embeddings: numbers of a length of one, and how near two of them are.

Definitions: docs/postprocessing.md. Sums are float64, one number after the other, and all is rounded once to float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.embedding import of

from .base import Around, Array, Outputs

Floats = NDArray[np.float32]


def normalized(values: Floats) -> Floats:
    """Values divided by their length, the root of the sum of their squares; zeros as they are."""
    wide = values.astype(np.float64)
    length = np.sqrt(_sum(wide * wide))
    return np.asarray(wide / length).astype(np.float32) if length > 0 else values


def cosine(a: Floats, b: Floats) -> np.float32:
    """The cosine of the angle between two, -1 to 1; 0 where one is all zeros."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.sqrt(_sum(x * x) * _sum(y * y))
    return np.float32(_sum(x * y) / lengths) if lengths > 0 else np.float32(0)


def distance(a: Floats, b: Floats) -> np.float32:
    """How far two are apart: the root of the sum of their squared differences."""
    apart = a.astype(np.float64) - b.astype(np.float64)
    return np.float32(np.sqrt(_sum(apart * apart)))


def _sum(values: NDArray[np.float64]) -> np.float64:
    """One value after the other: `sum` of numpy adds in pairs."""
    return np.float64(np.add.accumulate(values)[-1])


def expected(binding: Binding, outputs: Outputs, around: Around) -> Array:
    """The numbers."""
    how = of(binding, outputs.tensors)
    values = outputs.only.reshape(-1).astype(np.float32)
    return normalized(values) if how.normalize else values
