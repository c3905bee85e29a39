"""`text`: how a text becomes the ids that a model takes, with what its tensors and its vocabulary have to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds import delimiters
from tflite_build.engines.kinds.binding import Binding, BoundTensor
from tflite_build.engines.words import quoted

TokenizerType = Literal["bert", "regex", "sentencepiece"]
UNKNOWN, FIRST, LAST, PADDING = "[UNK]", "[CLS]", "[SEP]", "[PAD]"  # of BERT
START, PAD, OTHER = "<START>", "<PAD>", "<UNKNOWN>"  # of the regex tokenizer of TFLite Support
_WHOLE = ("int32", "int64")
_LARGEST = 2**31 - 1
# What `tokenizers` cuts off behind a token, and no other language calls space alike.
_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


@dataclass(frozen=True, slots=True)
class Text:
    """How a text becomes ids.

    Attributes:
        type: What splits it.
        length: How many ids there are.
        lowercase: Of "bert": whether case makes no difference.
        strip_accents: Of "bert": whether accents make none.
        pair: Of "bert": whether there are two texts.
        delimiters: Of "regex": the code points between tokens, the first and the last of each run.
        start: Of "sentencepiece": the id before all others; None for none.
        end: The same after them.
        padding: Of "sentencepiece": the id that fills up.
    """

    type: TokenizerType
    length: int
    lowercase: bool = True
    strip_accents: bool = True
    pair: bool = False
    delimiters: tuple[tuple[int, int], ...] = ()
    start: int | None = None
    end: int | None = None
    padding: int = 0

    @property
    def special(self) -> int:
        """How many ids are of no token of a text."""
        if self.type == "bert":
            return 3 if self.pair else 2
        return sum(id_ is not None for id_ in (self.start, self.end))


def of(binding: Binding, tensors: Mapping[str, BoundTensor]) -> Text:
    """What a binding says, with what its tensors add.

    Raises:
        Invalid: If the tensors are not what it says.
    """
    said = binding.options
    length = 0
    for role, tensor in tensors.items():
        own = row_length(tensor)
        if tensor.real not in _WHOLE or own is None:
            hint = "" if tensor.real not in _WHOLE else f'say its shape in [input."{tensor.name}"], such as [1, 128]'
            raise binding.misfit(role, tensor, f"{role} are int32 or int64 of a shape [1, length]", hint)
        if length and own != length:
            raise binding.misfit(role, tensor, f"there are {length} ids")
        length = own
    most = said.get("max_length", length)
    if most != length:
        raise Invalid(
            f"max_length is {most}, and '{tensors['ids'].name}' has {length} ids",
            binding.at("tokenizer.max_length"),
            f"leave it out, or have the model take {most}",
        )
    lowercase = said.get("lowercase", True)
    made = Text(
        said["type"],
        length,
        lowercase,
        said.get("strip_accents", lowercase),
        said.get("pair", False),
        _delimiters(binding, said["pattern"]) if said["type"] == "regex" else (),
        said.get("start"),
        said.get("end"),
        said.get("padding", 0),
    )
    if length <= made.special:
        wanted = f"{made.special} ids are of no token: there have to be more"
        raise binding.misfit("ids", tensors["ids"], wanted)
    return made


def _delimiters(binding: Binding, pattern: str) -> tuple[tuple[int, int], ...]:
    try:
        return delimiters.parse(pattern)
    except ValueError as error:
        hint = "it is a class of characters such as [^\\w']+ or \\s, or several with | between them"
        raise Invalid(f"this pattern cannot be used: {error}", binding.at("tokenizer.pattern"), hint) from None


def row_length(tensor: BoundTensor) -> int | None:
    """How many values [1, length] or [length] has; None for other shapes."""
    shape = tensor.shape[1:] if len(tensor.shape) == 2 and tensor.shape[0] == 1 else tensor.shape
    return int(shape[0]) if len(shape) == 1 and isinstance(shape[0], int) else None


def bert_tokens(binding: Binding, lines: Sequence[str]) -> list[str]:
    """The tokens of a vocabulary, each at the place of its id.

    Raises:
        Invalid: If one is there twice, or one is missing that every text needs.
    """
    tokens = [line.rstrip(_SPACES) for line in lines]
    _once(binding, tokens)
    _there(binding, tokens, (UNKNOWN, FIRST, LAST, PADDING), "a vocabulary of BERT")
    return tokens


def regex_ids(binding: Binding, lines: Sequence[str]) -> dict[str, int]:
    """Token -> id, of lines that have both.

    Raises:
        Invalid: If a line has no id, a token is there twice, or one is missing that every text needs.
    """
    found = []
    for number, line in enumerate(lines, 1):
        token, _, id_ = line.rpartition(" ")
        if not token or not (id_.isascii() and id_.isdigit()) or int(id_) > _LARGEST:
            raise Invalid(
                f"line {number} of the vocabulary is no token and its id: '{line[:60]}'",
                binding.at("tokenizer.vocab"),
                "a line is `token 17`",
            )
        found.append((token, int(id_)))
    tokens = [token for token, _ in found]
    _once(binding, tokens)
    _there(binding, tokens, (PAD, OTHER), "a vocabulary of this tokenizer")
    return dict(found)


def _once(binding: Binding, tokens: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for number, token in enumerate(tokens, 1):
        if not token:
            raise Invalid(f"line {number} of the vocabulary is empty", binding.at("tokenizer.vocab"))
        other = seen.setdefault(token, number)
        if other != number:
            raise Invalid(
                f"the vocabulary has '{token}' twice, in line {other} and line {number}",
                binding.at("tokenizer.vocab"),
                "each token has one number",
            )


def _there(binding: Binding, tokens: Sequence[str], needed: Sequence[str], what: str) -> None:
    lacking = [token for token in needed if token not in tokens]
    if lacking:
        word = "is missing" if len(lacking) == 1 else "are missing"
        hint = f"{what} has {quoted(needed)}"
        raise Invalid(f"{quoted(lacking)} {word} in the vocabulary", binding.at("tokenizer.vocab"), hint)


def ids(said: Mapping[str, Any]) -> Iterator[int]:
    """The ids that a binding itself says."""
    yield from (said[key] for key in ("start", "end", "padding") if said.get(key) is not None)
