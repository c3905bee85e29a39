"""`classes`: one score for each class, of which an app gets the best with their labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.wrap.names import Extra, ResultNames
from tflite_build.wrap.writer import Parameter, Writer

from .base import Made, ResultView, activated

_MOST, _LEAST = "most", "least"
LIMITS = (Extra(_MOST, ("max", "results")), Extra(_LEAST, ("min", "score")))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassesResult(ResultView):
    """Classes.

    Attributes:
        activation: "softmax", "sigmoid" or "", what is to be done to the scores first.
        threshold: The least score of what is given where a caller does not say; None gives all.
        most: How many are given at most where a caller does not say.
        classes: How many there are.
    """

    word: ClassVar[str] = "classes"
    sources: ClassVar[tuple[str, ...]] = ("Classification",)
    golden: ClassVar[str] = "GoldenClasses"
    activation: str = ""
    threshold: float | None = None
    most: int
    classes: int

    @property
    def needs(self) -> tuple[str, ...]:
        return (*self.sources, *(("Scores",) if self.activation else ()))

    def extras(self) -> tuple[Extra, ...]:
        return LIMITS

    def told(self) -> Iterator[str]:
        after = f", after {self.activation}" if self.activation else ""
        yield f"the best of {self.classes} classes, the best first{after}"

    def returned(self) -> str:
        return "The classes and their scores."

    def type(self, writer: Writer) -> str:
        return "Classification"

    def made(self, writer: Writer, of: Made) -> str:
        given = [
            ("scores", activated(writer, self.activation, of.values(self.tensor))),
            ("labels", of.labels),
            ("threshold", of.own.extras[_LEAST]),
            ("maxResults", of.own.extras[_MOST]),
        ]
        return writer.make("Classification", given)

    def parameters(self, writer: Writer, own: ResultNames, of: str) -> Iterator[Parameter]:
        return limits(writer, own, f"classes{of}", str(self.most), self.threshold)


def limits(writer: Writer, own: ResultNames, things: str, most: str, threshold: float | None) -> Iterator[Parameter]:
    """The parameters of LIMITS: how many `things` are given, and their least score."""
    told = f"How many {things} are given at most."
    yield Parameter(own.extras[_MOST], writer.integer, most, told, writer.most)
    least = writer.lowest if threshold is None else writer.number(threshold)
    told = "The least score of those that are given."
    yield Parameter(own.extras[_LEAST], writer.real, least, told, writer.lowest)
