r"""Where each key and array element of a TOML text stands: dotted path -> line number, in one pass.

TOML parsers drop positions, and an error without its line is half an error. The text is already known to be valid
TOML, so the scanner only has to follow its structure. Lines end at "\n" only. Knows nothing of what keys mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""(?P<ws>[ \t\r]+)|(?P<nl>\n)|(?P<comment>\#[^\n]*)"""
    r'''|(?P<ml>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'(?:.|\n)*?\'{3,5})'''
    r"""|(?P<str>"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
    r"""|(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<eq>=)|(?P<dot>\.)"""
    r"""|(?P<bare>[^\s\[\]{},=.#"']+)""",
    re.DOTALL,
)


class Locations:
    """The line of each path, counted from 1, with the nearest known parent standing in for an absent one."""

    def __init__(self, lines: dict[Path, int]) -> None:
        self._lines = lines

    def line(self, path: Path) -> int | None:
        """The line of `path`, or of the longest prefix of it that the text names."""
        for length in range(len(path), 0, -1):
            found = self._lines.get(path[:length])
            if found is not None:
                return found
        return None

    def __contains__(self, path: Path) -> bool:
        return path in self._lines

    def known(self, path: Path) -> Path:
        """The parts of `path` that the file names: union tags and other inventions of a validator left out."""
        kept: Path = ()
        for part in path:
            if (*kept, part) in self._lines:
                kept = (*kept, part)
        return kept


def locate(text: str) -> Locations:
    """The places of all keys and array elements of valid TOML `text`."""
    return Locations(_Scanner(text).scan())


class _Scanner:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while (token := self._peek()) is not None:
            kind, _, line = token
            if kind == "nl":
                self._at += 1
            elif kind == "open":
                table = self._header(line)
            else:
                self._pair(table)
        return self._lines

    def _peek(self) -> tuple[str, str, int] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _header(self, line: int) -> Path:
        self._at += 1
        token = self._peek()
        array = token is not None and token[0] == "open"
        if array:
            self._at += 1
        parts = self._key()
        self._at += 2 if array else 1
        if not array:
            return self._enter((), parts, line)
        path = (*self._enter((), parts[:-1], line), parts[-1])
        self._lines.setdefault(path, line)
        index = self._counts.get(path, 0)
        self._counts[path] = index + 1
        self._lines[(*path, index)] = line
        return (*path, index)

    def _key(self) -> list[str]:
        parts: list[str] = []
        while (token := self._peek()) is not None and token[0] in ("bare", "str", "dot"):
            if token[0] != "dot":
                parts.append(token[1])
            self._at += 1
        return parts

    def _enter(self, base: Path, parts: list[str], line: int) -> Path:
        path = base
        for part in parts:
            path = (*path, part)
            if path in self._counts:  # a table inside the last element of an array of tables
                path = (*path, self._counts[path] - 1)
            self._lines.setdefault(path, line)
        return path

    def _pair(self, base: Path) -> None:
        token = self._peek()
        line = token[2] if token else 0
        path = self._enter(base, self._key(), line)
        token = self._peek()
        if token is None or token[0] != "eq":
            self._at += 1
            return
        self._at += 1
        self._value(path)

    def _value(self, path: Path) -> None:
        token = self._peek()
        if token is None:
            return
        if token[:2] == ("open", "["):
            self._at += 1
            self._array(path)
        elif token[:2] == ("open", "{"):
            self._at += 1
            self._inline(path)
        else:  # a scalar, which a dot (1.5) or a space (a date) may split into several tokens
            while (token := self._peek()) is not None and token[0] in ("bare", "str", "ml", "dot"):
                self._at += 1

    def _array(self, path: Path) -> None:
        for index, line in enumerate(self._items()):
            self._lines[(*path, index)] = line
            self._value((*path, index))

    def _inline(self, path: Path) -> None:
        for _ in self._items():
            self._pair(path)

    def _items(self) -> Iterator[int]:
        """The line of each item up to the closing bracket; whoever asks for the next has scanned the last."""
        while (token := self._peek()) is not None:
            if token[0] == "close":
                self._at += 1
                return
            if token[0] in ("nl", "comma"):
                self._at += 1
            else:
                yield token[2]


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    line = 1
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            at += 1
            continue
        kind = match.lastgroup or ""
        value = match.group()
        at = match.end()
        if kind == "str":
            yield kind, _unquote(value), line
        elif kind not in ("ws", "comment"):
            yield kind, value, line
        line += value.count("\n")


def _unquote(text: str) -> str:
    if text.startswith("'"):
        return text[1:-1]
    import tomli  # TOML's own escapes, by TOML's own parser

    value = tomli.loads(f"x = {text}")["x"]
    return value if isinstance(value, str) else text
