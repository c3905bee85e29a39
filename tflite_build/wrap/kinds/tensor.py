"""`tensor`: the values of one tensor as they are, which every input and output has where nobody says what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.kinds.binding import Binding
from tflite_build.wrap import telling
from tflite_build.wrap.names import ArgumentNames
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Writer

from .base import ArgumentView, Given, Made, ResultView, activated


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorArgument(ArgumentView):
    """An array, or a number.

    Attributes:
        range: The lowest and the highest value, where the spec says them.
    """

    word: ClassVar[str] = "tensor"
    range: tuple[float, float] | None = None

    @property
    def is_value(self) -> bool:
        return self.tensor.is_value

    def told(self) -> Iterator[str]:
        within = f", from {self.range[0]:g} to {self.range[1]:g}" if self.range else ""
        yield f"{telling.values(self.tensor)}{within}"

    def type(self, writer: Writer) -> str:
        return writer.value(self.tensor.real) if self.is_value else writer.array(self.tensor.real)

    def made(
        self, writer: Writer, own: ArgumentNames, info: Callable[[TensorView], str], start: str
    ) -> Mapping[str, str]:
        return {self.tensor.name: writer.of_values(own.parameter, self.tensor, info(self.tensor))}

    def check(self, writer: Writer, own: ArgumentNames, count: Callable[[TensorView], str]) -> str:
        return "" if self.is_value else writer.check(self.name, own.parameter, count(self.tensor))


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorResult(ResultView):
    """An array, or a number.

    Attributes:
        activation: "softmax", "sigmoid" or "", what is to be done to the values first.
    """

    word: ClassVar[str] = "tensor"
    activation: str = ""

    @property
    def is_value(self) -> bool:
        return self.tensor.is_value

    @property
    def needs(self) -> tuple[str, ...]:
        return ("Scores",) if self.activation else ()

    def told(self) -> Iterator[str]:
        yield f"{telling.values(self.tensor)}{f', after {self.activation}' if self.activation else ''}"

    def returned(self) -> str:
        return "The value." if self.is_value else "The values."

    def type(self, writer: Writer) -> str:
        return writer.value(self.tensor.real) if self.is_value else writer.array(self.tensor.real)

    def made(self, writer: Writer, of: Made) -> str:
        values = activated(writer, self.activation, of.values(self.tensor))
        return writer.only(values, activated=bool(self.activation)) if self.is_value else values


def bind_argument(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> TensorArgument:
    """The argument that a binding says."""
    said = given.declared.get(binding.tensors["input"])
    within = said.range if said else None
    return TensorArgument(name=binding.name, tensors=tensors, description=binding.description, range=within)


def bind_result(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> TensorResult:
    """The result that a binding says."""
    activation = binding.options.get("activation", "")
    return TensorResult(name=binding.name, tensors=tensors, description=binding.description, activation=activation)
