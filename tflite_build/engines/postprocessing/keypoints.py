"""Points of a thing: from outputs to places in the coordinates of the picture that was given.

Definitions: docs/postprocessing.md. All in float32, one operation at a time, so that languages agree bit for bit; only
exponents and the way back to the picture are float64, rounded once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.keypoints import Keypoints, of
from tflite_build.engines.kinds.planes import Planes

from .base import Around, Measured, Outputs
from .places import Places
from .scores import activated

Array = NDArray[Any]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Points:
    """Points that a model gives, each of these an array of them.

    Attributes:
        x: In pixels of the tensor, as `y`.
        z: As the model gives it; 0 where it gives none.
        scores: 1 where the model gives none.
    """

    x: Floats
    y: Floats
    z: Floats
    scores: Floats


def points(how: Keypoints, outputs: Mapping[str, Array], size: tuple[int, int]) -> Points:
    """All points of a model.

    Args:
        outputs: Role -> real values.
        size: Width and height of the picture as the model takes it.
    """
    if how.form == "heatmap":
        return _highest(how, outputs, size)
    rows = outputs["points"].astype(np.float32).reshape(how.count, -1)
    none = np.zeros(how.count, np.float32)
    x, y, z, own = (rows[:, how.axes.index(c)] if c in how.axes else none for c in "xyzs")
    if how.ratio:
        x, y = x * np.float32(size[0]), y * np.float32(size[1])
    scores = outputs["scores"].astype(np.float32).reshape(-1) if "scores" in outputs else own
    return Points(x, y, z, activated(scores, how.activation) if how.scored else none + np.float32(1))


def _highest(how: Keypoints, outputs: Mapping[str, Array], size: tuple[int, int]) -> Points:
    """Where the planes of a heatmap are highest; of equal ones the first, row by row."""
    values = _planes(how.planes, outputs["heatmap"]).reshape(how.count, -1)
    best = np.argmax(np.where(np.isnan(values), -np.inf, values), 1)
    row, column = np.divmod(best, how.planes.width)
    if how.stride is not None:
        x, y = (n.astype(np.float32) * np.float32(how.stride) for n in (column, row))
    else:
        of_part = ((column, size[0], how.planes.width), (row, size[1], how.planes.height))
        x, y = ((n.astype(np.float32) + np.float32(0.5)) * np.float32(s) / np.float32(c) for n, s, c in of_part)
    numbers = np.arange(how.count)
    if how.offsets is not None:
        shape = Planes(how.planes.height, how.planes.width, 2 * how.count, how.offsets)
        shifts = _planes(shape, outputs["offsets"])[:, row, column]  # (planes, points)
        one, other = shifts[numbers, numbers], shifts[how.count + numbers, numbers]
        across, down = (one, other) if how.axes == "xy" else (other, one)
        x, y = x + across, y + down
    scores = activated(values[numbers, best], how.activation)
    return Points(x, y, np.zeros(how.count, np.float32), scores)


def _planes(shape: Planes, values: Array) -> Floats:
    """(count, height, width)."""
    size, real = (shape.height, shape.width), values.astype(np.float32)
    return real.reshape(-1, *size) if shape.first else real.reshape(*size, -1).transpose(2, 0, 1)


def flat(found: Points, where: Places) -> Floats:
    """(count, 7): number, score, x and y in the picture as it was given, x and y in the upright one, and z."""
    numbers = np.arange(len(found.x)).astype(np.float32)
    given, upright = where.given(found.x, found.y), where.upright(found.x, found.y)
    return np.stack([numbers, found.scores, *given, *upright, found.z], 1)


def expected(binding: Binding, outputs: Outputs, around: Around) -> Array:
    """What an app gets that leaves nothing out: see `flat`."""
    where = around.picture(binding)
    return flat(points(_how(binding, outputs, around), outputs.values, (where.width, where.height)), where)


def measured(binding: Binding, outputs: Outputs, around: Around) -> Measured:
    """(count, 2): x and y of each point, in pixels of the model's own picture."""
    where = around.picture(binding)
    found = points(_how(binding, outputs, around), outputs.values, (where.width, where.height))
    return Measured(np.stack([found.x, found.y], 1))


def _how(binding: Binding, outputs: Outputs, around: Around) -> Keypoints:
    names = binding.options.get("names") or around.lines(binding, "names").get("")
    return of(binding, outputs.tensors, len(names) if names is not None else None)
