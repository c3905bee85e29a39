"""Which runtime has every operator of a file in the version that it needs.

Releases are numbered in two lines: `tflite` (TensorFlow Lite, up to 2.21; specs/operators.toml) and `litert` (1.0 and
newer; specs/runtimes/litert.toml). LiteRT 2.3 is not TensorFlow 2.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import tomli

from tflite_build import resources

from . import versions
from .reader import Model

PENDING = "pending"
Line = Literal["tflite", "litert"]
Platform = Literal["android", "ios"]
PLATFORMS: tuple[Platform, ...] = ("android", "ios")
_TABLES: dict[Line, tuple[str, ...]] = {"tflite": ("operators.toml",), "litert": ("runtimes", "litert.toml")}


@dataclass(frozen=True, slots=True)
class Need:
    """An operator version, and the first runtime that has it: "pending" before a release, "" where none is known."""

    operator: str
    version: int
    runtime: str


@dataclass(frozen=True, slots=True)
class Release:
    """A release of the runtime, such as `litert 2.1.0`."""

    line: Line
    version: str

    def __str__(self) -> str:
        return f"{self.line} {self.version}"


@dataclass(frozen=True, slots=True)
class Lack:
    """An operator of a file that a release has not.

    Attributes:
        need: What is needed; its runtime is the first of the same line that has it, "" where none has.
        code: The operator's code in the file.
        layer: Where the file uses it first: the name of what it computes there.
        count: How often it does.
    """

    need: Need
    code: int
    layer: str
    count: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """What apps of a platform link to; the releases of it that exist."""

    artifact: str
    oldest: str
    newest: str


@cache
def _table(line: Line) -> dict[str, Any]:
    table: dict[str, Any] = tomli.loads(resources.specs(*_TABLES[line]).read_text("utf-8"))
    return table


@cache
def artifacts() -> dict[Platform, dict[Line, Artifact]]:
    """What apps link to, by platform and line."""
    table = tomli.loads(resources.specs("runtimes", "artifacts.toml").read_text("utf-8"))
    return {p: {line: Artifact(**table[p][line]) for line in _TABLES} for p in PLATFORMS}


@cache
def select_libraries() -> dict[str, str]:
    """What apps link to for TensorFlow's own kernels, by platform."""
    table = tomli.loads(resources.specs("runtimes", "artifacts.toml").read_text("utf-8"))
    return {platform: str(table["select"][platform]) for platform in PLATFORMS}


def select_size() -> str:
    """What all these kernels together are of an app, and of which, as the runtime's own documentation has it."""
    table = tomli.loads(resources.specs("runtimes", "artifacts.toml").read_text("utf-8"))["select"]
    return f"{table['size']} of {table['size_of']}"


def release(text: str) -> Release:
    """What `text` names, such as "litert 2.1", which is 2.1.0.

    Raises:
        ValueError: If it names none, with a message for the user.
    """
    found = re.fullmatch(r"(tflite|litert) ([0-9]{1,3}\.[0-9]{1,4}(?:\.[0-9]{1,4})?)", text)
    if found is None:
        number = re.fullmatch(r"v?([0-9]+(?:\.[0-9]+){0,2})", text)
        if number:
            written = number[1] if "." in number[1] else f"{number[1]}.0"
            lines = [line for line in _TABLES if _exists(line, written)] or list(_TABLES)
            words = " or ".join(f'"{line} {written}"' for line in lines)
            raise ValueError(f"'{text}' alone is ambiguous, since LiteRT 2.3 is not TensorFlow Lite 2.3: write {words}")
        if re.fullmatch(r"(tflite|litert) [0-9]{1,3}", text):
            raise ValueError(f'\'{text}\' has no minor number: write it as in "litert 2.1" or "tflite 2.16"')
        raise ValueError(f'\'{text}\' is no runtime: write "litert 2.1" or "tflite 2.16"')
    line: Line = "tflite" if found[1] == "tflite" else "litert"
    version = found[2] if found[2].count(".") == 2 else f"{found[2]}.0"
    if not _exists(line, found[2]):
        oldest, newest = _bounds(line)
        raise ValueError(f"there is no {line} {version}: this version of tflite-build knows {oldest} to {newest}")
    return Release(line, version)


def _bounds(line: Line) -> tuple[str, str]:
    """The oldest and the newest release of a line."""
    known = [lines[line] for lines in artifacts().values()]
    return min((a.oldest for a in known), key=_order), max((a.newest for a in known), key=_order)


def _exists(line: Line, version: str) -> bool:
    """Whether `version`, of two or three numbers, lies within a line."""
    oldest, newest = _bounds(line)
    numbers = _order(version)
    return _order(oldest)[: len(numbers)] <= numbers <= _order(newest)


def exists(release: Release, platform: Platform) -> str:
    """Why an app of `platform` cannot meet `release`; "" where it can."""
    there = artifacts()[platform][release.line]
    if _order(there.oldest) <= _order(release.version) <= _order(there.newest):
        return ""
    return f"{there.artifact} exists from {there.oldest} to {there.newest}"


def bundled() -> Release:
    """The release that an app gets which asks for none: the newest one."""
    return Release("litert", str(_table("litert")["releases"][-1]))


def need(operator: str, version: int, line: Line = "tflite") -> Need:
    """What a builtin operator needs."""
    return Need(operator, version, _table(line).get(operator, {}).get(str(version), ""))


def needs(model: Model, line: Line = "tflite") -> dict[int, Need]:
    """What each builtin operator of a file needs, by operator code: its version, in a runtime that computes it right."""
    derived, traits = versions.derive(model), versions.traits(model)
    found = {}
    for index, code in enumerate(model.codes):
        if code.custom:
            continue
        plain = need(code.name, derived.get(index, code.version), line)
        repaired = [_table(line)["repaired"].get(code.name, {}).get(t, "") for t in traits.get(index, ())]
        runtime = plain.runtime
        if runtime and runtime != PENDING:
            runtime = max((runtime, *filter(None, repaired)), key=_order)
        found[index] = Need(plain.operator, plain.version, runtime)
    return found


def lacks(model: Model, release: Release) -> tuple[Lack, ...]:
    """The builtin operators of a file that `release` cannot run, each kind once."""
    wanted = needs(model, release.line)
    lacking = [index for index in _used(model) if _is_lacking(wanted.get(index), release)]
    return tuple(Lack(wanted[index], index, *_uses(model, index)) for index in lacking)


def _is_lacking(need: Need | None, release: Release) -> bool:
    if need is None:  # a custom operator, which is no matter of releases
        return False
    return need.runtime in ("", PENDING) or _order(need.runtime) > _order(release.version)


def _used(model: Model) -> Iterator[int]:
    yield from dict.fromkeys(operator.code for graph in model.subgraphs for operator in graph.operators)


def _uses(model: Model, code: int) -> tuple[str, int]:
    """Where an operator is first used, and how often it is."""
    names = [
        graph.tensors[operator.outputs[0]].name if operator.outputs else ""
        for graph in model.subgraphs
        for operator in graph.operators
        if operator.code == code
    ]
    return next(filter(None, names), ""), len(names)


def newest(needs: Iterable[Need]) -> str:
    """The release that all `needs` are met from; "" where none is known."""
    versions = [need.runtime for need in needs]
    return "" if {"", PENDING} & set(versions) else max(versions, key=_order, default="")


def oldest(needs: list[Need]) -> tuple[str, tuple[Need, ...]]:
    """The oldest runtime that meets all `needs`, and those that demand it; "" if one of them is unknown."""
    unknown = tuple(n for n in needs if not n.runtime)
    if unknown:
        return "", unknown
    pending = tuple(n for n in needs if n.runtime == PENDING)
    if pending:
        return PENDING, pending
    if not needs:
        return "1.5.0", ()
    newest = max(needs, key=lambda n: _order(n.runtime)).runtime
    return newest, tuple(n for n in needs if n.runtime == newest)


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
