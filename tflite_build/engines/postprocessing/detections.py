"""Boxes around things: from outputs to the best of them, in the coordinates of the picture that was given.

Definitions: docs/postprocessing.md. All in float32, one operation at a time, so that languages agree bit for bit; only
exponents and the way back to the picture are float64, rounded once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import TensorSpec
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.detections import MOST_CLASSES, Detections, Suppression, anchors, of

from .base import Around, Lines, Outputs
from .places import Places
from .scores import activated

Array = NDArray[Any]
Floats = NDArray[np.float32]
_HALF = np.float32(0.5)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes that a model gives.

    Attributes:
        corners: (count, 4) of left, top, right and bottom in pixels of the tensor.
        scores: (count,).
        classes: (count,) of whole numbers.
    """

    corners: Floats
    scores: Floats
    classes: NDArray[np.int64]


def candidates(
    how: Detections, outputs: Mapping[str, Array], size: tuple[int, int], table: Array | None = None
) -> Candidates:
    """All boxes of a model.

    Args:
        outputs: Role -> real values.
        size: Width and height of the picture as the model takes it.
        table: (count, 4) of cy, cx, height and width, for "ssd".
    """
    real = {role: values.astype(np.float32) for role, values in outputs.items()}
    with np.errstate(over="ignore", invalid="ignore"):  # a model may give anything; what is no box is left out later
        if how.form == "yolo":
            return _yolo(how, real["boxes"], size)
        if how.form == "listed":
            return _listed(how, real, size)
        return _scored(how, real, size, table)


def _scored(how: Detections, real: Mapping[str, Floats], size: tuple[int, int], table: Array | None) -> Candidates:
    boxes = real["boxes"].reshape(-1, 4)
    scores = real["scores"].reshape(-1, how.classes)
    if how.activation == "softmax":
        scores = activated(scores, "softmax")
    best = _best(scores)
    corners = _decoded(how, boxes, table, size) if table is not None else _corners(how, boxes, size)
    score = scores[np.arange(len(scores)), best]
    return Candidates(corners, activated(score, "sigmoid") if how.activation == "sigmoid" else score, best)


def _listed(how: Detections, outputs: Mapping[str, Floats], size: tuple[int, int]) -> Candidates:
    boxes, scores, classes = (
        outputs["boxes"].reshape(-1, 4),
        outputs["scores"].reshape(-1),
        outputs["classes"].reshape(-1),
    )
    count = min(len(boxes), len(scores), len(classes))
    if "count" in outputs:
        count = int(np.clip(np.rint(np.nan_to_num(outputs["count"].reshape(-1)[0])), 0, count))
    number = np.rint(classes[:count].astype(np.float64))
    known = (number >= 0) & (number <= MOST_CLASSES)  # not so where it is NaN
    scores = activated(scores[:count], how.activation)
    return Candidates(_corners(how, boxes[:count], size), scores, np.where(known, number, -1).astype(np.int64))


def _yolo(how: Detections, values: Floats, size: tuple[int, int]) -> Candidates:
    row = how.before + how.classes
    rows = values.reshape(row, -1).T if how.across else values.reshape(-1, row)
    best = _best(rows[:, how.before :])
    score = activated(rows[np.arange(len(rows)), how.before + best], how.activation)
    if how.before > 4:
        score = score * activated(rows[:, 4], how.activation)
    return Candidates(_corners(how, rows[:, :4], size), score, best)


def _best(scores: Floats) -> NDArray[np.int64]:
    """The class of each row with the largest score, the first of equal ones; of NaN none is larger."""
    return np.asarray(np.argmax(np.where(np.isnan(scores), -np.inf, scores), 1))


def _corners(how: Detections, boxes: Floats, size: tuple[int, int]) -> Floats:
    """Left, top, right and bottom in pixels of the tensor."""
    across, down = map(np.float32, size if how.ratio else (1, 1))
    a, b, c, d = (boxes[:, place] * scale for place, scale in zip(how.index, (across, down, across, down), strict=True))
    if how.corner == "upper-left":
        c, d = a + c, b + d
    elif how.corner == "center":
        a, b, c, d = a - c * _HALF, b - d * _HALF, a + c * _HALF, b + d * _HALF
    return np.stack([a, b, c, d], 1)


def _decoded(how: Detections, distances: Floats, table: Array, size: tuple[int, int]) -> Floats:
    """Boxes from distances (ty, tx, th, tw) to anchors (cy, cx, h, w), as TensorFlow's object detection has them."""
    anchor = table.astype(np.float32)
    ty, tx, th, tw = (distances[:, i] / np.float32(how.scale[i]) for i in range(4))
    y, x = ty * anchor[:, 2] + anchor[:, 0], tx * anchor[:, 3] + anchor[:, 1]
    height, width = (np.exp(t.astype(np.float64)).astype(np.float32) * anchor[:, i] for t, i in ((th, 2), (tw, 3)))
    across, down = map(np.float32, size)
    left, top = (x - width * _HALF) * across, (y - height * _HALF) * down
    return np.stack([left, top, (x + width * _HALF) * across, (y + height * _HALF) * down], 1)


def chosen(
    found: Candidates, how: Detections, labels: int | None, threshold: float | None, most: int | None
) -> NDArray[np.int64]:
    """The numbers of the boxes that an app gets, the best first; of equal scores the first.

    Args:
        labels: How many labels there are; None where there are none, and any class is one.
    """
    numbers = found.classes + how.offset
    known = (found.classes >= 0) & (numbers >= 0) & (numbers < labels if labels is not None else True)
    least = np.float32(-np.inf if threshold is None else threshold)
    known &= (found.scores >= least) & np.isfinite(found.corners).all(1)
    order = np.argsort(-found.scores, kind="stable")
    kept = order[known[order]]
    if how.suppression is not None:
        kept = _suppressed(found, kept, how.suppression)
    return kept if most is None else kept[:most]


def _suppressed(found: Candidates, order: NDArray[np.int64], how: Suppression) -> NDArray[np.int64]:
    kept: list[int] = []
    for i in order:
        if len(kept) == how.max:
            break
        others = [j for j in kept if how.across or found.classes[j] == found.classes[i]]
        if not (_iou(found.corners[i], found.corners[others]) > np.float32(how.iou)).any():
            kept.append(int(i))
    return np.array(kept, np.int64)


def _iou(one: Floats, others: Floats) -> Floats:
    """Of a box with each of some others; 0 where the union is empty."""
    zero = np.float32(0)
    width = np.maximum(np.minimum(one[2], others[:, 2]) - np.maximum(one[0], others[:, 0]), zero)
    height = np.maximum(np.minimum(one[3], others[:, 3]) - np.maximum(one[1], others[:, 1]), zero)
    with np.errstate(over="ignore", invalid="ignore"):  # of boxes as large as numbers are
        both = width * height
        union = _area(one) + _area(others.T) - both
        return np.asarray(np.divide(both, union, out=np.zeros_like(both), where=union > zero))


def _area(corners: Floats) -> Floats:
    return np.asarray((corners[2] - corners[0]) * (corners[3] - corners[1]))


def flat(found: Candidates, kept: NDArray[np.int64], offset: int, where: Places) -> Floats:
    """(count, 10): class, score, left, top, right and bottom in the picture as it was given, and in the upright one."""
    left, top, right, bottom = found.corners[kept].T
    one, other = where.given(left, top), where.given(right, bottom)
    given = [np.minimum(one[0], other[0]), np.minimum(one[1], other[1])]
    given += [np.maximum(one[0], other[0]), np.maximum(one[1], other[1])]
    upright = [*where.upright(left, top), *where.upright(right, bottom)]
    numbers = (found.classes[kept] + offset).astype(np.float32)
    return np.stack([numbers, found.scores[kept], *given, *upright], 1).astype(np.float32)


def anchors_of(binding: Binding, how: Detections, tensors: Mapping[str, TensorSpec], lines: Lines) -> Array | None:
    """(count, 4) of the anchors that a binding names; None where it needs none.

    Raises:
        Invalid: If they are none, or not as many as boxes.
    """
    if how.form != "ssd":
        return None
    (table,) = lines(binding, "anchors").values()
    return np.array(anchors(binding, tensors["boxes"], table), np.float32).reshape(-1, 4)


def expected(binding: Binding, outputs: Outputs, around: Around) -> Array:
    """What an app gets that leaves nothing out: see `flat`."""
    where = around.picture(binding)
    labels = around.lines(binding, "labels").get("")
    how = of(binding, outputs.tensors, len(labels) if labels else None)
    table = anchors_of(binding, how, outputs.tensors, around.lines)
    found = candidates(how, outputs.values, (where.width, where.height), table)
    return flat(found, chosen(found, how, len(labels) if labels else None, None, None), how.offset, where)
