"""`detections`: boxes around things in a picture, each with a class and a score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds import detections
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.detections import Detections
from tflite_build.wrap.names import Extra, ResultNames
from tflite_build.wrap.text import shortest
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Parameter, Writer

from .base import Given, Made, ResultView, activated, labels_of
from .classes import LIMITS, limits
from .image import ImageArgument, picture_of

_MOST_LINES = 400  # of anchors: what compilers take in a moment, however many these are
_SOURCES = {
    "listed": "ListedCandidates",
    "scored": "ScoredCandidates",
    "yolo": "YoloCandidates",
    "ssd": "SsdCandidates",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionsResult(ResultView):
    """Detections.

    Attributes:
        how: How outputs stand for boxes.
        size: Width and height of the picture as the model takes it.
        anchors: Lines of four numbers, of "ssd".
    """

    word: ClassVar[str] = "detections"
    sources: ClassVar[tuple[str, ...]] = ("Detections",)
    golden: ClassVar[str] = "GoldenDetections"
    verb: ClassVar[str] = "detect"
    decided: ClassVar[bool] = True
    made_with: ClassVar[str] = "anchors"
    how: Detections
    size: tuple[int, int]
    anchors: Sequence[float] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        found = [*self.sources, _SOURCES[self.how.form]]
        found += ["Scores"] if self.how.activation == "sigmoid" else []
        found += ["RowScores"] if self.how.activation == "softmax" else []
        return (*found, *(["Suppression"] if self.how.suppression else []))

    @property
    def has_maker(self) -> bool:
        return self.how.form == "ssd"

    def maker(self, writer: Writer) -> str:
        if not self.has_maker:
            return ""
        numbers = [shortest(value) for value in self.anchors]
        each = max(8, -(-len(numbers) // _MOST_LINES))
        lines = [" ".join(numbers[at : at + each]) for at in range(0, len(numbers), each)]
        return writer.call("Anchors.parse", [("", writer.texts(lines))])

    def extras(self) -> tuple[Extra, ...]:
        return LIMITS

    def told(self) -> Iterator[str]:
        known = f" of {self.how.classes} classes" if self.how.classes > 1 else ""
        yield f"boxes around things{known} in the picture as it was given, in its pixels, the best first"
        if self.how.suppression:
            yield f"of boxes that cover more than {self.how.suppression.iou:g} of each other the best"

    def returned(self) -> str:
        return "The things, the best first."

    def type(self, writer: Writer) -> str:
        return writer.list_of("Detection")

    def made(self, writer: Writer, of: Made) -> str:
        given = [
            ("candidates", self._candidates(writer, of)),
            ("labels", of.labels or writer.no_texts),
            ("labelOffset", str(self.how.offset)),
            ("threshold", of.own.extras["least"]),
            ("maxResults", of.own.extras["most"]),
            ("transform", f"{of.picture}.transform"),
        ]
        kept = self.how.suppression
        if kept is not None:
            parts = [("iou", writer.number(kept.iou)), ("most", str(kept.max)), ("across", writer.truth(kept.across))]
            given.append(("suppression", writer.method(writer.call("Suppression", parts), "keep")))
        return writer.call("Detections.of", given)

    def _candidates(self, writer: Writer, of: Made) -> str:
        how, tensors = self.how, self.tensors
        boxes, layout = of.values(tensors["boxes"]), ("layout", self._layout(writer))
        # Of the best scores alone, where a score says by itself what it comes to.
        activation = [("activation", writer.method("Scores", "sigmoid"))] if how.activation == "sigmoid" else []
        if how.form == "yolo":
            given = [("values", boxes), ("classes", str(how.classes)), ("hasScore", writer.truth(how.before == 5))]
            return writer.call("Candidates.yolo", [*given, ("across", writer.truth(how.across)), layout, *activation])
        scores = of.values(tensors["scores"])
        if how.form == "listed":
            given = [("boxes", boxes), ("scores", activated(writer, how.activation, scores))]
            given += [("classes", of.reals(tensors["classes"])), layout]
            given += [("count", of.reals(tensors["count"]))] if "count" in tensors else []
            return writer.call("Candidates.listed", given)
        if how.activation == "softmax":
            scores = writer.call("RowScores.softmax", [("logits", scores), ("classes", str(how.classes))])
        given = [("boxes", boxes), ("scores", scores), ("classes", str(how.classes))]
        if how.form == "scored":
            return writer.call("Candidates.scored", [*given, layout, *activation])
        given += [("anchors", writer.constant(of.own.maker)), ("scale", writer.numbers(how.scale))]
        given += [("width", str(self.size[0])), ("height", str(self.size[1]))]
        return writer.call("Candidates.ssd", [*given, *activation])

    def _layout(self, writer: Writer) -> str:
        width, height = self.size if self.how.ratio else (1, 1)
        given = [
            ("index", writer.integers(self.how.index)),
            ("corner", writer.case("BoxCorner", self.how.corner.replace("-", "_"))),
            ("width", str(width)),
            ("height", str(height)),
        ]
        return writer.call("BoxLayout", given)

    def parameters(self, writer: Writer, own: ResultNames, of: str) -> Iterator[Parameter]:
        most = writer.most if self.how.most is None else str(self.how.most)
        return limits(writer, own, f"boxes{of}", most, self.how.threshold)


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> DetectionsResult:
    """The result that a binding says.

    Raises:
        Invalid: If the tensors are no boxes, classes and scores, or there is no picture that they are in.
    """
    labels = labels_of(binding, None, given, "")
    count = len(labels[""]) if labels else None
    how = detections.of(binding, tensors, count)
    if count is not None and how.classes and count != how.classes + how.offset:
        name = binding.tensors.get("scores", binding.tensors["boxes"])
        left = f", of which label_offset = {how.offset} leaves {how.classes + how.offset}" if how.offset else ""
        background = "say label_offset = -1 where the first class is a background without a label"
        raise Invalid(
            f"there are {count} labels, and '{name}' has scores of {how.classes} classes{left}",
            binding.at("labels"),
            background if how.classes - count == 1 and not how.offset else "",
        )
    picture: ImageArgument = picture_of(binding, given)
    size = (picture.image.width, picture.image.height)
    return DetectionsResult(
        name=binding.name,
        tensors=tensors,
        description=binding.description,
        labels=labels,
        picture=picture.name,
        how=how,
        size=size,
        anchors=_anchors(binding, tensors, given) if how.form == "ssd" else (),
    )


def _anchors(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> list[float]:
    lines = next(iter(given.lines(binding, "anchors").values()))
    return detections.anchors(binding, tensors["boxes"], lines)
