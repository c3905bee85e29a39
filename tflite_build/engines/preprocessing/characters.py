"""Tables of characters, as scripts/make_bert_characters.py writes them. Standard library only."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("bert.json")  # of specs/tokenizers, laid here where engines run


@dataclass(frozen=True, slots=True)
class Run:
    """Code points from `first` to `last`, and what they become: the same, or what follows it."""

    first: int
    last: int
    step: int
    become: tuple[int, ...]
    follows: bool  # whether the others of the run become what follows

    def of(self, point: int) -> tuple[int, ...] | None:
        """What one of them becomes; None for what lies between those of the run."""
        if point > self.last or (point - self.first) % self.step:
            return None
        return (self.become[0] + point - self.first,) if self.follows else self.become


class Table:
    """Code points and what they become; in a set, nothing.

    Attributes:
        runs: In the order of the code points.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.runs = [_run(word) for line in lines for word in line.split()]
        self._starts = [run.first for run in self.runs]

    def get(self, point: int) -> tuple[int, ...] | None:
        """What a code point becomes; None for one that the table does not have."""
        place = bisect_right(self._starts, point) - 1
        return self.runs[place].of(point) if place >= 0 else None

    def __contains__(self, point: int) -> bool:
        return self.get(point) is not None


def _run(word: str) -> Run:
    sign = next((c for c in word if c in ">="), "")
    span, _, become = word.partition(sign) if sign else (word, "", "")
    ends, _, step = span.partition(":")
    first, _, last = ends.partition("-")
    points = tuple(int(point, 16) for point in become.split(".") if point)
    return Run(int(first, 16), int(last or first, 16), int(step or "1"), points, sign == "=")


class Characters:
    """What BERT's tokenizer does to characters."""

    def __init__(self, tables: dict[str, list[str]]) -> None:
        self.removed, self.spaces, self.ideographs, self.punctuation, self.accents, self.order, self.lowercase = (
            Table(tables[name])
            for name in ("removed", "spaces", "ideographs", "punctuation", "accents", "order", "lowercase")
        )

    def clean(self, points: Sequence[int]) -> list[int]:
        """Without control characters, all spaces alike, and spaces around ideographs."""
        found: list[int] = []
        for point in points:
            if point in self.removed:
                continue
            if point in self.spaces:
                found.append(0x20)
            elif point in self.ideographs:
                found += (0x20, point, 0x20)
            else:
                found.append(point)
        return found

    def strip_accents(self, points: Sequence[int]) -> list[int]:
        """Letters without their accents: taken apart, in the order of Unicode's form D, and without marks."""
        found: list[int] = []
        waiting: list[int] = []  # marks that are put in order before what follows

        def put(point: int) -> None:
            nonlocal waiting
            if point in self.order:
                waiting.append(point)
                return
            found.extend(sorted(waiting, key=lambda p: (self.order.get(p) or (0,))[0]))
            waiting = []
            if point:
                found.append(point)

        for point in points:
            for part in self._apart(point):
                put(part)
        put(0)
        return found

    def lower(self, points: Sequence[int]) -> list[int]:
        """In lower case."""
        found: list[int] = []
        for point in points:
            become = self.lowercase.get(point)
            found += (point,) if become is None else become
        return found

    def words(self, points: Sequence[int]) -> Iterator[str]:
        """The words and the marks of punctuation between spaces."""
        word: list[str] = []
        for point in points:
            alone = point in self.punctuation
            if (alone or point == 0x20) and word:
                yield "".join(word)
                word = []
            if alone:
                yield chr(point)
            elif point != 0x20:
                word.append(chr(point))
        if word:
            yield "".join(word)

    def _apart(self, point: int) -> tuple[int, ...]:
        syllable = point - 0xAC00
        if 0 <= syllable < 11172:  # of Hangul
            last = syllable % 28
            return 0x1100 + syllable // 588, 0x1161 + syllable % 588 // 28, *((0x11A7 + last,) if last else ())
        become = self.accents.get(point)
        return (point,) if become is None else become


@cache
def load(path: Path = FILE) -> Characters:
    """The tables of a file."""
    return Characters(json.loads(path.read_text("utf-8")))
