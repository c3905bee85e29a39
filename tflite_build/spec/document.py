"""A TOML file of the user's: read, parsed, held against its type, with the line of whatever is wrong.

Knows nothing of which files there are, nor of what their words mean.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import tomli
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tflite_build.errors import Place, Problem, SpecError, near_miss, one_of

from .locate import Locations, locate
from .locate import Path as KeyPath
from .tables import models_in

_TOO_LONG = "a whole number of more than 64 bits, which TOML does not have"
_LONGEST_LINE = 200  # of a file's lines in a message
_Kind = TypeVar("_Kind", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document:
    """Valid TOML, its hash, and what is needed to point at its lines."""

    file: Path
    data: dict[str, Any] = field(repr=False)
    sha256: str
    text: str = field(repr=False)
    locations: Locations = field(repr=False)

    def place(self, *key: str | int) -> Place:
        """Where `key` stands, or the nearest table above it that the file names."""
        return _text_place(self.file, self.text, self.locations.line(key), ".".join(str(part) for part in key))

    def __contains__(self, key: KeyPath) -> bool:
        return key in self.locations


def read(file: Path, hint: str = "") -> Document:
    """The TOML file at `file`; `hint` says what to do where it cannot be read.

    Raises:
        SpecError: If it cannot be read or is no TOML.
    """
    raw = _read(file, hint)
    return _parsed(file, _decode(file, raw), raw)


def parsed(file: Path, text: str) -> Document:
    """The document that would be read, if `text` stood in `file`.

    Raises:
        SpecError: If it is no TOML.
    """
    return _parsed(file, text, text.encode())


def _parsed(file: Path, text: str, raw: bytes) -> Document:
    data = _parse(file, text)
    found = Document(file, data, hashlib.sha256(raw).hexdigest(), text, locate(text))
    huge = [Problem(_TOO_LONG, found.place(*key)) for key in _huge(data)]
    if huge:
        raise SpecError(huge)
    return found


def validated(kind: type[_Kind], document: Document, data: dict[str, Any] | None = None) -> _Kind:
    """The values of `document` as a `kind`; with `data` those, of which all that is wrong stands in `document`.

    Raises:
        SpecError: With all problems.
    """
    values = document.data if data is None else data
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = [_problem(kind, details, values, document) for details in error.errors(include_url=False)]
        raise SpecError(sorted(problems, key=line_of)) from None


def line_of(problem: Problem) -> int:
    """The line of a problem, to sort by; 0 where it has none."""
    return (problem.place.line or 0) if problem.place else 0


def _read(file: Path, hint: str) -> bytes:
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise SpecError(Problem(f"{file} is a pipe, socket or device, not a model.toml file", Place(file)))
        return file.read_bytes()
    except IsADirectoryError:
        raise SpecError(Problem(f"{file} is a folder, not a model.toml file", Place(file))) from None
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        problem = Problem(f"cannot read {file.name}: {error.strerror}", Place(file), hint if missing else "")
        raise SpecError(problem) from None


def _decode(file: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SpecError(
            Problem(f"not UTF-8 text: byte 0x{raw[error.start]:02x}", Place(file, line), "save the file as UTF-8")
        ) from None


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        message = str(error)
        match = re.search(r"\(at line (\d+), column (\d+)\)", message)
        line = int(match.group(1)) if match else text.rstrip("\n").count("\n") + 1
        reason = re.sub(r"\s*\(at .*\)$", "", message)
        # tomli shows a table's name as Python shows a tuple
        reason = re.sub(r"\(('[^()]*',?\s*)+\)", lambda m: "[" + ".".join(re.findall(r"'([^']*)'", m[0])) + "]", reason)
        raise SpecError(Problem(f"not valid TOML: {reason}", _text_place(file, text, line))) from None
    except RecursionError:
        raise SpecError(Problem("not valid TOML: nested too deeply", Place(file))) from None
    except ValueError:  # of Python's int(), where TOML sets no limit
        match = re.search(r"[0-9_]{4000,}", text)
        place = _text_place(file, text, text.count("\n", 0, match.start()) + 1) if match else Place(file)
        raise SpecError(Problem(_TOO_LONG, place)) from None


def _huge(value: Any, *key: str | int) -> Iterator[KeyPath]:
    """Where whole numbers stand that TOML does not have, and that pydantic cannot show."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield key
    elif isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _huge(inner, *key, name)


def _text_place(file: Path, text: str, line: int | None, key: str = "") -> Place:
    lines = text.split("\n")
    shown = lines[line - 1].strip() if line and line <= len(lines) else ""
    shown = shown if len(shown) <= _LONGEST_LINE else shown[: _LONGEST_LINE - 3] + "..."
    return Place(file, line, shown, key)


_PATTERNS = {
    r"^[A-Za-z][A-Za-z0-9_-]*$": "a letter, then letters, digits, '_' and '-'",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "a letter or '_', then letters, digits and '_'",
    r"^[A-Za-z_][A-Za-z0-9_.>:/-]*$": "the name of an operator",
    r"^[^:]+\.py:[A-Za-z_][A-Za-z0-9_.]*$": 'a Python file and a name in it, such as "model.py:build"',
    r"^[0-9a-f]{64}$": "64 lower-case hexadecimal digits",
    r"^https?://": "an address that starts with https:// or http://",
    r"^[0-9]{1,6}(\.[0-9]{1,6})? ?(MB|GB)$": 'an amount such as "4 GB" or "500 MB", below 1000000 GB',
    r"^[0-9]{1,6}(\.[0-9]{1,6})? ?(B|[kK]B|MB|GB)$": 'a size such as "200 KB" or "4.5 MB", in B, KB, MB or GB',
}
_KINDS = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "an array",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "int_from_float": "a whole number",
}


def _problem(type_: type[BaseModel], details: ErrorDetails, data: dict[str, Any], document: Document) -> Problem:
    locations, place = document.locations, document.place
    loc = details["loc"]
    kind = details["type"]
    context = details.get("ctx", {})
    path = locations.known(_written(loc, data))
    key = ".".join(str(p) for p in path)
    found = details["input"]
    if kind == "extra_forbidden":
        table = loc[:-1]
        word = str(loc[-1])
        path = (*locations.known(_written(table, data)), word)
        allowed = sorted(_fields(type_, table))
        return Problem(
            f"unknown key '{word}'{_in_table(path[:-1])}",
            place(*path),
            near_miss(word, allowed) or f"allowed are {one_of(allowed)}",
        )
    if kind in ("missing", "union_tag_not_found"):
        word = str(context["discriminator"]).strip("'") if kind == "union_tag_not_found" else str(loc[-1])
        if kind == "union_tag_not_found" and not isinstance(found, dict):
            return Problem(f"'{key}' must be a table, not {_kind_of(found)}", place(*path))
        table_path = path if kind == "union_tag_not_found" else locations.known(_written(loc[:-1], data))
        hint = f"add {word} = {one_of(_words(type_, loc, word))}" if kind == "union_tag_not_found" else ""
        if not hint and len(loc) == 1:
            hint = {"spec": "add spec = 1", "model": 'add [model] with name = "..."', "source": "add [source]"}.get(
                word, ""
            )
        return Problem(f"missing key '{word}'{_in_table(table_path)}", place(*table_path), hint)
    if kind == "union_tag_invalid":
        allowed = [w.strip("' ") for w in str(context["expected_tags"]).split(",")]
        word = str(context["tag"])
        tag = str(context["discriminator"]).strip("'")
        return Problem(_not_one_of(word, allowed), place(*path, tag), near_miss(word, allowed))
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(context["expected"])) or [str(context["expected"])]
        if isinstance(found, str) and not all(w.isdigit() for w in allowed):
            return Problem(_not_one_of(found, allowed), place(*path), near_miss(found, allowed))
        quoted = [f'"{w}"' if not w.isdigit() else w for w in allowed]
        return Problem(f"'{key}' is {_show(found)}; allowed: {one_of(quoted)}", place(*path))
    if kind == "word":
        word, allowed = str(context["found"]), list(context["allowed"])
        return Problem(_not_one_of(word, allowed), place(*path), near_miss(word, allowed))
    if kind == "spec":
        blamed = (*path, str(context["key"])) if context["key"] else path
        return Problem(str(context["message"]), place(*blamed))
    return Problem(f"'{key}' {_expectation(kind, context, found)}", place(*path))


def _written(loc: KeyPath, data: Any) -> KeyPath:
    """A place without the words that say of which kind a table is: such a word may be a key of that table, too."""
    found: list[str | int] = []
    tagged = False
    for part in loc:
        if not tagged and isinstance(data, dict) and part == data.get("kind"):
            tagged = True
            continue
        found.append(part)
        tagged = False
        try:
            data = data[part]
        except (LookupError, TypeError):
            data = None
    return tuple(found)


def _expectation(kind: str, context: dict[str, Any], found: Any) -> str:
    if kind == "string_pattern_mismatch":
        return f"is {_show(found)}; it must be {_PATTERNS.get(str(context['pattern']), 'written differently')}"
    if kind == "string_too_short":
        return "is empty"
    if kind == "string_too_long":
        return f"is longer than {context['max_length']} characters"
    if kind == "too_short":
        return f"has {context['actual_length']} elements; at least {context['min_length']} are needed"
    if isinstance(found, float) and not math.isfinite(found):
        return "must be a finite number"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        sign, limit = next(
            (s, context[k])
            for k, s in (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"))
            if k in context
        )
        return f"is {_show(found)}; it must be {sign} {limit}"
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}, not {_kind_of(found)}"
    return f"is {_show(found)}: {kind.replace('_', ' ')}"


def _not_one_of(word: str, allowed: list[str]) -> str:
    return f"'{word}' is not one of: {one_of(allowed)}"


def _in_table(path: KeyPath) -> str:
    return f" in [{'.'.join(str(p) for p in path)}]" if path else ""


def _show(value: Any) -> str:
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return f"{str(value).lower()}"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "an array"
    if isinstance(value, str):
        return f"the string {_show(value)}"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a date or time"


def _fields(type_: type[BaseModel], table: tuple[str | int, ...]) -> set[str]:
    """The keys that the table at the validator's path `table` may have."""
    return {info.alias or name for model in _models(type_, table) for name, info in model.model_fields.items()}


def _models(type_: type[BaseModel], table: tuple[str | int, ...]) -> list[type[BaseModel]]:
    """The models that a table may be."""
    return _walked(type_, table)[0]


def _walked(type_: type[BaseModel], loc: tuple[str | int, ...]) -> tuple[list[type[BaseModel]], tuple[str | int, ...]]:
    """The models at the validator's path `loc`, and that path without the words that tell one kind of table from others."""
    models, named = [type_], False
    kept: list[str | int] = []
    for part in loc:
        tagged = [m for m in models if _tag(m) == part] if len(models) > 1 and not named else []
        if tagged:
            models = tagged
            continue
        kept.append(part)
        if named:  # a word of the user's
            named = False
            continue
        following: list[type[BaseModel]] = []
        for model in models:
            for name, info in model.model_fields.items():
                if (info.alias or name) == part:
                    following.extend(models_in(info.annotation))
                    named = typing.get_origin(info.annotation) is dict
        models = following or models
    return models, tuple(kept)


def _words(type_: type[BaseModel], table: tuple[str | int, ...], tag: str) -> list[str]:
    """The words that a table may have for its tag."""
    return [f'"{word}"' for model in _models(type_, table) if tag in model.model_fields and (word := _tag(model))]


def _tag(model: type[BaseModel]) -> str | None:
    info = model.model_fields.get("format") or model.model_fields.get("kind")
    words = typing.get_args(info.annotation) if info else ()
    return str(words[0]) if words else None
