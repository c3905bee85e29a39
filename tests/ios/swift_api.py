"""Public declarations of Swift sources, one a line, each with the types that it is in: "CompiledModel.func run(...)".

What is the same for callers reads the same: the order of files, line breaks, comments and bodies are left out, and a
property is `{ get }` or `{ get set }`. All else counts: attributes, labels, types, defaults, conformances and raw values.
A parser of what such sources are written in, not of all of Swift: it refuses what it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_TYPES = ("class", "struct", "enum", "protocol", "extension", "actor")
_MEMBERS = ("func", "init", "deinit", "subscript", "var", "let", "typealias", "case", "associatedtype")
_MODIFIERS = (
    *("public", "open", "internal", "private", "fileprivate", "package", "static", "final", "convenience", "required"),
    *("override", "mutating", "nonmutating", "lazy", "weak", "unowned", "indirect", "nonisolated", "dynamic", "prefix"),
)
_OPENING, _CLOSING = "([{", ")]}"
# A head goes on in the next line after the one, or before the other.
_GOES_ON_AFTER = (",", "=", "->", ":", "&", "where", "throws", *_OPENING)
_GOES_ON_BEFORE = ("->", "throws", "rethrows", "async", "where", ":", "=", "&", "{")
# A parenthesis behind these belongs to what follows.
_STANDS_ALONE = ("throws", "async", "in", "inout", "escaping", "autoclosure", "Sendable")
_TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|#[a-z]\w*[^\n]*|`\w+`|\w+|->|\.\.\.|\n|\S", re.DOTALL)
_LEFT_OUT = ("//", "/*", "#if", "#else", "#endif")


class UnknownSwiftError(Exception):
    """A source is written in what this parser does not know."""


def of_folder(folder: Path) -> list[str]:
    """The sorted declarations of all sources in a folder."""
    return sorted(line for file in folder.rglob("*.swift") for line in declarations(file.read_text("utf-8")))


def declarations(source: str) -> list[str]:
    """The declarations of a source, in its order.

    Raises:
        UnknownSwiftError: If something stands where a declaration should, or a source ends within one.
    """
    parser = _Parser(list(_tokens(source)))
    found = list(parser.members(_Scope("", is_visible=False)))
    if parser.rest():
        raise UnknownSwiftError(f"'{parser.rest()[0]}' closes nothing")
    return found


def _tokens(source: str) -> Iterator[str]:
    at = 0
    while at < len(source):
        if source[at] == '"':
            end = _string_end(source, at)
            yield source[at:end]
            at = end
        elif source[at] in " \t\r":
            at += 1
        else:
            found = _TOKEN.match(source, at)
            assert found is not None
            at = found.end()
            if not found[0].startswith(_LEFT_OUT):
                yield found[0]


def _string_end(source: str, start: int) -> int:
    """Behind a string literal, which may have others in what it interpolates."""
    quotes = '"""' if source.startswith('"""', start) else '"'
    at = start + len(quotes)
    while not source.startswith(quotes, at):
        if at >= len(source):
            raise UnknownSwiftError("a string does not end")
        if source.startswith("\\(", at):
            at, depth = at + 2, 1
            while depth:
                if source[at] == '"':
                    at = _string_end(source, at)
                else:
                    depth += (source[at] == "(") - (source[at] == ")")
                    at += 1
        else:
            at += 2 if source[at] == "\\" else 1
    return at + len(quotes)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What members are in; `is_visible` says of those that do not say it themselves."""

    path: str
    is_visible: bool
    has_cases: bool = False


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands before the keyword of a declaration."""

    attributes: Sequence[str]
    modifiers: Sequence[str]

    def is_public(self, scope: _Scope) -> bool:
        if any(modifier in ("public", "open") for modifier in self.modifiers):
            return True
        hidden = ("internal", "private", "fileprivate", "package")
        return scope.is_visible and not any(modifier in hidden for modifier in self.modifiers)

    @property
    def is_set_elsewhere(self) -> bool:
        return any(modifier in ("private(set)", "fileprivate(set)", "internal(set)") for modifier in self.modifiers)

    def __str__(self) -> str:
        kept = [modifier for modifier in self.modifiers if modifier != "public" and not modifier.endswith("(set)")]
        return "".join(f"{word} " for word in (*self.attributes, *kept))


class _Parser:
    def __init__(self, tokens: Sequence[str]) -> None:
        self._all = tokens
        self._at = 0

    def rest(self) -> Sequence[str]:
        return self._all[self._at :]

    def members(self, scope: _Scope) -> Iterator[str]:
        """All up to the brace that closes the scope, or the end."""
        while True:
            self._skip_lines()
            if self._next in ("", "}"):
                return
            head = self._head()
            keyword = self._take()
            if keyword == "import":
                self._until_line()
            elif keyword in _TYPES:
                yield from self._type(keyword, head, scope)
            elif keyword in _MEMBERS:
                yield from self._member(keyword, head, scope)
            else:
                raise UnknownSwiftError(f"'{keyword}' begins no declaration, in '{scope.path or 'the source'}'")

    def _head(self) -> _Head:
        attributes, modifiers = [], []
        while True:
            self._skip_lines()
            if self._next == "@":
                self._take()
                attributes.append("@" + self._take() + self._argument())
            elif self._next in _MODIFIERS:
                modifiers.append(self._take() + self._argument())
            else:
                return _Head(attributes, modifiers)

    def _argument(self) -> str:
        return _text(self._balanced()) if self._next == "(" else ""

    def _type(self, keyword: str, head: _Head, scope: _Scope) -> Iterator[str]:
        name = self._take()
        while keyword == "extension" and self._next == ".":
            name += self._take() + self._take()
        conforms = [token for token in self._until("{") if token != "\n"]
        is_public = head.is_public(scope)
        line = f"{scope.path}{head}{keyword} {_text([name, *conforms])}"
        if is_public if keyword != "extension" else conforms:
            yield line
        self._expect("{")
        inner = _Scope(
            f"{scope.path}{name}.",
            is_visible=is_public and keyword in ("protocol", "extension"),
            has_cases=is_public and keyword == "enum",
        )
        found = list(self.members(inner))
        self._expect("}")
        if is_public or keyword == "extension":
            yield from found

    def _member(self, keyword: str, head: _Head, scope: _Scope) -> Iterator[str]:
        words = self._declared(keyword)
        accessors = self._balanced() if self._next == "{" else []
        if not (head.is_public(scope) or (keyword == "case" and scope.has_cases)):
            return
        if keyword == "var":
            may_set = _has_setter(accessors) if accessors else not head.is_set_elsewhere
            words = [*words, "{ get set }" if may_set else "{ get }"]
        if keyword == "case":
            for case in _split(words):
                yield f"{scope.path}case {_text(case)}"
        else:
            yield f"{scope.path}{head}{_text([keyword, *words])}"

    def _declared(self, keyword: str) -> list[str]:
        """What follows a keyword, up to a body or the end of the line."""
        words: list[str] = []
        while self._next not in ("", "}", ";"):
            if self._next == "\n":
                self._skip_lines()
                goes_on = (words and words[-1] in _GOES_ON_AFTER) or self._next in _GOES_ON_BEFORE
                if not goes_on:
                    break
            elif self._next == "{":
                if not (keyword in ("var", "let") and words and words[-1] == "="):
                    break
                words += self._balanced()
            elif self._next in _OPENING:
                words += self._balanced()
            else:
                words.append(self._take())
        return words

    def _balanced(self) -> list[str]:
        """From a bracket to the one that closes it; braces keep their lines."""
        keeps_lines = self._next == "{"
        taken, depth = [], 0
        while True:
            token = self._take()
            depth += (token in _OPENING) - (token in _CLOSING)
            if token != "\n" or keeps_lines:
                taken.append(token)
            if not depth:
                return taken

    def _until(self, end: str) -> list[str]:
        taken = []
        while self._next not in (end, ""):
            taken.append(self._take())
        return taken

    def _until_line(self) -> None:
        self._until("\n")

    def _skip_lines(self) -> None:
        while self._next in ("\n", ";"):
            self._take()

    def _expect(self, token: str) -> None:
        found = self._take()
        if found != token:
            raise UnknownSwiftError(f"there is '{found}' and not '{token}'")

    def _take(self) -> str:
        if self._at == len(self._all):
            raise UnknownSwiftError("a declaration does not end")
        self._at += 1
        return self._all[self._at - 1]

    @property
    def _next(self) -> str:
        return self._all[self._at] if self._at < len(self._all) else ""


def _has_setter(block: Sequence[str]) -> bool:
    depth = 0
    for before, token, after in zip(["", *block], block, [*block[1:], ""], strict=False):
        depth += (token in _OPENING) - (token in _CLOSING)
        if depth == 1 and token == "set" and after in ("{", "(", "}", "\n") and before in ("{", "}", "\n", "get"):
            return True
    return False


def _split(words: Iterable[str]) -> Iterator[list[str]]:
    """Cases, which commas divide."""
    part: list[str] = []
    depth = 0
    for word in words:
        depth += (word in _OPENING) - (word in _CLOSING)
        if word == "," and not depth:
            yield part
            part = []
        else:
            part.append(word)
    yield part


def _text(tokens: Sequence[str]) -> str:
    """Tokens with the spaces that people write between them."""
    text = ""
    for before, token in zip(["", *tokens], tokens, strict=False):
        text += (" " if before and _is_apart(before, token) else "") + token
    return text.removesuffix(" ")


def _is_apart(before: str, token: str) -> bool:
    if before in ("(", "[", "@", ".", "<") or token in (",", ":", ")", "]", "?", "!", ">", "..."):
        return False
    if token == ".":
        return before in ("=", ",", ":", "->")
    if token in ("(", "[", "<"):
        follows_name = re.fullmatch(r"`?\w+`?", before) is not None and before not in _STANDS_ALONE
        return not (follows_name or before in ("?", ">", "!"))
    return True
