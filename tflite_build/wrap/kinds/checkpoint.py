"""`checkpoint`: what training has changed in a model, which one method gives and another one takes.

No table of the spec says it: it is all outputs of the signature that saves, and all inputs of the one that restores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.kinds import training
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.training import Layout
from tflite_build.wrap.names import ArgumentNames
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Writer

from .base import ArgumentView, Given, Made, ResultView

_TYPE, _LAYOUT = "Checkpoint", "CheckpointLayout"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointArgument(ArgumentView):
    """What was saved."""

    word: ClassVar[str] = training.KIND
    sources: ClassVar[tuple[str, ...]] = (_TYPE,)
    preparable: ClassVar[bool] = True
    maker_fails: ClassVar[bool] = False
    layout: Layout

    def told(self) -> Iterator[str]:
        yield "what was saved, of the same model"

    def type(self, writer: Writer) -> str:
        return _TYPE

    def maker(self, writer: Writer) -> str:
        return _maker(writer, self.layout)

    def prepared(self, writer: Writer, own: ArgumentNames) -> str:
        return writer.call(f"{writer.constant(own.maker)}.opened", [("", own.parameter)])

    def made(
        self, writer: Writer, own: ArgumentNames, info: Callable[[TensorView], str], start: str
    ) -> Mapping[str, str]:
        opened = start or self.prepared(writer, own)
        return {
            name: writer.of_array(writer.part(opened, place.start, place.count), tensor, info(tensor))
            for tensor in self.tensors.values()
            for name, place in [(tensor.name, self.layout.places[tensor.name])]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointResult(ResultView):
    """What is saved."""

    word: ClassVar[str] = training.KIND
    sources: ClassVar[tuple[str, ...]] = (_TYPE,)
    golden: ClassVar[str] = "GoldenCheckpoints"
    made_with: ClassVar[str] = "layout"
    maker_fails: ClassVar[bool] = False
    layout: Layout

    @property
    def has_maker(self) -> bool:
        return True

    def maker(self, writer: Writer) -> str:
        return _maker(writer, self.layout)

    def told(self) -> Iterator[str]:
        yield f"the {self.layout.count:,} values that training changes, to be kept in a file"

    def returned(self) -> str:
        return "The checkpoint."

    def type(self, writer: Writer) -> str:
        return _TYPE

    def made(self, writer: Writer, of: Made) -> str:
        values = [of.values(self.tensors[name]) for name in self.layout.places]
        return writer.call(f"{writer.constant(of.own.maker)}.checkpoint", [("", writer.list(values))])


def _maker(writer: Writer, layout: Layout) -> str:
    return writer.make(_LAYOUT, [("header", writer.long_text(layout.header)), ("count", str(layout.count))])


def bind_argument(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> CheckpointArgument:
    """The argument of what restores."""
    return CheckpointArgument(name=binding.name, tensors=tensors, layout=training.layout(list(tensors.values())))


def bind_result(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> CheckpointResult:
    """The result of what saves."""
    return CheckpointResult(name=binding.name, tensors=tensors, layout=training.layout(list(tensors.values())))
