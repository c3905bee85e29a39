"""What to write instead of what does not convert or does not run on the GPU: the rows of specs/refactorings.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import tomli

from tflite_build import resources


@dataclass(frozen=True, slots=True)
class Refactoring:
    """A row of the table: what stands in the model, what to write instead, and why."""

    construct: str
    instead: str
    why: str


@dataclass(frozen=True, slots=True)
class _Row:
    operators: tuple[re.Pattern[str], ...]
    layers: tuple[str, ...]
    messages: tuple[re.Pattern[str], ...]
    reasons: tuple[re.Pattern[str], ...]
    change: Refactoring


def for_operator(name: str) -> Refactoring | None:
    """What to write instead of an operator that a converter refuses; the first row that fits."""
    return next((r.change for r in _rows() if any(p.fullmatch(name) for p in r.operators)), None)


def for_layer(kind: str) -> Refactoring | None:
    """What to write instead of a Keras layer of this class."""
    return next((r.change for r in _rows() if kind in r.layers), None)


def for_message(message: str) -> Refactoring | None:
    """What to write instead of what a model is refused for as a whole."""
    return next((r.change for r in _rows() if any(p.search(message) for p in r.messages)), None)


def for_reason(reason: str) -> Refactoring | None:
    """What to write so that the GPU delegate takes an operator that it refuses for `reason`."""
    return next((r.change for r in _rows() if any(p.search(reason) for p in r.reasons)), None)


@cache
def _rows() -> tuple[_Row, ...]:
    table = tomli.loads(resources.specs("refactorings.toml").read_text("utf-8"))
    return tuple(
        _Row(
            tuple(re.compile(p, re.IGNORECASE) for p in row.get("operators", ())),
            tuple(row.get("layers", ())),
            tuple(re.compile(p) for p in row.get("messages", ())),
            tuple(re.compile(p) for p in row.get("reasons", ())),
            Refactoring(row["construct"], row["instead"], row["why"]),
        )
        for row in table["refactoring"]
    )
