"""A Keras model, from a file or from the user's code, to StableHLO by way of Keras on JAX: the step `lower.keras`.

Keras on JAX runs everything but what Keras itself does with TensorFlow alone; that is refused, not wrong. Knows nothing
of .tflite files or of converters.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from tflite_build.engines.contract import DEFAULT_SIGNATURE, FailingOperator, Refused, Request

from . import keras_file
from .keras_load import lazy_variables
from .keras_on_jax import jax, keras
from .keras_source import KerasSource
from .lower_stablehlo import Program, lower, uncollected


def run(request: Request) -> None:
    """Write `lowered/` (see `lowered`) and `interface.json`.

    Params: those of `KerasSource`, and
        locations: Keep source lines in the program.

    Raises:
        Invalid: The file, the user's code or the spec is wrong.
        Refused: Only TensorFlow can run this model.
    """
    with uncollected(), KerasSource.opened(request, _Jax()) as source:
        loaded = source.load()
        program = Program(DEFAULT_SIGNATURE, loaded.infer, loaded.inputs)
        folder = request.outputs / "lowered"
        locations = bool(request.params.get("locations"))
        lowered = source.guarded(lambda: lower([program], folder, locations, _fused(loaded.model)))
        (signature,) = lowered.interface.signatures
        source.tell(signature)


class _Jax:
    """Keras on JAX (`keras_source.Backend`)."""

    name = "Keras on JAX"
    wide = False
    foreign = {"tensorflow": "TensorFlow", "tf_keras": "TensorFlow"}  # noqa: RUF012 - read as it is

    def loading(self) -> AbstractContextManager[None]:
        return lazy_variables()

    def check(self, file: keras_file.KerasFile) -> None:
        if file.tensorflow:
            listed = ", ".join(f"'{name}' ({kind})" for name, kind in file.tensorflow)
            raise Refused(
                f"Keras runs {listed} with TensorFlow alone",
                [FailingOperator(kind, "", f"layer {name}") for name, kind in file.tensorflow],
            )

    def objects(self, error: Exception) -> bool:
        return isinstance(error, (jax.errors.JAXTypeError, jax.errors.JAXIndexError)) or "Tracer" in str(error)


def _fused(model: Any) -> list[str]:
    """Layers for which TensorFlow Lite has an operator of its own."""
    return [
        layer.name for layer in model._flatten_layers() if isinstance(layer, keras.layers.LSTM) and not layer.unroll
    ]
