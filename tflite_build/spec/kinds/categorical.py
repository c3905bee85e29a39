"""[argument.NAME] with kind = "categorical"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from tflite_build.spec.base import SpecModel
from tflite_build.spec.values import LARGEST, RelativePath, wrong

from .base import ArgumentKind, TensorName

Id = Annotated[int, Field(ge=0, le=LARGEST)]
_WHOLE = 2**63


def _vocabulary(value: Any) -> Any:
    if isinstance(value, str) and value:
        return value
    texts = isinstance(value, list) and all(isinstance(v, str) for v in value)
    whole = isinstance(value, list) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
    if not value or not (texts or whole) or (whole and not all(-_WHOLE <= v < _WHOLE for v in value)):
        raise wrong("a vocabulary is a file with a value in each line, or a list of texts or of whole numbers")
    return tuple(value)


def _oov(value: Any) -> Any:
    if value != "error" and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST):
        raise wrong("'oov' is \"error\", or the id of all values that the vocabulary does not have")
    return value


Vocabulary = Annotated[
    RelativePath | tuple[str, ...] | tuple[int, ...],
    BeforeValidator(_vocabulary),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
                {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            ]
        }
    ),
]
Oov = Annotated[
    int | Literal["error"],
    BeforeValidator(_oov),
    WithJsonSchema({"anyOf": [{"const": "error"}, {"type": "integer", "minimum": 0, "maximum": LARGEST}]}),
]


class CategoricalArgument(ArgumentKind):
    """One value of a vocabulary, or a sequence of them, which become ids."""

    ROLES: ClassVar[tuple[str, ...]] = ("input", "lengths")
    FILES: ClassVar[tuple[str, ...]] = ("vocabulary",)

    kind: Literal["categorical"]
    """What it is."""
    input: TensorName
    """The input that takes the ids: one, or a sequence [1, length]."""
    lengths: TensorName | None = None
    """Of a sequence: the input that takes the number of values."""
    vocabulary: Vocabulary | None = None
    """The values: a file with one in each line, or a list of texts or of whole numbers. Default: values are ids."""
    first: Id | None = None
    """The id of the vocabulary's first value. Default: 0."""
    oov: Oov | None = None
    """What becomes of a value that the vocabulary does not have: `"error"`, or its id. Default: `"error"`."""
    max_length: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """Of a sequence: how many ids there are. Default: as many as the tensor has."""
    padding: Id | None = None
    """Of a sequence: the id that fills up. Default: 0."""
    keep: Literal["first", "last"] | None = None
    """Of a sequence: which of too many values are taken. Default: too many are an error."""

    def said(self, outputs: Mapping[str, SpecModel]) -> dict[str, Any]:
        found = super().said(outputs)
        if isinstance(self.vocabulary, tuple):
            found["values"] = list(found.pop("vocabulary"))
        return found

    def implied(self) -> dict[str, dict[str, Any]]:
        return {name: {"content": "feature"} for name in self.tensors.values()}
