"""Names of people's as words, and words as names that a language takes: each once in its scope."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping

_LONGEST = 60
# Letters that are no others with an accent.
_LETTERS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d",
     "Ð": "D", "þ": "th", "Þ": "TH", "ł": "l", "Ł": "L", "ı": "i"}
)  # fmt: skip


def latin(text: str) -> str:
    """Letters without their accents; "ß" and its like spelled out."""
    parts = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(c for c in parts if not unicodedata.combining(c))


def words(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case: `serving_default`, `inputImage`, `x:0` and `pré-logits` are all two or less.

    Letters without their accents; what is no letter or digit of ASCII ends a word. "" where nothing is left.
    """
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", latin(name))
    found: list[str] = []
    for part in parts:
        if part.isdigit() and found:
            found[-1] += part  # `conv2d` is one word
        else:
            found.append(part.lower())
    return tuple(found)


def tag(locale: str) -> str:
    """A language tag as others are compared with it: `de-AT` and `de_at` are one."""
    return locale.lower().replace("_", "-")


def camel(parts: Iterable[str]) -> str:
    """`servingDefault`."""
    first, *rest = [*parts] or [""]
    return (first + "".join(part.capitalize() for part in rest))[:_LONGEST]


def pascal(parts: Iterable[str]) -> str:
    """`ServingDefault`."""
    return "".join(part.capitalize() for part in parts)[:_LONGEST]


def upper(parts: Iterable[str]) -> str:
    """`SERVING_DEFAULT`."""
    return "_".join(part.upper() for part in parts)[:_LONGEST]


def named(
    names: Iterable[str], style: Callable[[Iterable[str]], str], fallback: str, taken: Iterable[str] = ()
) -> Mapping[str, str]:
    """An identifier for each of `names`, no two alike whatever their case.

    Args:
        names: Names of people's, each another.
        style: How words become an identifier.
        fallback: The word for a name that has no letters.
        taken: Identifiers that are none of these, such as keywords.
    """
    used = {word.casefold() for word in taken}
    found: dict[str, str] = {}
    for name in names:
        parts = words(name) or (fallback,)
        if parts[0][0].isdigit():
            parts = (fallback, *parts)
        own, number = style(parts), 2
        while own.casefold() in used:
            own, number = f"{style(parts)}{number}", number + 1
        used.add(own.casefold())
        found[name] = own
    return found
