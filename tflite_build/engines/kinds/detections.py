"""`detections`: how the outputs of a model stand for boxes around things, with what these outputs have to be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding, BoundTensor
from tflite_build.errors import one_of

Corner = Literal["boundaries", "upper-left", "center"]
_YOLO = {"yolov5": 5, "yolov8": 4}  # the numbers of a box before the scores of its classes
_SCALE = (10.0, 10.0, 5.0, 5.0)  # of TensorFlow's object detection
MOST_CLASSES = 1_000_000  # what says more than this is no number of a class


@dataclass(frozen=True, slots=True)
class Suppression:
    """Which of several boxes around one thing is kept.

    Attributes:
        iou: Boxes whose intersection is a larger share of their union are one thing.
        max: How many are kept at most.
        across: Whether boxes of different classes are compared.
    """

    iou: float
    max: int = 100
    across: bool = False


@dataclass(frozen=True, slots=True)
class Detections:
    """How outputs stand for boxes.

    Attributes:
        form: "listed": a box, a class and a score each; "scored": a box, and a score for each class; "yolo": both in one
            tensor; "ssd": as "scored", with distances from anchors instead of boxes.
        index: Where a box has left, top, right and bottom, or x, y, width and height.
        corner: What x and y are of; "boundaries" has two points instead of a size.
        ratio: Whether 1 is the whole picture, as the model takes it, and not one pixel of that.
        classes: How many classes have a score; 0 for "listed", where that is not known.
        before: For "yolo": how many numbers stand before the scores; the fifth is the score of the box.
        across: For "yolo": whether a number of all boxes lies together, and not all numbers of a box.
        scale: For "ssd": what distances are divided by.
        activation: "sigmoid", "softmax" or "": what is done to scores first.
        offset: What is added to a class for its label.
        threshold: The least score; None for all.
        most: How many are given at most; None for all.
        suppression: Which of several is kept; None where the model has chosen.
    """

    form: Literal["listed", "scored", "yolo", "ssd"]
    index: tuple[int, int, int, int]
    corner: Corner
    ratio: bool
    classes: int = 0
    before: int = 0
    across: bool = False
    scale: tuple[float, ...] = _SCALE
    activation: str = ""
    offset: int = 0
    threshold: float | None = None
    most: int | None = None
    suppression: Suppression | None = None


def of(binding: Binding, tensors: Mapping[str, BoundTensor], labels: int | None = None) -> Detections:
    """What a binding says, with what its tensors add.

    Args:
        labels: How many labels there are; None where there are none, or nobody has looked.

    Raises:
        Invalid: If the tensors are not what it says.
    """
    said = binding.options
    box: Mapping[str, Any] = said["box"]
    common: dict[str, Any] = {
        "index": tuple(box["index"]),
        "corner": box["corner"],
        "ratio": box["ratio"],
        "activation": said.get("activation", ""),
        "offset": said.get("label_offset", 0),
        "threshold": said.get("score_threshold"),
        "most": said.get("max_results"),
        "suppression": Suppression(**said["nms"]) if "nms" in said else None,
    }
    for role in tensors:
        allowed = ("float32", "int32", "int64") if role in ("classes", "count") else ("float32",)
        if tensors[role].real not in allowed:
            raise binding.misfit(role, tensors[role], f"a tensor of {role} is {one_of(allowed)}")
    if said.get("decode") in _YOLO:
        return _yolo(binding, tensors["boxes"], _YOLO[said["decode"]], labels, common)
    boxes = _rows(tensors["boxes"])
    if len(boxes) != 2 or boxes[1] != 4:
        raise binding.misfit("boxes", tensors["boxes"], "boxes are [1, count, 4]", "see `decode` for raw heads")
    if "count" in tensors and [d for d in tensors["count"].shape if d != 1]:
        raise binding.misfit("count", tensors["count"], "a count is one number")
    scores = _rows(tensors["scores"])
    if "classes" in tensors:
        for role in ("scores", "classes"):
            if _rows(tensors[role]) not in (boxes[:1], (*boxes[:1], 1)):
                wanted = f"each of {boxes[0]} boxes has one number here: [1, {boxes[0]}]"
                raise binding.misfit(role, tensors[role], wanted)
        return Detections("listed", **common)
    if len(scores) == 1:
        scores = (*scores, 1)
    if len(scores) != 2 or scores[0] != boxes[0] or not isinstance(scores[1], int):
        wanted = f"each of {boxes[0]} boxes has a score for each class: [1, {boxes[0]}, classes]"
        raise binding.misfit("scores", tensors["scores"], wanted, "name the output with their classes as `classes`")
    if said.get("decode") == "ssd":
        scale = tuple(said.get("scale", _SCALE))
        return Detections("ssd", **{**common, "corner": "boundaries", "ratio": True}, classes=scores[1], scale=scale)
    return Detections("scored", **common, classes=scores[1])


def anchors(binding: Binding, boxes: BoundTensor, lines: Sequence[str]) -> list[float]:
    """The numbers of a table of anchors, four for each box.

    Raises:
        Invalid: If a line is no anchor, or there are not as many as boxes.
    """
    found: list[float] = []
    for number, line in enumerate(lines, 1):
        try:
            values = [float(value) for value in line.split(",")]
        except ValueError:
            values = []
        if len(values) != 4 or not all(map(math.isfinite, values)):
            hint = "a line is `cy,cx,height,width`, as shares of the picture"
            raise Invalid(f"line {number} of the anchors is none: '{line[:60]}'", binding.at("anchors"), hint)
        found += values
    count = _rows(boxes)[0]
    if len(lines) != count:
        raise Invalid(f"there are {len(lines)} anchors, and '{boxes.name}' has {count} boxes", binding.at("anchors"))
    return found


def _yolo(
    binding: Binding, tensor: BoundTensor, before: int, labels: int | None, common: Mapping[str, Any]
) -> Detections:
    shape = _rows(tensor)
    word = "box, score and" if before == 5 else "box and"
    if len(shape) != 2 or not all(isinstance(d, int) and d > 0 for d in shape):
        raise binding.misfit("boxes", tensor, f"a head is [1, {before} + classes, boxes], or the other way round")
    first, second = int(shape[0]), int(shape[1])
    if labels is None:
        fitting = [min(first, second)] if first != second else []
    else:
        fitting = [n for n in (first, second) if n == before + labels - common["offset"]]
    if not fitting or fitting[0] <= before:
        by_labels = f", {labels} of them by the labels" if labels is not None else ""
        row = f"a row is a {word} a number for each class{by_labels}: {before} + classes"
        other = next(decode for decode, count in _YOLO.items() if count != before)
        fits = labels is not None and _YOLO[other] + labels - common["offset"] in shape
        hint = (
            f'decode = "{other}" fits' if fits else "" if first != second else "say `labels`: there are as many classes"
        )
        raise binding.misfit("boxes", tensor, row, hint)
    across = first == fitting[0] and not (second == fitting[0] and first > second)
    return Detections("yolo", **common, classes=fitting[0] - before, before=before, across=across)


def _rows(tensor: BoundTensor) -> tuple[int | str, ...]:
    """The shape without the batch."""
    shape = tensor.shape
    return shape[1:] if len(shape) > 1 and (shape[0] == 1 or isinstance(shape[0], str)) else shape
