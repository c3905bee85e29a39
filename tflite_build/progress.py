"""What a build says while it runs, as events; whoever listens decides how to show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ran", "reused", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Note:
    """A line for people: an installation, a wait, a decision."""

    text: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Warning_:  # noqa: N801 - Warning is a builtin
    """Something that does not stop the build but should be looked at."""

    text: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step began to run; steps that are reused never start."""

    model: str
    step: str


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step ended. `seconds` is what it took now, or for a reused step what it took when it ran."""

    model: str
    step: str
    outcome: Outcome
    seconds: float


Event = Note | Warning_ | StepStarted | StepFinished
Listener = Callable[[Event], None]


def silent(_: Event) -> None:
    """A listener that says nothing."""
