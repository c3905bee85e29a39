"""[result.NAME] with kind = "detections"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from tflite_build.spec.base import SpecModel
from tflite_build.spec.metadata import Box, LabelOffset, Labels, Real
from tflite_build.spec.values import LARGEST, RelativePath, wrong

from .base import Beside, Kind, Misfit, TensorName, in_picture, said_twice

Positive = Annotated[float, Field(gt=0, le=1e6)]
# box_order -> what metadata says of it: where left, top, right, bottom (or x, y, width, height) stand.
_ORDERS: dict[str, tuple[tuple[int, ...], Literal["boundaries", "upper-left", "center"]]] = {
    "yxyx": ((1, 0, 3, 2), "boundaries"),
    "xyxy": ((0, 1, 2, 3), "boundaries"),
    "xywh": ((0, 1, 2, 3), "upper-left"),
    "yxhw": ((1, 0, 3, 2), "upper-left"),
    "cxcywh": ((0, 1, 2, 3), "center"),
    "cycxhw": ((1, 0, 3, 2), "center"),
}
_HEADS = ("yolov5", "yolov8")
# Role -> what MediaPipe and the writers of TFLite Support call it.
_READ_AS = {"boxes": "location", "classes": "category", "scores": "score", "count": "number of detections"}
_OFFSET = 100_000


class Nms(SpecModel):
    """Which of several boxes around one thing is kept: the best, and none that covers too much of a better one."""

    iou: Annotated[float, Field(gt=0, le=1)]
    """Boxes whose intersection is a larger share of their union than this are taken for one thing."""
    max: Annotated[int, Field(ge=1, le=10_000)] = 100
    """How many boxes are kept at most."""
    across: bool = False
    """Whether boxes of different classes are compared, too."""


class DetectionsResult(Kind):
    """Boxes around things in a picture, each with a class and a score, in the coordinates of the picture that was given."""

    ROLES: ClassVar[tuple[str, ...]] = ("boxes", "classes", "scores", "count")
    SHARED: ClassVar[dict[str, tuple[tuple[str, ...], str]]] = {
        "labels": (("classes", "scores"), "labels"),
        "label_offset": (("classes", "scores"), "label_offset"),
        "score_threshold": (("scores",), "score_threshold"),
        "activation": (("scores",), "activation"),
        "max_results": (("scores",), "max_results"),
    }
    FILES: ClassVar[tuple[str, ...]] = ("labels", "anchors")

    kind: Literal["detections"]
    """What it is."""
    boxes: TensorName
    """The output with four numbers for each box; with `decode = "yolov5"` or `"yolov8"` all that there is."""
    classes: TensorName | None = None
    """The output with the class of each box. Without it `scores` has one for each class, and the best one counts."""
    scores: TensorName | None = None
    """The output with the score of each box, or with one for each class."""
    count: TensorName | None = None
    """The output that says how many boxes there are."""
    picture: str | None = None
    """The argument whose picture the boxes are in, where a model takes several."""
    box_order: Literal["yxyx", "xyxy", "xywh", "yxhw", "cxcywh", "cycxhw"] | None = None
    """The four numbers: two corners, or `xywh` the upper left corner and the size, or `cxcywh` the centre and the size.
    Default: `yxyx`, ymin, xmin, ymax, xmax; with `decode = "yolov5"` or `"yolov8"` it is `cxcywh`."""
    coordinates: Literal["ratio", "pixel"] | None = None
    """Whether 1 is the whole picture as the model takes it, or one pixel of that. Default: `ratio`."""
    decode: Literal["yolov5", "yolov8", "ssd"] | None = None
    """What a head without an end of its own gives. `yolov8`: box and class scores in one tensor; `yolov5`: that with a
    score of the box before them; `ssd`: distances from `anchors`."""
    anchors: RelativePath | None = None
    """Of `ssd`: a CSV file with a line for each anchor, `cy,cx,height,width` as shares of the picture."""
    scale: tuple[Positive, Positive, Positive, Positive] | None = None
    """Of `ssd`: what distances are divided by, for cy, cx, height and width. Default: `[10, 10, 5, 5]`."""
    label_offset: LabelOffset | None = None
    """What is added to the number of a class to find its label: -1 where class 1 has the first line. Classes that come to
    be below 0 are no things and are left out, as is a background class."""
    labels: Labels | None = None
    """The names of classes, as at an output."""
    activation: Literal["sigmoid", "softmax"] | None = None
    """What is done to the scores first, where the model gives logits."""
    score_threshold: Real | None = None
    """The least score of the boxes that an app gets, where it does not say another."""
    max_results: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """How many boxes the app gets at most, the best first. Default: all of them."""
    nms: Nms | None = None
    """Which of several boxes around one thing is kept, where the model does not choose by itself."""

    @model_validator(mode="after")
    def _of_the_head(self) -> DetectionsResult:
        for key in ("anchors", "scale"):
            if getattr(self, key) is not None and self.decode != "ssd":
                raise wrong(f"'{key}' is for decode = \"ssd\"", key)
        if self.decode == "ssd" and self.anchors is None:
            raise wrong("decode = \"ssd\" needs 'anchors', a CSV file with a line for each", "decode")
        if self.decode == "ssd" and (self.box_order or self.coordinates):
            raise wrong("the anchors say how boxes are written", "box_order" if self.box_order else "coordinates")
        for key in ("classes", "scores", "count", "box_order"):
            if getattr(self, key) is not None and self.decode in _HEADS:
                raise wrong(f"decode = \"{self.decode}\" has all in one tensor, and no '{key}'", key)
        if self.decode not in _HEADS and self.scores is None:
            raise wrong("'scores' is needed: the output with the score of each box", "boxes")
        if self.decode == "ssd" and self.classes is not None:
            raise wrong("decode = \"ssd\" has a score for each class, and no 'classes'", "classes")
        if self.count is not None and self.classes is None:
            raise wrong("'count' is of boxes that the model has chosen, with 'classes'; here all are there", "count")
        return self

    def misfits(self, beside: Beside) -> Iterator[Misfit]:
        yield from super().misfits(beside)
        box: Box | None = getattr(beside.written.get(self.boxes), "box", None)
        if box is not None:
            if self.box_order and _ORDERS[self.box_order] != (box.index or _ORDERS["yxyx"][0], box.type):
                yield said_twice("box_order", "box", self.boxes)
            if self.coordinates not in (None, box.coordinates):
                yield said_twice("coordinates", "box", self.boxes)
        said = self.said(beside.written)
        if self.nms is not None and "score_threshold" not in said:
            message = "'nms' compares each two boxes above a score, and nothing says which"
            yield Misfit("nms", message, "add score_threshold, such as 0.25")
        if said.get("activation") == "softmax" and (self.classes is not None or self.decode in _HEADS):
            message = "softmax is of a score for each class, and here each score is for itself"
            yield Misfit("activation" if self.activation else "scores", message, 'use "sigmoid"')
        yield from in_picture("boxes are", self.picture, beside)

    def said(self, outputs: Mapping[str, SpecModel]) -> dict[str, Any]:
        found = super().said(outputs)
        order, coordinates = found.pop("box_order", None), found.pop("coordinates", None)
        there: Box | None = getattr(outputs.get(self.boxes), "box", None)
        index, corner = _ORDERS[order or ("cxcywh" if self.decode in _HEADS else "yxyx")]
        if there is not None and order is None:
            index, corner = there.index or index, there.type
        coordinates = coordinates or (there.coordinates if there is not None else "ratio")
        return {**found, "box": {"index": list(index), "corner": corner, "ratio": coordinates == "ratio"}}

    def read_as(self) -> dict[str, str]:
        known = self.decode is None and set(self.tensors) == set(_READ_AS)
        return {name: _READ_AS[role] for role, name in self.tensors.items()} if known else {}

    def implied(self) -> dict[str, dict[str, Any]]:
        if self.decode is not None or self.classes is None:  # nothing that readers of metadata know
            return {}
        said = super().implied()
        said.setdefault(self.boxes, {})["content"] = "boxes"
        if self.box_order or self.coordinates:
            index, corner = _ORDERS[self.box_order or "yxyx"]
            said[self.boxes]["box"] = Box(index=index, type=corner, coordinates=self.coordinates or "ratio")
        for role in ("classes", "scores", "count"):
            name = getattr(self, role)
            if name is not None:
                said.setdefault(name, {})["content"] = role
        return said
