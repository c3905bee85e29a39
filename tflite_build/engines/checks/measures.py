"""Measures of [checks.accuracy]: each takes the outputs and labels of one sample after the other, and gives a number.

    measure = MEASURES["top1"](Outputs(...))
    measure.add(outputs, labels)   # for every sample
    measure.value()

Definitions: docs/checks.md. Knows nothing of files; what does not fit is `Invalid` at [checks.accuracy].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.classes import Classes
from tflite_build.engines.postprocessing import classes
from tflite_build.engines.postprocessing.base import Measured
from tflite_build.engines.words import quoted, shape_text

from . import detections
from .detected import Detected

Array = NDArray[Any]
KEY = "checks.accuracy"
LABELS = "labels"
IGNORED = 255  # a label of a mask that is counted nowhere, as in PASCAL VOC
_HALF = 0.5
_ROWS = 1024  # of one product of embeddings
_OF_PIXELS = "give the class of every pixel of the output"
_NEAR = 0.1  # of the size of a thing, which its points may be off
_PEAK, _ALIKE = 255.0, 100.0  # of pixels; dB of a picture that is the same


class NotFinite(Exception):
    """The output that is measured holds NaN or infinity; its argument is the output's name."""


class Mislabelled(Invalid):
    """The label of a sample is no class, or none that the output has."""


class Measure(Protocol):
    """What is measured, sample by sample."""

    def add(self, outputs: Mapping[str, Array], labels: Mapping[str, Array]) -> None:
        """Take a sample: real outputs by public name, and its label, or labels by name.

        Raises:
            Invalid: The labels do not fit the outputs.
            NotFinite: See there.
        """

    def value(self) -> float:
        """The figure for all samples so far.

        Raises:
            Invalid: No label says anything.
        """


@dataclass(frozen=True, slots=True)
class Result:
    """A result that measures know.

    Attributes:
        kind: The word of the spec.
        outputs: The public names of those that it is made of.
        read: What it is, of real outputs by public name.
    """

    kind: str
    outputs: tuple[str, ...]
    read: Callable[[Mapping[str, Array]], Measured]


@dataclass(frozen=True, slots=True)
class Contents:
    """What the spec says outputs stand for.

    Attributes:
        names: Content -> public names of outputs.
        classes: How outputs stand for classes, by public name, where an app gets other scores than theirs.
        detected: The only result that is detections; None where there is none.
        results: What an app gets of others.
    """

    names: Mapping[str, tuple[str, ...]]
    classes: Mapping[str, Classes] = field(default_factory=dict)
    detected: Detected | None = None
    results: Sequence[Result] = ()

    def one(self, content: str) -> str | None:
        """The only output of that content, where there is one."""
        found = self.names.get(content, ())
        return found[0] if len(found) == 1 else None

    def said(self, *contents: str) -> str | None:
        """The first of `contents` that the spec says of one output: that output."""
        return next((name for name in map(self.one, contents) if name), None)

    def result(self, kind: str, output: str) -> Result | None:
        """The result of that kind that an output is part of, where there is one."""
        return next((r for r in self.results if r.kind == kind and output in r.outputs), None)


class TopK:
    """The share of samples whose label is among the k largest scores; of equal scores the first class counts as larger."""

    def __init__(self, contents: Contents, k: int) -> None:
        self._contents, self._k = contents, k
        self._output = ""
        self._right = self._count = 0

    def add(self, outputs: Mapping[str, Array], labels: Mapping[str, Array]) -> None:
        """As `Measure` says; the label is one whole number."""
        label = _whole(labels)
        if not self._output:
            self._output = self._contents.said("classes") or _scores(outputs, f"top{self._k}")
        scores = _scores_of(outputs, self._output, self._contents.classes.get(self._output), activated=False)
        if len(scores) <= self._k and self._k > 1:
            raise Invalid(f"'{self._output}' has {len(scores)} classes, which top{self._k} would always find", KEY)
        _in_range(label, len(scores), self._output)
        before = (scores > scores[label]).sum() + (scores[:label] == scores[label]).sum()
        self._right += int(before < self._k)
        self._count += 1

    def value(self) -> float:
        """0 to 1."""
        return self._right / self._count


class Mean:
    """The mean over all numbers of an output of the absolute or of the squared error, in float64."""

    def __init__(self, contents: Contents, power: int) -> None:
        self._power = power
        self._total, self._count = 0.0, 0

    def add(self, outputs: Mapping[str, Array], labels: Mapping[str, Array]) -> None:
        """As `Measure` says; the label has the output's shape, axes of 1 aside."""
        name, label = _labelled(outputs, labels)
        made = np.squeeze(_finite(outputs, name))
        wanted = np.squeeze(label)
        if made.shape != wanted.shape:
            raise Invalid(
                f"'{LABELS}' has the shape {shape_text(label.shape)} a sample, and the output '{name}' "
                f"{shape_text(outputs[name].shape)}",
                KEY,
                "give the wanted output of every sample",
            )
        errors = np.abs(made.astype(np.float64) - wanted.astype(np.float64)) ** self._power
        self._total += float(errors.sum())
        self._count += errors.size

    def value(self) -> float:
        """0 or more, in the output's units, or their square."""
        return self._total / self._count


class Iou:
    """The mean over classes of intersection over union of all pixels; classes in no label and no output do not count."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._counts: dict[int, list[int]] = {}  # class -> pixels in both, in the output, in the label

    def add(self, outputs: Mapping[str, Array], labels: Mapping[str, Array]) -> None:
        """As `Measure` says; the label is the class of every pixel, (height, width) of whole numbers."""
        name, label = _labelled(outputs, labels, self._contents.said("mask"))
        wanted, scores = _whole_numbers(np.squeeze(label)), _finite(outputs, name)
        result = self._contents.result("mask", name)
        if result is not None:
            found = result.read(outputs)
            made, classes = found.values, found.classes
            _check_shape(wanted.shape, made.shape, name, _OF_PIXELS)
        else:
            made, classes = _classes_of_pixels(scores, wanted.shape, name)
        seen = wanted != IGNORED
        made, wanted = made[seen].astype(np.int64), wanted[seen]
        for number in np.unique(wanted):
            _in_range(int(number), classes, name)
        for number in (n for n in np.union1d(made, wanted) if n >= 0):
            counts = self._counts.setdefault(int(number), [0, 0, 0])
            own, theirs = made == number, wanted == number
            for i, found in enumerate((own & theirs, own, theirs)):
                counts[i] += int(found.sum())

    def value(self) -> float:
        """0 to 1."""
        if not self._counts:
            raise Invalid(f"'{LABELS}' is {IGNORED} for every pixel, so that there is nothing to measure", KEY)
        return float(np.mean([both / (own + theirs - both) for both, own, theirs in self._counts.values()]))


class Pck:
    """The share of labelled points that are found near by: within a tenth of the longer side of the box around the thing.

    That box is around the labelled points of the sample; one that has fewer than two different ones does not count.
    """

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._right = self._count = 0

    def add(self, outputs: Mapping[str, Array], labels: Mapping[str, Array]) -> None:
        """As `Measure` says; the label is x and y of each point in pixels of the input, and perhaps 1 or 0 for unknown."""
        name, label = _labelled(outputs, labels, self._contents.said("keypoints"))
        result = self._contents.result("keypoints", name)
        if result is None:
            raise Invalid(
                f"'{name}' is part of no points, which pck is of",
                KEY,
                'say which they are: [result.NAME] with kind = "keypoints"',
            )
        for output in result.outputs:
            _finite(outputs, output)
        points = result.read(outputs).values.astype(np.float64)
        if label.size not in (2 * len(points), 3 * len(points)):
            message = f"'{LABELS}' has {label.size} numbers a sample, and '{name}' {len(points)} points"
            raise Invalid(message, KEY, "give x and y of each, or x, y and 1, or 0 for one that is not labelled")
        rows = label.astype(np.float64).reshape(len(points), -1)
        there = rows[:, 2] > 0 if rows.shape[1] == 3 else np.ones(len(rows), np.bool_)
        wanted, found = rows[there, :2], points[there]
        size = np.ptp(wanted, 0).max() if len(wanted) else 0.0
        if size > 0:
            distances = np.hypot(*(wanted - found).T)
            self._right += int((distances <= _NEAR * size).sum())
            self._count += len(wanted)

    def value(self) -> float:
        """0 to 1."""
        if not self._count:
            raise Invalid(f"'{LABELS}' has two different points in no sample, so that there is nothing to measure", KEY)
        return self._right / self._count


class Psnr:
    """The mean over samples of 10 log10(255 squared / mean squared error of pixels), in dB; of equal pictures 100."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._total, self._count = 0.0, 0

    def add(self, outputs: Mapping[str, Array], labels: Mapping[str, Array]) -> None:
        """As `Measure` says; the label is the wanted picture, 0 to 255."""
        name, label = _labelled(outputs, labels, self._contents.said("image"))
        made, result = _finite(outputs, name), self._contents.result("image", name)
        made = np.squeeze(result.read(outputs).values if result is not None else made)
        wanted = np.squeeze(label)
        _check_shape(wanted.shape, made.shape, name, "give all pixels of the picture that is wanted of every sample")
        error = float(((made.astype(np.float64) - wanted.astype(np.float64)) ** 2).mean())
        self._total += min(10 * math.log10(_PEAK**2 / error), _ALIKE) if error else _ALIKE
        self._count += 1

    def value(self) -> float:
        """In dB."""
        return self._total / self._count


class F1:
    """The mean over classes of 2 * right / (said + labelled); for one score or several labels a sample those above 0.5.

    Of classes that may be there at once (`multi_label`) those that an app gets, at or above their threshold.

    One score is the share of class 1 alone, as is usual for two classes; a class that is neither said nor labelled does
    not count where there is one label, and counts 0 where there are several.
    """

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._counts: dict[int, list[int]] = {}  # class -> right, said, labelled
        self._binary = False

    def add(self, outputs: Mapping[str, Array], labels: Mapping[str, Array]) -> None:
        """As `Measure` says; the label is a class, or for each class 0 or 1."""
        name, label = _labelled(outputs, labels, self._contents.said("classes"))
        how = self._contents.classes.get(name)
        scores, order = (_scores_of(outputs, name, how, activated=activated) for activated in (True, False))
        there = scores >= np.float32(how.threshold or 0) if how is not None and how.several else scores > _HALF
        label = _whole_numbers(np.squeeze(label))
        self._binary = len(scores) == 1
        if label.ndim == 0:
            _in_range(int(label), max(len(scores), 2), name)
            said = [int(there[0])] if self._binary else [int(np.argmax(order))]
            wanted = [int(label)]
        elif label.shape == scores.shape:
            other = label[(label != 0) & (label != 1)]
            if other.size:
                raise Mislabelled(f"'{LABELS}' holds {other[0]}, and of several labels each is 0 or 1", KEY)
            said, wanted = np.flatnonzero(there).tolist(), np.flatnonzero(label).tolist()
            for number in range(len(scores)):
                self._counts.setdefault(number, [0, 0, 0])
        else:
            raise Invalid(
                f"'{LABELS}' has the shape {shape_text(label.shape)} a sample, and '{name}' {len(scores)} scores", KEY
            )
        for i, numbers in enumerate(([n for n in said if n in wanted], said, wanted)):
            for number in numbers:
                self._counts.setdefault(number, [0, 0, 0])[i] += 1

    def value(self) -> float:
        """0 to 1."""
        counts = {1: self._counts.get(1, [0, 0, 0])} if self._binary else self._counts
        shares = [2 * right / (said + wanted) if said + wanted else 0.0 for right, said, wanted in counts.values()]
        return float(np.mean(shares))


class Recall:
    """The share of samples whose nearest other one has their label, by the cosine of embeddings; of equal ones the first.

    Samples that no other one has the label of are nearest to something, and are not counted themselves.
    """

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._directions: list[Array] = []
        self._labels: list[int] = []

    def add(self, outputs: Mapping[str, Array], labels: Mapping[str, Array]) -> None:
        """As `Measure` says; the label is one whole number."""
        self._labels.append(_whole(labels))
        name, _ = _labelled(outputs, labels, self._contents.said("embedding"))
        values = _finite(outputs, name).reshape(-1).astype(np.float64)
        self._directions.append(values / (np.linalg.norm(values) or 1))

    def value(self) -> float:
        """0 to 1."""
        directions, labels = np.stack(self._directions), np.array(self._labels)
        numbers, counts = np.unique(labels, return_counts=True)
        counted = np.isin(labels, numbers[counts > 1])
        if not counted.any():
            raise Invalid(f"no two samples have the same number in '{LABELS}', so that there is nothing to find", KEY)
        right = 0
        for start in range(0, len(labels), _ROWS):
            rows = np.arange(start, min(start + _ROWS, len(labels)))
            near = directions[rows] @ directions.T
            near[rows - start, rows] = -np.inf
            right += int((labels[near.argmax(1)] == labels[rows])[counted[rows]].sum())
        return right / int(counted.sum())


class MeanAveragePrecision:
    """COCO's AP: the mean over classes and over IoU thresholds of 0.5 to 0.95. See `detections`.

    Boxes are what a result finds, where there is one, as shares of the picture; else the outputs' own, in their units.
    """

    def __init__(self, contents: Contents) -> None:
        self._find = contents.detected.find if contents.detected else _Listed(contents).find
        self._samples: list[detections.Sample] = []

    def add(self, outputs: Mapping[str, Array], labels: Mapping[str, Array]) -> None:
        """As `Measure` says; labels are "boxes" (count, 4), ymin, xmin, ymax, xmax, and "classes" (count,), -1 for none."""
        if set(labels) != {"boxes", "classes"}:
            raise Invalid("mAP needs the arrays 'labels/boxes' and 'labels/classes'", KEY, f"there is {quoted(labels)}")
        boxes, classes, scores = self._find(outputs)
        wanted_boxes, wanted = labels["boxes"], _whole_numbers(labels["classes"], f"{LABELS}/classes")
        if wanted_boxes.ndim != 2 or wanted_boxes.shape[1] != 4 or wanted.shape != wanted_boxes.shape[:1]:
            raise Invalid(
                f"'labels/boxes' has the shape {shape_text(wanted_boxes.shape)} a sample and 'labels/classes' "
                f"{shape_text(wanted.shape)}; [count, 4] and [count] are needed",
                KEY,
            )
        there = wanted >= 0
        self._samples.append(
            detections.Sample(
                boxes.astype(np.float64),
                classes,
                scores.astype(np.float64),
                wanted_boxes[there].astype(np.float64),
                wanted[there],
            )
        )

    def value(self) -> float:
        """0 to 1."""
        if not any(len(sample.wanted_classes) for sample in self._samples):
            raise Invalid(f"'{LABELS}/classes' has no box in any sample, so that there is nothing to measure", KEY)
        return detections.average_precision(self._samples)


class _Listed:
    """Boxes, classes and scores that outputs are by what they say of themselves."""

    def __init__(self, contents: Contents) -> None:
        self._names = {content: contents.one(content) for content in ("boxes", "classes", "scores")}
        self._count = contents.one("count")
        several = next((c for c in (*self._names, "count") if len(contents.names.get(c, ())) > 1), None)
        if several:
            raise Invalid(
                f"the spec says of {quoted(contents.names[several])} that they are {several}, and mAP needs one of them",
                KEY,
                f'leave content = "{several}" at one of them',
            )
        missing = [content for content, name in self._names.items() if name is None]
        if missing:
            raise Invalid(
                f"mAP needs outputs that are boxes, classes and scores, and the spec says of none that it is {missing[0]}",
                KEY,
                'add a [result.NAME] with kind = "detections", which says which outputs they are',
            )

    def find(self, outputs: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        """Boxes, classes and scores."""
        boxes, classes, scores = (_finite(outputs, str(n)) for n in self._names.values())
        boxes, classes, scores = boxes.reshape(-1, 4), classes.reshape(-1), scores.reshape(-1)
        if not len(boxes) == len(classes) == len(scores):
            raise Invalid(
                f"the outputs have {len(boxes)} boxes, {len(classes)} classes and {len(scores)} scores a sample", KEY
            )
        kept = len(boxes)
        if self._count is not None:
            kept = int(np.clip(_finite(outputs, self._count).reshape(-1)[0], 0, kept))
        return boxes[:kept], np.rint(classes[:kept]).astype(np.int64), scores[:kept]


MEASURES: Mapping[str, Callable[[Contents], Measure]] = {
    "top1": lambda contents: TopK(contents, 1),
    "top5": lambda contents: TopK(contents, 5),
    "mae": lambda contents: Mean(contents, 1),
    "mse": lambda contents: Mean(contents, 2),
    "psnr": Psnr,
    "iou": Iou,
    "pck": Pck,
    "f1": F1,
    "recall1": Recall,
    "mAP": MeanAveragePrecision,
}


def _finite(outputs: Mapping[str, Array], name: str) -> Array:
    value = outputs[name]
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise NotFinite(name)
    return value


def _scores_of(outputs: Mapping[str, Array], name: str, how: Classes | None, *, activated: bool) -> Array:
    """The scores of classes by their numbers, as an app gets them; infinitely low where a number has none.

    Args:
        activated: Whether an activation is done that nothing follows: it keeps the order, and would only make scores equal
            that are not.
    """
    values = _finite(outputs, name).reshape(-1)
    if how is None:
        return values
    if activated or how.calibration is not None:
        values = classes.scores(how, values)
    return np.concatenate([np.full(max(0, how.offset), -np.inf, np.float32), values[how.background :]])


def _whole(labels: Mapping[str, Array]) -> int:
    label = labels.get(LABELS)
    if label is None:
        raise Invalid(
            f"one whole number a sample is needed, in the array '{LABELS}'", KEY, f"there is {quoted(labels)}"
        )
    if label.ndim != 0:
        raise Invalid(
            f"'{LABELS}' is {label.dtype} of the shape {shape_text(label.shape)} a sample; one whole number a sample is "
            "needed",
            KEY,
        )
    return int(_whole_numbers(label))


def _whole_numbers(label: Array, name: str = LABELS) -> Array:
    """The label of a sample as int64, of whatever type its whole numbers are."""
    if label.dtype.kind == "f":
        other = label[label != np.floor(label)]
        if other.size:
            raise Mislabelled(f"'{name}' holds {other[0]:g}, and classes are whole numbers", KEY)
    if label.dtype.kind in "fu":
        large = label[np.abs(label) >= 2.0**63]
        if large.size:
            raise Mislabelled(f"'{name}' holds {large[0]:g}, which is no class", KEY)
    return label.astype(np.int64)


def _in_range(label: int, classes: int | None, output: str) -> None:
    """Mislabelled where there is no class `label`; with None for `classes` nobody knows how many there are."""
    if label < 0 and classes is None:
        raise Mislabelled(f"'{LABELS}' holds {label}, and classes are counted from 0", KEY)
    if classes is not None and not 0 <= label < classes:
        raise Mislabelled(f"'{LABELS}' holds {label}, and '{output}' has the classes 0 to {classes - 1}", KEY)


def _labelled(
    outputs: Mapping[str, Array], labels: Mapping[str, Array], chosen: str | None = None
) -> tuple[str, Array]:
    """The output that the only label is for, and that label."""
    if len(labels) != 1:
        raise Invalid(f"labels for one output are needed; there is {quoted(labels)}", KEY)
    name, label = next(iter(labels.items()))
    if name != LABELS:
        if name not in outputs:
            raise Invalid(f"'labels/{name}' is for no output", KEY, f"there is {quoted(outputs)}")
        return name, label
    if chosen is not None:
        return chosen, label
    if len(outputs) != 1:
        raise Invalid(
            f"the model has the outputs {quoted(outputs)}, and '{LABELS}' does not say which it is for",
            KEY,
            "call the array 'labels/OUTPUT'",
        )
    return next(iter(outputs)), label


def _classes_of_pixels(output: Array, shape: tuple[int, ...], name: str) -> tuple[Array, int | None]:
    """The class of every pixel: the largest of several scores, one score above 0.5, or a whole number as it is.

    And how many classes there are; None of whole numbers, which do not tell.
    """
    inner = output[0] if output.ndim == len(shape) + 2 and output.shape[0] == 1 else output
    if inner.shape[:-1] == shape and inner.shape[-1] > 1:
        return inner.argmax(-1), inner.shape[-1]
    plain = np.squeeze(output)
    if plain.shape != shape:
        _check_shape(shape, output.shape, name, _OF_PIXELS)
    return (plain, None) if plain.dtype.kind in "iu" else ((plain > _HALF).astype(np.int64), 2)


def _check_shape(labels: tuple[int, ...], made: tuple[int, ...], name: str, hint: str) -> None:
    if labels != made:
        message = f"'{LABELS}' has the shape {shape_text(labels)} a sample, and '{name}' {shape_text(made)}"
        raise Invalid(message, KEY, hint)


def _scores(outputs: Mapping[str, Array], metric: str) -> str:
    """The only output with one score for each class."""
    found = [n for n, a in outputs.items() if a.ndim and a.dtype.kind in "fiu" and a.size == a.shape[-1] >= 2]
    shown = ", ".join(f"'{n}' {shape_text(a.shape)}" for n, a in outputs.items())
    if len(found) != 1:
        what = "several outputs have" if found else "no output has"
        raise Invalid(f"{what} one score for each class: {shown}", KEY, f"{metric} needs a model with one such output")
    return found[0]
