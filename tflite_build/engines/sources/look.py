"""`look.keras`: the configuration of an HDF5 model as JSON, for `init`; h5py alone is imported."""

from __future__ import annotations

from tflite_build.engines.contract import Request

from . import keras_file


def run(request: Request) -> None:
    """Write `config.json`.

    Raises:
        Invalid: If the file is no Keras model.
    """
    path = request.inputs["model"]
    config, _ = keras_file.configuration(path, path.name)
    request.write_json("config.json", config)
