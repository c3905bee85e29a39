"""What a build says while it runs, as events; whoever listens decides how to show them.

They come from several threads, each while what it tells of happens: a listener that wants times looks at a clock.
`tflite_build.run.result.ModelFinished` is one more, which needs types that this module does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ran", "reused", "refused", "failed"]


class Event:
    """Something that a build says."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Note(Event):
    """A line for people: an installation, a wait, a decision."""

    text: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Warning_(Event):  # noqa: N801 - Warning is a builtin
    """Something that does not stop the build but should be looked at."""

    text: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Planned(Event):
    """How many steps a model has; said again where a refusal changes its plan.

    Attributes:
        steps: All of them, those that will be reused too.
        done: Those that are behind it already.
    """

    model: str
    steps: int
    done: int


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """A step began to run; steps that are reused never start.

    Attributes:
        step: Its name within the model, such as "quantize:int8".
        worker: Who does it: a number from 0, free again when the step has ended.
        toolchain: What it runs in, "" for the tool's own process.
        waited: Seconds since it could have started.
    """

    model: str
    step: str
    worker: int = 0
    toolchain: str = ""
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class StepFinished(Event):
    """A step ended.

    Attributes:
        outcome: "ran", "reused", "refused" (by an engine, so that another way is tried), or "failed".
        seconds: What it took now, or for a reused step what it took when it ran.
        candidate: The engine or quantizer that this was a try of, where several may do it; else "".
    """

    model: str
    step: str
    outcome: Outcome
    seconds: float
    candidate: str = ""


Listener = Callable[[Event], None]


def silent(_: Event) -> None:
    """A listener that says nothing."""
