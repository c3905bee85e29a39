"""COCO's average precision of detected boxes: 10 IoU thresholds, 101 recall points, at most 100 boxes a sample.

Source: the COCO detection evaluation (cocodataset.org, "Detection Evaluation"; pycocotools/cocoeval.py), for boxes of all
sizes and none that is marked as a crowd. Boxes are ymin, xmin, ymax, xmax in any one unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0.0, 1.0, 101)
_MOST = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """What was found in one sample, and what is there."""

    boxes: Array
    classes: Array
    scores: Array
    wanted_boxes: Array
    wanted_classes: Array


def average_precision(samples: Sequence[Sample]) -> float:
    """The mean over the classes that any sample has, and over thresholds; 0 where no sample has any."""
    classes = np.unique(np.concatenate([s.wanted_classes for s in samples])) if samples else np.array([])
    return float(np.mean([_of_class(samples, int(c)) for c in classes])) if len(classes) else 0.0


def _of_class(samples: Sequence[Sample], number: int) -> float:
    scores, right, there = [], [], 0
    for sample in samples:
        own = sample.classes == number
        order = np.argsort(-sample.scores[own], kind="mergesort")[:_MOST]
        wanted = sample.wanted_boxes[sample.wanted_classes == number]
        there += len(wanted)
        scores.append(sample.scores[own][order])
        right.append(_matched(_overlaps(sample.boxes[own][order], wanted)))
    order = np.argsort(-np.concatenate(scores), kind="mergesort")
    matched = np.concatenate(right, axis=1)[:, order]
    return float(np.mean([_area(row, there) for row in matched]))


def _overlaps(boxes: Array, wanted: Array) -> Array:
    """Intersection over union of each of `boxes` with each of `wanted`."""
    a, b = boxes[:, None], wanted[None]
    height = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    width = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    both = np.maximum(height, 0) * np.maximum(width, 0)

    def area(x: Array) -> Array:
        made: Array = (x[..., 2] - x[..., 0]) * (x[..., 3] - x[..., 1])
        return made

    union = area(a) + area(b) - both
    made: Array = np.where(union > 0, both / np.where(union > 0, union, 1), 0.0)
    return made


def _matched(overlaps: Array) -> Array:
    """(thresholds, boxes): whether each box, best first, finds a wanted one that none before it took."""
    made = np.zeros((len(_THRESHOLDS), len(overlaps)), bool)
    for t, threshold in enumerate(_THRESHOLDS):
        free = np.ones(overlaps.shape[1], bool)
        for i, row in enumerate(overlaps):
            best, at = min(threshold, 1 - 1e-10), -1
            for j in np.flatnonzero(free):
                if row[j] >= best:
                    best, at = row[j], int(j)
            if at >= 0:
                free[at] = False
                made[t, i] = True
    return made


def _area(matched: Array, there: int) -> float:
    """The area under the precision envelope, at 101 recalls."""
    right = np.cumsum(matched)
    recall = right / there
    precision = right / np.arange(1, len(matched) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.mean([envelope[p] if p < len(envelope) else 0.0 for p in places]))
