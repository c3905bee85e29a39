"""What is done to scores first: in float64, rounded once to float32. Definitions: docs/postprocessing.md."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.kinds.classes import Calibration

_LEAST = float(np.float32(1e-16))  # below it logarithms are mirrored, so that they stay finite and in order


def activated(values: NDArray[Any], activation: str) -> NDArray[np.float32]:
    """Values after "softmax", along the last axis, or "sigmoid"; as they are after ""."""
    x = values.astype(np.float64)
    if activation == "sigmoid":
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-x))).astype(np.float32)
    if activation == "softmax":
        powers = np.exp(x - x.max(-1, keepdims=True))
        sums = np.add.accumulate(powers, -1)[..., -1:]  # one after the other, as in every language
        return np.asarray(powers / sums).astype(np.float32)
    return values.astype(np.float32)


def calibrated(values: NDArray[np.float32], calibration: Calibration) -> NDArray[np.float32]:
    """Scores (classes,) made comparable, each with the parameters of its class."""
    made = np.full(values.shape, calibration.default, np.float32)
    known = [(i, c) for i, c in enumerate(calibration.classes) if c is not None]
    known = [(i, c) for i, c in known if c.least is None or not values[i] < c.least]
    places = [i for i, _ in known]
    scale, slope, offset = np.array([(c.scale, c.slope, c.offset) for _, c in known]).reshape(-1, 3).T
    x = values[places].astype(np.float64)
    if calibration.transformation == "log":
        x = _logarithm(x)
    elif calibration.transformation == "inverse-logistic":
        x = _logarithm(x) - _logarithm(1 - x)
    with np.errstate(over="ignore"):
        made[places] = scale / (1 + np.exp(-(x * slope + offset)))
    return made


def _logarithm(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(x); below the least score mirrored there, as MediaPipe does it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mirrored = 2 * np.log(_LEAST) - np.log(2 * _LEAST - x)
        return np.where(x < _LEAST, mirrored, np.log(x))
