"""`keypoints`: points of a thing in a picture, each with a name and a score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.kinds import keypoints
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.keypoints import Keypoints
from tflite_build.wrap.names import Extra, ResultNames
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Parameter, Writer

from .base import Given, Made, ResultView
from .image import picture_of

_LEAST = "least"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeypointsResult(ResultView):
    """Points.

    Attributes:
        how: How outputs stand for points.
        size: Width and height of the picture as the model takes it.
        edges: Numbers of points, two for each line of a drawing.
    """

    word: ClassVar[str] = "keypoints"
    sources: ClassVar[tuple[str, ...]] = ("Keypoints",)
    golden: ClassVar[str] = "GoldenKeypoints"
    verb: ClassVar[str] = "locate"
    decided: ClassVar[bool] = True
    how: Keypoints
    size: tuple[int, int]
    edges: Sequence[int] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        found = [*self.sources, "HeatmapPoints" if self.how.form == "heatmap" else "ListedPoints"]
        found += ["HeatmapOffsets"] if self.how.offsets is not None else []
        found += ["KeypointEdges"] if self.edges else []
        return (*found, *(["Scores"] if self.how.activation else []))

    def extras(self) -> tuple[Extra, ...]:
        return (Extra(_LEAST, ("min", "score")),) if self.how.scored else ()

    def told(self) -> Iterator[str]:
        yield f"{self.how.count} points in the picture as it was given, in its pixels"

    def returned(self) -> str:
        return "The points."

    def type(self, writer: Writer) -> str:
        return "Keypoints"

    def made(self, writer: Writer, of: Made) -> str:
        heatmap = self.how.form == "heatmap"
        given = [
            ("points", self._heatmap(writer, of) if heatmap else self._listed(writer, of)),
            ("names", of.labels or writer.no_texts),
            ("transform", f"{of.picture}.transform"),
        ]
        given += [("threshold", of.own.extras[_LEAST])] if self.how.scored else []
        given += [("edges", writer.integers(self.edges))] if self.edges else []
        return writer.make("Keypoints", given)

    def _listed(self, writer: Writer, of: Made) -> str:
        how, axes = self.how, self.how.axes
        width, height = self.size if how.ratio else (1, 1)
        given = [
            ("values", of.values(self.tensors["points"])),
            ("count", str(len(axes))),
            ("x", str(axes.index("x"))),
            ("y", str(axes.index("y"))),
            ("width", str(width)),
            ("height", str(height)),
        ]
        given += [(name, str(axes.index(c))) for name, c in (("z", "z"), ("score", "s")) if c in axes]
        if "scores" in self.tensors:
            given.append(("scores", of.values(self.tensors["scores"])))
        return writer.call("TensorPoints.listed", [*given, *self._activation(writer)])

    def _heatmap(self, writer: Writer, of: Made) -> str:
        how, planes = self.how, self.how.planes
        given = [
            ("values", of.values(self.tensors["heatmap"])),
            ("columns", str(planes.width)),
            ("rows", str(planes.height)),
            ("first", writer.truth(planes.first)),
            ("width", str(self.size[0])),
            ("height", str(self.size[1])),
        ]
        given += [("stride", writer.number(how.stride))] if how.stride is not None else []
        if how.offsets is not None:
            offsets = [
                ("values", of.values(self.tensors["offsets"])),
                ("places", str(planes.width * planes.height)),
                ("xFirst", writer.truth(how.axes == "xy")),
                ("first", writer.truth(how.offsets)),
            ]
            given.append(("offset", writer.method(writer.call("HeatmapOffsets", offsets), "at")))
        return writer.call("TensorPoints.heatmap", [*given, *self._activation(writer)])

    def _activation(self, writer: Writer) -> list[tuple[str, str]]:
        return [("activation", writer.method("Scores", self.how.activation))] if self.how.activation else []

    def parameters(self, writer: Writer, own: ResultNames, of: str) -> Iterator[Parameter]:
        if self.how.scored:
            least = writer.lowest if self.how.threshold is None else writer.number(self.how.threshold)
            told = f"The least score of points{of} that are given."
            yield Parameter(own.extras[_LEAST], writer.real, least, told, writer.lowest)


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> KeypointsResult:
    """The result that a binding says.

    Raises:
        Invalid: If the tensors are no points, there are not as many names, or no picture that they are in.
    """
    names = binding.options.get("names") or given.lines(binding, "names").get("")
    how = keypoints.of(binding, tensors, len(names) if names is not None else None)
    picture = picture_of(binding, given)
    return KeypointsResult(
        name=binding.name,
        tensors=tensors,
        description=binding.description,
        labels={"": names} if names else {},
        picture=picture.name,
        how=how,
        size=(picture.image.width, picture.image.height),
        edges=keypoints.edges(binding, names or ()),
    )
