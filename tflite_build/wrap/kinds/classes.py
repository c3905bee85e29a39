"""`classes`: one score for each class, of which an app gets the best with their labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.kinds import classes
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.classes import Classes, Parameters
from tflite_build.wrap.names import Extra, ResultNames
from tflite_build.wrap.text import shortest
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Parameter, Writer

from .base import Given, Made, ResultView, activated, labels_of

_MOST, _LEAST = "most", "least"
_A_LINE = 8  # classes of a calibration
LIMITS = (Extra(_MOST, ("max", "results")), Extra(_LEAST, ("min", "score")))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassesResult(ResultView):
    """Classes.

    Attributes:
        how: How the output stands for them.
    """

    word: ClassVar[str] = "classes"
    sources: ClassVar[tuple[str, ...]] = ("Classification",)
    golden: ClassVar[str] = "GoldenClasses"
    verb: ClassVar[str] = "classify"
    how: Classes

    @property
    def decided(self) -> bool:
        return self.how.calibration is not None

    @property
    def needs(self) -> tuple[str, ...]:
        found = [*self.sources, *(["Scores"] if self.how.activation else [])]
        found += ["ScoreCalibration"] if self.how.calibration else []
        return (*found, *(["LabelOffset"] if self.how.offset else []))

    @property
    def has_maker(self) -> bool:
        return self.how.calibration is not None

    def maker(self, writer: Writer) -> str:
        calibration = self.how.calibration
        if calibration is None:
            return ""
        given = [
            (
                "transformation",
                writer.case("ScoreCalibration.Transformation", calibration.transformation.replace("-", "_")),
            ),
            ("default", writer.number(calibration.default)),
            ("lines", writer.texts(_lines(calibration.classes))),
        ]
        return writer.call("ScoreCalibration.parse", given)

    def extras(self) -> tuple[Extra, ...]:
        return LIMITS

    def told(self) -> Iterator[str]:
        how = self.how
        steps = [how.activation] if how.activation else []
        after = " and ".join([*steps, *(["calibration of the scores"] if how.calibration else [])])
        which = (
            f"those of {how.numbers} classes that are there" if how.several else f"the best of {how.numbers} classes"
        )
        yield f"{which}, the best first{f', after {after}' if after else ''}"

    def returned(self) -> str:
        return "The classes and their scores."

    def type(self, writer: Writer) -> str:
        return "Classification"

    def made(self, writer: Writer, of: Made) -> str:
        scores = activated(writer, self.how.activation, of.values(self.tensor))
        if self.how.calibration is not None:
            scores = writer.call(f"{writer.constant(of.own.maker)}.calibrated", [("", scores)])
        if self.how.offset:
            scores = writer.call("LabelOffset.shifted", [("scores", scores), ("offset", str(self.how.offset))])
        given = [
            ("scores", scores),
            ("labels", of.labels),
            ("threshold", of.own.extras[_LEAST]),
            ("maxResults", of.own.extras[_MOST]),
        ]
        return writer.make("Classification", given)

    def parameters(self, writer: Writer, own: ResultNames, of: str) -> Iterator[Parameter]:
        most = writer.most if self.how.most is None else str(self.how.most)
        return limits(writer, own, f"classes{of}", most, self.how.threshold)


def _lines(classes: Sequence[Parameters | None]) -> list[str]:
    """The parameters of classes, as they are read: several in a line, nothing for a class without."""
    known = [
        () if c is None else (c.scale, c.slope, c.offset, *(() if c.least is None else (c.least,))) for c in classes
    ]
    texts = [" ".join(map(shortest, numbers)) for numbers in known]
    return [";".join(texts[at : at + _A_LINE]) for at in range(0, len(texts), _A_LINE)]


def limits(writer: Writer, own: ResultNames, things: str, most: str, threshold: float | None) -> Iterator[Parameter]:
    """The parameters of LIMITS: how many `things` are given, and their least score."""
    told = f"How many {things} are given at most."
    yield Parameter(own.extras[_MOST], writer.integer, most, told, writer.most)
    least = writer.lowest if threshold is None else writer.number(threshold)
    told = "The least score of those that are given."
    yield Parameter(own.extras[_LEAST], writer.real, least, told, writer.lowest)


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> ClassesResult:
    """The result that a binding says.

    Raises:
        Invalid: If the tensor is no row of scores, or there are not as many labels or lines of a calibration.
    """
    how = classes.of(binding, tensors, given.lines(binding, "score_calibration").get(""))
    offset = f" with label_offset = {how.offset}" if how.offset else ""
    labels = labels_of(binding, how.numbers, given, f"'{tensors['scores'].name}'{offset}")
    return ClassesResult(
        name=binding.name,
        tensors=tensors,
        description=binding.description,
        labels=labels or {"": [str(number) for number in range(how.numbers)]},
        how=how,
    )
