r"""Regular expressions that match single characters between tokens, as the set of these characters.

Engines of regular expressions differ in what `\w` is, so none is asked: a pattern is read here, once, as RE2 reads it,
which is what TFLite Support and MediaPipe split texts by. Since empty tokens are left out, `[ ,]` and `[ ,]+` split
alike, and all that a language needs to know is which characters there are.
"""

from __future__ import annotations

from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]
_MOST = 0x10FFFF
_CLASSES: dict[str, Ranges] = {
    "d": ((0x30, 0x39),),
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "s": ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20)),
}
_ESCAPES = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
_MEANING = "\\^$.|?*+()[]{}"  # characters that stand for something else


def parse(pattern: str) -> Ranges:
    r"""The code points that a pattern matches, as sorted runs.

    It is a character, an escape such as `\s`, or a class such as `[^\w']`, each with a `+` behind it or not; several with
    `|` between them; and parentheses around all of it.

    Raises:
        ValueError: If it is anything else; says what.
    """
    text = pattern
    if text.startswith("(") and text.endswith(")") and not text.endswith("\\)"):
        text = text[1:-1]
    reader = _Reader(text)
    found = [*reader.item()]
    while reader.rest:
        if reader.take() != "|":
            raise ValueError(f"'{reader.last}' stands where '|' has to be, or the end: it matches several characters")
        found += reader.item()
    return _merged(found)


class _Reader:
    def __init__(self, text: str) -> None:
        self.rest = text
        self.last = ""

    def take(self) -> str:
        if not self.rest:
            raise ValueError("it ends too early")
        self.last, self.rest = self.rest[0], self.rest[1:]
        return self.last

    def item(self) -> Ranges:
        """A character, an escape or a class, and the `+` behind it."""
        c = self.take()
        if c == "\\":
            found = self._escape()
        elif c == "[":
            found = self._class()
        elif c in _MEANING:
            raise ValueError(f"'{c}' has no place in it")
        else:
            found = ((ord(c), ord(c)),)
        if self.rest.startswith("+"):
            self.take()
        return found

    def _escape(self) -> Ranges:
        c = self.take()
        if c.lower() in _CLASSES:
            return _CLASSES[c] if c in _CLASSES else _others(_CLASSES[c.lower()])
        if c in _ESCAPES or not (c.isalnum() or c == "_"):
            point = _ESCAPES.get(c, ord(c))
            return ((point, point),)
        raise ValueError(f"'\\{c}' has no place in it")

    def _class(self) -> Ranges:
        negated = self.rest.startswith("^")
        if negated:
            self.take()
        found: list[tuple[int, int]] = []
        first = True
        while first or not self.rest.startswith("]"):
            if self.rest.startswith("[:"):
                raise ValueError("'[:' has no place in it")
            low = self._member()
            first = False
            if self.rest.startswith("-") and not self.rest.startswith("-]"):
                self.take()
                high = self._member()
                if len(low) != 1 or len(high) != 1 or low[0][0] > high[0][1] or low[0][0] != low[0][1]:
                    raise ValueError("a range goes from one character to a later one")
                low = ((low[0][0], high[0][1]),)
            found += low
        self.take()
        merged = _merged(found)
        return _others(merged) if negated else merged

    def _member(self) -> Ranges:
        c = self.take()
        return self._escape() if c == "\\" else ((ord(c), ord(c)),)


def _merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def _others(ranges: Ranges) -> Ranges:
    found = []
    at = 0
    for low, high in ranges:
        if low > at:
            found.append((at, low - 1))
        at = high + 1
    if at <= _MOST:
        found.append((at, _MOST))
    return tuple(found)
