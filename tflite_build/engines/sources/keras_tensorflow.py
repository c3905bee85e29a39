"""A Keras model to a SavedModel by way of Keras on TensorFlow: the step `lower.tensorflow`.

The second way for models that `keras_jax` or the LiteRT converter refuses (recurrent layers, layers of TensorFlow alone);
names and meaning are the same. Knows nothing of .tflite files or of converters.
"""

from __future__ import annotations

import os

# All are read once, when Keras and TensorFlow are imported.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from contextlib import AbstractContextManager, nullcontext

from tflite_build.engines.contract import DEFAULT_SIGNATURE, Refused, Request

from . import keras_file, keras_graph, saved_model_file
from .keras_source import KerasSource
from .saved_model_writing import Endpoint, write


def run(request: Request) -> None:
    """Write `saved_model/` with the signature `serving_default`, and `interface.json`.

    Params: those of `KerasSource`, and
        locations: Keep source lines in the graph.

    Raises:
        Invalid: The file, the user's code or the spec is wrong.
        Refused: Keras on TensorFlow cannot run the model, or is wrong where a dimension is open.
    """
    with KerasSource.opened(request, _TensorFlow()) as source:
        loaded = source.load()
        folder = request.outputs / "saved_model"
        locations = bool(request.params.get("locations"))
        endpoint = Endpoint(DEFAULT_SIGNATURE, loaded.infer, loaded.inputs)
        (signature,) = source.guarded(lambda: write([endpoint], folder, locations))
        keras_graph.check(loaded)
        source.tell(signature)
    left = saved_model_file.read(folder).meta_graph(None).unrestored([DEFAULT_SIGNATURE])
    if left:
        raise Refused(f"TensorFlow does not save all weights that the model reads: {sorted(left)}")


class _TensorFlow:
    """Keras on TensorFlow (`keras_source.Backend`): whatever Keras can, it can."""

    name = "Keras on TensorFlow"
    wide = True
    foreign = {"jax": "JAX"}  # noqa: RUF012 - read as it is

    def loading(self) -> AbstractContextManager[None]:
        return nullcontext()

    def check(self, file: keras_file.KerasFile) -> None:
        """Nothing is missing."""

    def objects(self, error: Exception) -> bool:
        return False
