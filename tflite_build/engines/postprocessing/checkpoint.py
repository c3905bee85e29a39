"""`checkpoint`: the values of variables, in the order of the file that they are saved in."""

from __future__ import annotations

import numpy as np

from tflite_build.engines.kinds import training
from tflite_build.engines.kinds.binding import Binding

from .base import Around, Array, Outputs


def expected(binding: Binding, outputs: Outputs, around: Around) -> Array:
    """All of them, a tensor behind the other."""
    order = training.layout(list(outputs.tensors.values())).places
    return np.concatenate([outputs.values[name].reshape(-1).astype(np.float32) for name in order])
