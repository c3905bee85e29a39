"""`classes`: one score for each class, of which an app gets the best with their labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.words import shape_text
from tflite_build.wrap.names import Extra, ResultNames
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Parameter, Writer

from .base import Given, Made, ResultView, activated, labels_of

_MOST, _LEAST = "most", "least"
_FEW = 10  # classes that are given where nobody says how many
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
    verb: ClassVar[str] = "classify"
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


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> ClassesResult:
    """The result that a binding says.

    Raises:
        Invalid: If the tensor is no row of scores, or there are not as many labels.
    """
    tensor = tensors["scores"]
    long = [d for d in tensor.shape if d != 1]
    if tensor.real != "float32" or len(long) > 1 or any(isinstance(d, str) for d in long):
        raise Invalid(
            f"'{tensor.name}' is {tensor.dtype} {shape_text(tensor.shape)}; classes are one score for each of them",
            binding.at("scores" if binding.is_named else "content"),
            "leave `content` out to get its values as they are",
        )
    classes = int(long[0]) if long else 1
    said = binding.options
    return ClassesResult(
        name=binding.name,
        tensors=tensors,
        description=binding.description,
        labels=labels_of(binding, classes, given, f"'{tensor.name}'") or {"": [str(i) for i in range(classes)]},
        activation=said.get("activation", ""),
        threshold=said.get("score_threshold"),
        most=said.get("max_results", min(classes, _FEW)),
        classes=classes,
    )
