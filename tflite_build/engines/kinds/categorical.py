"""`categorical`: one value of a vocabulary or several, and the ids that a model takes for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import counted, shape_text

from .binding import Binding, BoundTensor
from .text import row_length

_TYPES = ("int32", "int64", "float32")
_EXACT = 2**24  # up to which float32 has all whole numbers


@dataclass(frozen=True, slots=True)
class Categorical:
    """How values become ids.

    Attributes:
        length: How many ids a sequence has; 0 where there is one value.
        whole: Whether values are whole numbers, and not texts.
        values: The vocabulary; None where values are ids themselves.
        first: The id of its first value.
        unknown: The id of all others; None where there is none, and they are refused.
        padding: The id that fills up.
        keep: "first" or "last": which values of too many are taken; "" where these are refused.
    """

    length: int
    whole: bool
    values: Sequence[str] | None
    first: int = 0
    unknown: int | None = None
    padding: int = 0
    keep: str = ""

    @property
    def highest(self) -> int:
        """The highest id that there may be, as far as that is known."""
        return max(self.padding if self.length else 0, self.unknown or 0, self.first + len(self.values or ()) - 1)

    def id(self, value: str) -> int | None:
        """The id of a value; None for what is refused."""
        if self.values is None:
            return int(value)
        return self.first + self.values.index(value) if value in self.values else self.unknown


def of(binding: Binding, tensors: Mapping[str, BoundTensor], lines: Sequence[str] | None) -> Categorical:
    """What a binding says, with what its tensors add.

    Args:
        lines: Those of the file that is its vocabulary; None where it names none.

    Raises:
        Invalid: If the tensors or the vocabulary are not what it says.
    """
    said, tensor = binding.options, tensors["input"]
    length = row_length(tensor)
    single = all(d == 1 for d in tensor.shape) and "max_length" not in said
    if tensor.real not in _TYPES or (length is None and not single):
        hint = "" if tensor.real not in _TYPES else f'say its shape in [input."{tensor.name}"]'
        raise binding.misfit("input", tensor, "ids are int32, int64 or float32, one or a sequence [1, length]", hint)
    most = said.get("max_length", length)
    if not single and most != length:
        raise Invalid(
            f"max_length is {most}, and '{tensor.name}' has {counted(length or 0, 'id')}",
            binding.at("max_length"),
            f"leave it out, or have the model take {most}",
        )
    for key in ("padding", "keep"):
        if single and key in said:
            message = f"'{key}' is for sequences, and '{tensor.name}' is one value: {shape_text(tensor.shape)}"
            raise Invalid(message, binding.at(key), "say max_length = 1 where it is a sequence of one")
    if "lengths" in tensors:
        count = tensors["lengths"]
        if single:
            raise binding.misfit("lengths", count, f"'{tensor.name}' is one value, which has no length")
        if count.real not in _TYPES or any(d != 1 for d in count.shape):
            raise binding.misfit("lengths", count, "the number of values is one number: int32, int64 or float32 [1]")
    values = said.get("values", lines)
    whole = values is None or any(isinstance(value, int) for value in values)
    for key in ("first", "oov"):
        if values is None and key in said:
            raise Invalid(f"'{key}' is for a vocabulary, and there is none", binding.at(key), "add 'vocabulary'")
    made = Categorical(
        0 if single else int(length or 0),
        whole,
        None if values is None else [str(value) for value in values],
        said.get("first", 0),
        None if said.get("oov", "error") == "error" else said["oov"],
        said.get("padding", 0),
        said.get("keep", ""),
    )
    _check(binding, made, tensor)
    return made


def _check(binding: Binding, made: Categorical, tensor: BoundTensor) -> None:
    seen: dict[str, int] = {}
    for number, value in enumerate(made.values or (), 1):
        other = seen.setdefault(value, number)
        if other != number:
            message = f"the vocabulary has '{value}' twice, as its values {other} and {number}"
            raise Invalid(message, binding.at("vocabulary"), "each value has one id")
    if made.values is not None and not made.values:
        raise Invalid("the vocabulary has no values", binding.at("vocabulary"))
    if tensor.real == "float32" and made.highest > _EXACT:
        raise binding.misfit("input", tensor, f"float32 has no exact id {made.highest}")
