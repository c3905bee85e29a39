"""`text`: a text, or two, which become ids as docs/kinds/text.md defines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.kinds import text
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.text import Text
from tflite_build.wrap.names import ArgumentNames
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Writer

from .base import ArgumentView, Asset, Given

_HOLDERS = {"bert": "BertTokenizer", "regex": "RegexTokenizer", "sentencepiece": "PieceTokenizer"}
_TOLD = {"bert": "pieces of words", "regex": "words", "sentencepiece": "pieces"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextArgument(ArgumentView):
    """A text.

    Attributes:
        how: How it becomes ids.
        file: The vocabulary or the model that goes with the app.
    """

    word: ClassVar[str] = "text"
    preparable: ClassVar[bool] = True
    exact: ClassVar[bool] = True
    how: Text
    file: Asset

    @property
    def needs(self) -> tuple[str, ...]:
        how = self.how
        found = [self.holder, *(["TextPair"] if how.pair else [])]
        if how.type == "bert":
            found += [*(["Accents"] if how.strip_accents else []), *(["LowerCase"] if how.lowercase else [])]
        return tuple(found)

    @property
    def fails(self) -> bool:
        return self.how.type == "sentencepiece"

    @property
    def asset(self) -> Asset:
        return self.file

    @property
    def holder(self) -> str:
        return _HOLDERS[self.how.type]

    def held(self, writer: Writer, own: ArgumentNames, file: str) -> str:
        how = self.how
        length = ("length", str(how.length))
        if how.type == "sentencepiece":
            ids = [
                (name, writer.nothing if id_ is None else str(id_))
                for name, id_ in (("start", how.start), ("end", how.end))
            ]
            return writer.call(self.holder, [("pieces", own.brought), *ids, ("padding", str(how.padding)), length])
        lines = [("", writer.file_lines(file))]
        if how.type == "regex":
            runs = writer.integers([point for run in how.delimiters for point in run])
            return writer.call(
                self.holder, [("vocabulary", writer.call("Vocabulary.numbered", lines)), ("delimiters", runs), length]
            )
        steps = [writer.method("Accents", "strip")] if how.strip_accents else []
        steps += [writer.method("LowerCase", "of")] if how.lowercase else []
        vocabulary = writer.call("Vocabulary.tokens", lines)
        return writer.call(self.holder, [("vocabulary", vocabulary), ("steps", writer.list(steps)), length])

    def brought(self, writer: Writer, file: str) -> tuple[str, str] | None:
        if self.how.type != "sentencepiece":
            return None
        return writer.interface("SentencePiece"), f"What makes pieces of {self.name}, by the model {file}."

    def told(self) -> Iterator[str]:
        what = "two texts" if self.how.pair else "a text"
        yield f"{what} of any length, of which the model sees the first {self.how.length} {_TOLD[self.how.type]}"

    def type(self, writer: Writer) -> str:
        return "TextPair" if self.how.pair else writer.string

    def prepared(self, writer: Writer, own: ArgumentNames) -> str:
        return writer.call(f"{writer.held(own.held)}.encode", [("", own.parameter)])

    def made(
        self, writer: Writer, own: ArgumentNames, info: Callable[[TensorView], str], start: str
    ) -> Mapping[str, str]:
        made = start or self.prepared(writer, own)
        return {
            tensor.name: writer.of_array(writer.whole(f"{made}.{role}", tensor.real), tensor, info(tensor))
            for role, tensor in self.tensors.items()
        }


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> TextArgument:
    """The argument that a binding says.

    Raises:
        Invalid: If the tensors take no ids, or the vocabulary is none of the tokenizer.
    """
    how = text.of(binding, tensors)
    return TextArgument(
        name=binding.name,
        tensors=tensors,
        description=binding.description,
        how=how,
        file=_asset(binding, how, given),
    )


def _asset(binding: Binding, how: Text, given: Given) -> Asset:
    if how.type == "sentencepiece":
        (source,) = binding.files["tokenizer.model"].values()
        return Asset(".model", source=source)
    (lines,) = given.lines(binding, "tokenizer.vocab").values()
    found: Sequence[str]
    if how.type == "bert":
        found = text.bert_tokens(binding, lines)
    else:
        found = [f"{token} {id_}" for token, id_ in text.regex_ids(binding, lines).items()]
    return Asset(".txt", "\n".join(found))
