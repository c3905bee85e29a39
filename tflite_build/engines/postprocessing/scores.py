"""What is done to scores first: in float64, rounded once to float32. Definitions: docs/postprocessing.md."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def activated(values: NDArray[Any], activation: str) -> NDArray[np.float32]:
    """Values after "softmax", along the last axis, or "sigmoid"; as they are after ""."""
    x = values.astype(np.float64)
    if activation == "sigmoid":
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-x))).astype(np.float32)
    if activation == "softmax":
        powers = np.exp(x - x.max(-1, keepdims=True))
        return np.asarray(powers / powers.sum(-1, keepdims=True)).astype(np.float32)
    return values.astype(np.float32)
