"""Loading an .h5 file of Keras 2 with Keras 3: with its configuration rewritten, the file itself as it is.

Knows nothing of what is rewritten (`keras2_config`). Under any backend.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
from keras.src.legacy.saving import legacy_h5_format

from . import keras2_config
from .keras_file import json_of


class _Upgraded(h5py.File):  # type: ignore[misc]
    """The file, with another `model_config` than it has."""

    @property
    def attrs(self) -> dict[str, Any]:
        own = dict(super().attrs)
        return {**own, "model_config": json.dumps(keras2_config.upgraded(json_of(own["model_config"])))}


def load(path: Path, custom: Mapping[str, Any], safe_mode: bool) -> Any:
    """The model in the file, not compiled. `custom` has the user's objects by name."""
    objects = {keras2_config.HARD_SIGMOID: _hard_sigmoid, **custom}
    with _Upgraded(path, "r") as file:
        return legacy_h5_format.load_model_from_hdf5(file, custom_objects=objects, compile=False, safe_mode=safe_mode)


def _hard_sigmoid(x: Any) -> Any:
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
