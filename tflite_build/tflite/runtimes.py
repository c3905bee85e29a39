"""The oldest runtime that has every operator of a file in the version that it needs, from specs/operators.toml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import tomli

from tflite_build import resources

from . import versions
from .reader import Model

PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Need:
    """An operator version, and the first runtime that has it: "pending" before a release, "" where none is known."""

    operator: str
    version: int
    runtime: str


@cache
def _table() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = tomli.loads(resources.specs("operators.toml").read_text("utf-8"))
    return table


def need(operator: str, version: int) -> Need:
    """What a builtin operator needs."""
    return Need(operator, version, _table().get(operator, {}).get(str(version), ""))


def needs(model: Model) -> dict[int, Need]:
    """What each builtin operator of a file needs, by operator code: its version, in a runtime that computes it right."""
    derived, traits = versions.derive(model), versions.traits(model)
    found = {}
    for index, code in enumerate(model.codes):
        if code.custom:
            continue
        plain = need(code.name, derived.get(index, code.version))
        repaired = [_table()["repaired"].get(code.name, {}).get(t, "") for t in traits.get(index, ())]
        runtime = plain.runtime
        if runtime and runtime != PENDING:
            runtime = max((runtime, *filter(None, repaired)), key=_order)
        found[index] = Need(plain.operator, plain.version, runtime)
    return found


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
