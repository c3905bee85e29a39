"""Writes specs/tokenizers/bert.json: what BERT's tokenizer does to each character, as the package `tokenizers` does it.

That package takes tables of several versions of Unicode, no two of which any other language has. So it is asked, for each
code point, and a language needs no table of its own. A test asks it again, whatever version is installed.

    uv run scripts/make_bert_characters.py

A table is words, in the order of the code points, which are hexadecimal:

    41          a code point of a set; 41-5a: all of these
    c0-c5>41    each becomes what follows, code points with a full stop between; or nothing
    100-136:2=101  every second one, of which the first becomes 101, and the others what is as far from it
"""

from __future__ import annotations

import json
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "specs" / "tokenizers" / "bert.json"
SURROGATES = range(0xD800, 0xE000)
POINTS = [c for c in range(0x110000) if c not in SURROGATES]
SYLLABLES = range(0xAC00, 0xD7A4)  # of Hangul, which a formula takes apart
LINE = 100
BARRIER = "\0"  # a mark that is left out, and that others do not change places with
OVERLAY, ACUTE = "\u0334", "\u0301"  # of the classes 1 and 230


def tables() -> dict[str, list[str]]:
    """The tables by name, as lines.

    Keys:
        removed, spaces, ideographs, punctuation: Sets; an ideograph is a word of its own, as each mark of punctuation is.
        accents: What is left of a character without its accents. To U+0000 becomes a mark that others do not change places
            with when they are put in order; it goes after that.
        order: The class of a mark that is left, by which neighbours are put in order.
        lowercase: What a character is in lower case.
    """
    from tokenizers import normalizers, pre_tokenizers

    def normalizer(**given: bool) -> Callable[[str], str]:
        off = dict.fromkeys(("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), False)
        found: Callable[[str], str] = normalizers.BertNormalizer(**{**off, **given}).normalize_str
        return found

    clean = _changed(normalizer(clean_text=True))
    assert {*clean.values()} == {"", " "}
    split = pre_tokenizers.BertPreTokenizer()
    punctuation = [c for c in POINTS if [p for p, _ in split.pre_tokenize_str(f"a{chr(c)}b")] == ["a", chr(c), "b"]]
    stripped, decomposed = normalizer(strip_accents=True), normalizers.NFD().normalize_str
    found: dict[str, Iterable[str]] = {
        "removed": _set([c for c, to in clean.items() if not to] + list(SURROGATES)),
        "spaces": _set([*(c for c, to in clean.items() if to), 0x20]),
        "ideographs": _set(_changed(normalizer(handle_chinese_chars=True))),
        "punctuation": _set(punctuation),
        "accents": _map(_accents(stripped, decomposed)),
        "order": _map(_order(stripped, decomposed)),
        "lowercase": _map(_changed(normalizer(lowercase=True))),
    }
    return {name: textwrap.wrap(" ".join(words), LINE, break_on_hyphens=False) for name, words in found.items()}


def _changed(function: Callable[[str], str]) -> dict[int, str]:
    return {c: to for c in POINTS if (to := function(chr(c))) != chr(c)}


def _accents(stripped: Callable[[str], str], decomposed: Callable[[str], str]) -> dict[int, str]:
    barriers = {c for c in POINTS if not stripped(chr(c)) and not _moves(chr(c), decomposed)}

    def left(c: int) -> str:
        return "".join(BARRIER if ord(part) in barriers else stripped(part) for part in decomposed(chr(c)))

    return {c: to for c in POINTS if c not in SYLLABLES and (to := left(c)) != chr(c)}


def _moves(mark: str, decomposed: Callable[[str], str]) -> bool:
    """Whether a mark changes places with others, and so has a class."""
    return decomposed(mark + OVERLAY) == OVERLAY + mark or decomposed(ACUTE + mark) == mark + ACUTE


def _order(stripped: Callable[[str], str], decomposed: Callable[[str], str]) -> dict[int, str]:
    """Classes are told by which marks of a known class one changes places with."""
    known: dict[int, str] = {}
    for mark in map(chr, POINTS):
        if unicodedata.combining(mark) and _moves(mark, decomposed):
            known.setdefault(unicodedata.combining(mark), mark)
    found = {}
    for c in POINTS:
        mark = chr(c)
        if stripped(mark) != mark:
            continue
        others = {k: other for k, other in known.items() if other != mark}
        above = [k for k, other in others.items() if decomposed(other + mark) == mark + other]  # its own class is less
        below = [k for k, other in others.items() if decomposed(mark + other) == other + mark]
        if above or below:
            (own,) = [k for k in known if k not in above and k not in below]
            found[c] = chr(own)
    return found


def _set(points: Iterable[int]) -> Iterator[str]:
    run: list[int] = []
    for c in sorted(points):
        if run and run[-1] != c - 1:
            yield _span(run)
            run = []
        run.append(c)
    yield _span(run)


def _span(run: list[int], step: int = 1) -> str:
    if len(run) == 1:
        return f"{run[0]:x}"
    return f"{run[0]:x}-{run[-1]:x}" + (f":{step}" if step > 1 else "")


def _map(changed: Mapping[int, str]) -> Iterator[str]:
    """Runs, each as long as it can be; none reaches over a code point that another has."""
    points = sorted(changed)
    at = 0
    while at < len(points):
        start = points[at]
        to = changed[start]
        alike = 1
        while at + alike < len(points) and points[at + alike] == start + alike and changed[start + alike] == to:
            alike += 1
        best, step = 1, 1
        for each in (1, 2):
            count = 1
            while (
                len(to) == 1
                and to != BARRIER
                and at + count < len(points)
                and points[at + count] == start + count * each
                and changed[start + count * each] == chr(ord(to) + count * each)
            ):
                count += 1
            best, step = max((best, step), (count, each), key=lambda pair: pair[0])
        if alike > 1 or len(to) != 1 or to == BARRIER:
            yield f"{_span(points[at : at + alike])}>{'.'.join(f'{ord(c):x}' for c in to)}"
            at += alike
        else:
            yield f"{_span(points[at : at + best], step)}={ord(to):x}"
            at += best


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(tables(), indent=1) + "\n", "utf-8")
