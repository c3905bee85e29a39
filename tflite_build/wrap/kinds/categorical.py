"""`categorical`: one value of a vocabulary, or a sequence of them, and the ids that a model takes for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.kinds import categorical
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.categorical import Categorical
from tflite_build.wrap.names import ArgumentNames
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Writer

from .base import ArgumentView, Asset, Given

_SHOWN = 5  # values of a vocabulary that a comment names


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoricalArgument(ArgumentView):
    """A value, or several.

    Attributes:
        how: How they become ids.
        is_file: Whether the vocabulary goes with the app as a file, and not in its code.
    """

    word: ClassVar[str] = "categorical"
    preparable: ClassVar[bool] = True
    exact: ClassVar[bool] = True
    how: Categorical
    is_file: bool

    @property
    def needs(self) -> tuple[str, ...]:
        return ("Categories",) if self.how.values is None else ("Categories", "Vocabulary")

    @property
    def asset(self) -> Asset | None:
        return Asset(".txt", "\n".join(self.how.values or ())) if self.is_file else None

    @property
    def holder(self) -> str:
        return "Categories"

    def held(self, writer: Writer, own: ArgumentNames, file: str) -> str:
        how, number = self.how, writer.nothing
        if self.is_file:
            number = writer.method(writer.call("Vocabulary.tokens", [("", writer.file_lines(file))]), "id")
        elif how.values is not None:
            number = writer.method(writer.call("Vocabulary.values", [("", writer.texts(how.values))]), "id")
        given = [
            ("name", writer.text(self.name)),
            ("vocabulary", number),
            ("first", str(how.first)),
            ("unknown", writer.nothing if how.unknown is None else str(how.unknown)),
        ]
        if how.length:
            given += [("length", str(how.length)), ("padding", str(how.padding))]
            given += [("keepsFirst", writer.truth(how.keep == "first"))] if how.keep else []
        return writer.call(self.holder, given)

    def told(self) -> Iterator[str]:
        how, values = self.how, self.how.values
        what = "values" if how.length else "one"
        if values is None:
            known = "ids" if how.length else "an id"
        elif len(values) <= _SHOWN:
            known = f"{what} of {', '.join(values)}"
        else:
            known = f"{what} of {len(values)} that the model knows"
        yield f"at most {how.length} {known.removeprefix('values of ')}" if how.length and values is None else known
        if how.length and values is not None:
            kept = f", of more the {how.keep} ones" if how.keep else ""
            yield f"at most {how.length}{kept}"
        if how.unknown is not None:
            yield "others count as unknown"

    def type(self, writer: Writer) -> str:
        value = writer.long if self.how.whole else writer.string
        return writer.list_of(value) if self.how.length else value

    def prepared(self, writer: Writer, own: ArgumentNames) -> str:
        values = own.parameter if self.how.length else writer.list([own.parameter])
        return writer.call(f"{writer.held(own.held)}.encode", [("", values)])

    def made(
        self, writer: Writer, own: ArgumentNames, info: Callable[[TensorView], str], start: str
    ) -> Mapping[str, str]:
        made, fields = start or self.prepared(writer, own), {"input": "ids", "lengths": "count"}
        return {
            tensor.name: writer.of_array(writer.whole(f"{made}.{fields[role]}", tensor.real), tensor, info(tensor))
            for role, tensor in self.tensors.items()
        }


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> CategoricalArgument:
    """The argument that a binding says.

    Raises:
        Invalid: If the tensors take no ids, or the vocabulary has a value twice.
    """
    is_file = "vocabulary" in binding.files
    lines = next(iter(given.lines(binding, "vocabulary").values())) if is_file else None
    how = categorical.of(binding, tensors, lines)
    return CategoricalArgument(
        name=binding.name, tensors=tensors, description=binding.description, how=how, is_file=is_file
    )
