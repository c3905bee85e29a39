"""From texts to ids: the reference that generated code of every language is held against. Standard library only.

`BertTokenizer` gives what the package `tokenizers` does for BertNormalizer, BertPreTokenizer and WordPiece, and
`RegexTokenizer` what TFLite Support and MediaPipe do. docs/kinds/text.md says what texts become.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tflite_build.engines.kinds import text as kind
from tflite_build.engines.kinds.text import Text

from .characters import Characters

_LONGEST = 100  # characters of a word that is looked into


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a model takes: ids, 1 where one stands for a part of the text, and 1 where it is the second of two texts."""

    ids: tuple[int, ...]
    mask: tuple[int, ...]
    segments: tuple[int, ...]


def filled(first: Sequence[int], second: Sequence[int], length: int, padding: int) -> Encoded:
    """Ids of one text and of another, if any, filled up."""
    count = len(first) + len(second)
    rest = (0,) * (length - count)
    return Encoded(
        (*first, *second, *(padding,) * (length - count)),
        (*(1,) * count, *rest),
        (*(0,) * len(first), *(1,) * len(second), *rest),
    )


class BertTokenizer:
    """BERT's: words by spaces and punctuation, each of them the longest pieces that the vocabulary has."""

    def __init__(self, how: Text, vocabulary: Mapping[str, int], characters: Characters) -> None:
        self._how = how
        self._ids = vocabulary
        self._characters = characters

    def encode(self, first: str, second: str = "") -> Encoded:
        """The ids of a text, or of two, cut to what fits."""
        one, other = self.pieces(first), self.pieces(second) if self._how.pair else []
        room = self._how.length - self._how.special
        kept, also = shares(len(one), len(other), room)
        start, end = self._ids[kind.FIRST], self._ids[kind.LAST]
        behind = [*other[:also], end] if self._how.pair else []
        return filled([start, *one[:kept], end], behind, self._how.length, self._ids[kind.PADDING])

    def pieces(self, text: str) -> list[int]:
        """The ids of all pieces of a text."""
        points = self._characters.clean([ord(c) for c in text])
        points = self._characters.strip_accents(points) if self._how.strip_accents else points
        points = self._characters.lower(points) if self._how.lowercase else points
        return [id_ for word in self._characters.words(points) for id_ in self._of_word(word)]

    def _of_word(self, word: str) -> list[int]:
        unknown = [self._ids[kind.UNKNOWN]]
        if len(word) > _LONGEST:
            return unknown
        found: list[int] = []
        start = 0
        while start < len(word):
            before = "##" if start else ""
            end = next((end for end in range(len(word), start, -1) if before + word[start:end] in self._ids), None)
            if end is None:
                return unknown
            found.append(self._ids[before + word[start:end]])
            start = end
        return found


def shares(first: int, second: int, room: int) -> tuple[int, int]:
    """How many of two texts' tokens are kept where there is room for so many: the longer one loses first."""
    if first + second <= room:
        return first, second
    short = min(first, second)
    long = max(short, room - short)
    if short + long > room:
        short, long = room // 2, room - room // 2
    return (short, long) if first <= second else (long, short)


class RegexTokenizer:
    """TFLite Support's: what is between delimiters, whole."""

    def __init__(self, how: Text, vocabulary: Mapping[str, int]) -> None:
        self._how = how
        self._ids = vocabulary

    def encode(self, text: str) -> Encoded:
        """The ids of a text, cut to what fits."""
        unknown = self._ids[kind.OTHER]
        start = [self._ids[kind.START]] if kind.START in self._ids else []
        found = [*start, *(self._ids.get(token, unknown) for token in self._tokens(text))]
        return filled(found[: self._how.length], (), self._how.length, self._ids[kind.PAD])

    def _tokens(self, text: str) -> list[str]:
        tokens, token = [], ""
        for c in text:
            if self._is_delimiter(ord(c)):
                tokens.append(token)
                token = ""
            else:
                token += c
        return [t for t in (*tokens, token) if t]

    def _is_delimiter(self, point: int) -> bool:
        return any(low <= point <= high for low, high in self._how.delimiters)


def of_pieces(how: Text, pieces: Sequence[int]) -> Encoded:
    """What is made of the pieces that a SentencePiece model gives."""
    start = [how.start] if how.start is not None else []
    end = [how.end] if how.end is not None else []
    return filled([*start, *pieces[: how.length - how.special], *end], (), how.length, how.padding)
