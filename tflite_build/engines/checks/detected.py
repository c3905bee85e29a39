"""What a result of the kind `detections` finds in the outputs of a file, for mAP: decoded and suppressed as in an app.

The least score and the number of results are an app's choice and no part of how good a model is: all boxes count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import TensorSpec
from tflite_build.engines.kinds.binding import Binding, bound
from tflite_build.engines.kinds.detections import of
from tflite_build.engines.postprocessing.base import Lines
from tflite_build.engines.postprocessing.detections import anchors_of, candidates, chosen

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Detected:
    """How boxes are found.

    Attributes:
        size: Width and height of the picture as the model takes it.
        lines: Reads the files that a key of a binding names: locale -> lines.
    """

    binding: Binding
    size: tuple[int, int]
    lines: Lines

    def find(self, outputs: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        """Boxes as ymin, xmin, ymax and xmax, shares of the picture; their classes, as labels count them; their scores.

        Raises:
            Invalid: If the outputs are not what the binding says.
        """
        specs = [TensorSpec(name, value.shape, value.dtype.name) for name, value in outputs.items()]
        tensors = bound(self.binding, specs, "output")
        labels = self.lines(self.binding, "labels").get("")
        count = len(labels) if labels else None
        how = of(self.binding, tensors, count)
        values = {role: outputs[tensor.name] for role, tensor in tensors.items()}
        found = candidates(how, values, self.size, anchors_of(self.binding, how, tensors, self.lines))
        kept = chosen(found, how, count, None, None)
        corners = found.corners[kept].astype(np.float64) / np.array([*self.size, *self.size])
        return corners[:, [1, 0, 3, 2]], found.classes[kept] + how.offset, found.scores[kept]
