"""Whether a graph with open dimensions computes what the model itself does, under Keras on TensorFlow.

Layers take other ways where a size is not known while they are traced, and not all of those ways are right (see
`keras_steps`). The SavedModel is what files are compared with later, so nothing after this step would notice. Knows
nothing of files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tflite_build.engines.contract import Refused, TensorSpec

from .keras_source import LoadedModel

_BATCH = 2
_SIZES = (32, 96, 7)  # the first at which the model runs; 7 for tables of few positions
_FAR = 0.01  # of the largest value; another way to compute is off by more, another order of sums by less


def check(loaded: LoadedModel) -> None:
    """Run the model on one set of inputs, both ways, where it has open dimensions.

    What is random by itself, and what runs at none of the sizes, is left to later steps.

    Raises:
        Refused: An output has another shape or other values.
    """
    if not any(isinstance(d, str) for spec in loaded.inputs for d in spec.shape):
        return
    for size in _SIZES:
        inputs = [_made(spec, size, loaded.inputs) for spec in loaded.inputs]
        try:
            wanted = [(name, tf.convert_to_tensor(value).numpy()) for name, value in loaded.infer(*inputs)]
            again = [tf.convert_to_tensor(value).numpy() for _, value in loaded.infer(*inputs)]
        except Exception:  # the model's own code may raise anything at a size that it does not take
            continue
        made = _graph(loaded)(*inputs)
        for (name, want), second, got in zip(wanted, again, made, strict=True):
            _compare(name, got.numpy(), want, random=not np.array_equal(want, second, equal_nan=want.dtype.kind == "f"))
        return


def _graph(loaded: LoadedModel) -> Any:
    specs = [tf.TensorSpec([d if isinstance(d, int) else None for d in s.shape], s.dtype) for s in loaded.inputs]

    def values(*tensors: Any) -> list[Any]:
        return [tf.convert_to_tensor(value) for _, value in loaded.infer(*tensors)]

    return tf.function(values, input_signature=specs, autograph=False)


def _made(spec: TensorSpec, size: int, inputs: Sequence[TensorSpec]) -> Any:
    """Numbers of a bell curve; of whole ones 0 and 1, which every table has."""
    inner = {d for one in inputs for d in one.shape[1:]}
    shape = [d if isinstance(d, int) else size if d in inner else _BATCH for d in spec.shape]
    random = np.random.default_rng(0)
    whole = np.dtype(spec.dtype).kind != "f"
    return tf.constant(random.integers(0, 2, shape) if whole else random.normal(size=shape), spec.dtype)


def _compare(name: str, got: Any, want: Any, random: bool) -> None:
    if got.shape != want.shape:
        raise Refused(
            f"Keras on TensorFlow gives '{name}' of the shape {list(got.shape)} instead of {list(want.shape)} "
            "where a dimension is open"
        )
    if random or not want.size:
        return
    values = want.astype("float64")
    finite = np.isfinite(values)
    largest = np.abs(values[finite]).max(initial=0.0)
    error = np.abs(got.astype("float64")[finite] - values[finite]).max(initial=0.0)
    if not error <= _FAR * largest + 1e-6:
        raise Refused(
            f"Keras on TensorFlow computes '{name}' in another way where a dimension is open: it is off by {error:.2g}, "
            f"and the largest value is {largest:.2g}"
        )
