"""[argument.NAME] with kind = "text"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from tflite_build.spec.base import SpecModel
from tflite_build.spec.metadata import Text, Tokenizer
from tflite_build.spec.values import LARGEST, RelativePath, wrong

from .base import ArgumentKind, TensorName

Id = Annotated[int, Field(ge=0, le=LARGEST)]
# Which keys a type may have, those that it needs first.
_NEEDED = {"bert": ("vocab",), "regex": ("vocab", "pattern"), "sentencepiece": ("model",)}
_MORE = {"bert": ("lowercase", "strip_accents"), "regex": (), "sentencepiece": ("vocab", "start", "end", "padding")}


class TextTokenizer(SpecModel):
    """How a text becomes ids. Which keys there are depends on `type`."""

    type: Literal["bert", "regex", "sentencepiece"]
    """`bert`: words, and the pieces of them that a vocabulary has. `regex`: what delimiters part. `sentencepiece`:
    what a library of the app's makes of a model."""
    vocab: RelativePath | None = None
    """The vocabulary: a token in each line, the first of which is 0; of `regex` a token and its id."""
    model: RelativePath | None = None
    """Of `sentencepiece`: the model."""
    pattern: Text | None = None
    """Of `regex`: the characters between tokens, such as `[^\\w']+`."""
    lowercase: bool | None = None
    """Of `bert`: whether case makes no difference. Default: true."""
    strip_accents: bool | None = None
    """Of `bert`: whether accents make none. Default: as `lowercase`."""
    max_length: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """How many ids there are; longer texts are cut. Default: as many as the tensor has."""
    start: Id | None = None
    """Of `sentencepiece`: the id before those of the text. Default: none."""
    end: Id | None = None
    """Of `sentencepiece`: the id after them. Default: none."""
    padding: Id | None = None
    """Of `sentencepiece`: the id that fills up. Default: 0."""

    @model_validator(mode="after")
    def _of_the_type(self) -> TextTokenizer:
        for key in _NEEDED[self.type]:
            if getattr(self, key) is None:
                raise wrong(f"type = \"{self.type}\" needs '{key}'", "type")
        allowed = ("type", "max_length", *_NEEDED[self.type], *_MORE[self.type])
        for key, value in self:
            if value is not None and key not in allowed:
                raise wrong(f"'{key}' is no key of a tokenizer with type = \"{self.type}\"", key)
        return self


class TextArgument(ArgumentKind):
    """A text, which becomes ids."""

    ROLES: ClassVar[tuple[str, ...]] = ("ids", "mask", "segments")
    FILES: ClassVar[tuple[str, ...]] = ("tokenizer.vocab", "tokenizer.model")

    kind: Literal["text"]
    """What it is."""
    ids: TensorName
    """The input that takes the ids: int32 or int64, [1, length]."""
    mask: TensorName | None = None
    """The input that takes 1 where an id is of the text, and 0 where it fills up."""
    segments: TensorName | None = None
    """The input that takes 0 for ids of the first text, and 1 for those of the second one."""
    tokenizer: TextTokenizer
    """How a text becomes ids."""
    pair: bool = False
    """Of `bert`: whether there are two texts, such as a question and a passage; of the longer one more is cut."""

    @model_validator(mode="after")
    def _of_the_type(self) -> TextArgument:
        if self.pair and self.tokenizer.type != "bert":
            raise wrong(f'type = "{self.tokenizer.type}" takes one text; two are for "bert"', "pair")
        return self

    def said(self, outputs: Mapping[str, SpecModel]) -> dict[str, Any]:
        found = super().said(outputs)
        own = found.pop("tokenizer")
        return found | {f"tokenizer.{key}" if key in ("vocab", "model") else key: value for key, value in own.items()}

    def implied(self) -> dict[str, dict[str, Any]]:
        own = self.tokenizer
        said = Tokenizer(type=own.type, vocab=own.vocab, model=own.model, pattern=own.pattern)
        found: dict[str, dict[str, Any]] = {self.ids: {"content": "text-ids", "tokenizer": said}}
        return found | {name: {"content": "feature"} for name in (self.mask, self.segments) if name is not None}
