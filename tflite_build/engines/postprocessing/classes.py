"""Classes: from an output to their scores, and to the best of them.

Definitions: docs/postprocessing.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.classes import Classes, of

from .base import Around, Array, Outputs
from .scores import activated, calibrated

Floats = NDArray[np.float32]


def scores(how: Classes, values: Array) -> Floats:
    """(count,): the scores as an app has them, in the order of the output, those of a background among them."""
    made = activated(values.reshape(-1), how.activation)
    return made if how.calibration is None else calibrated(made, how.calibration)


def best(how: Classes, values: Array) -> tuple[NDArray[np.int64], Floats]:
    """The numbers of the classes that an app gets where it says nothing else, the best first, and their scores."""
    made = scores(how, values)
    order = np.argsort(-made, kind="stable")
    least = np.float32(-np.inf if how.threshold is None else how.threshold)
    kept = order[(made[order] >= least) & (order >= how.background)]
    kept = kept if how.most is None else kept[: how.most]
    return kept + how.offset, made[kept]


def expected(binding: Binding, outputs: Outputs, around: Around) -> Array:
    """The score of every class that an app gets, in the order of their numbers."""
    lines = around.lines(binding, "score_calibration").get("")
    how = of(binding, outputs.tensors, lines)
    return scores(how, outputs.only)[how.background :]
