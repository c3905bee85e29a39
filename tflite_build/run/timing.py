"""Measuring a file on this machine, in a process of its own: never cached, and never in a lock."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tflite_build.actions import custom_operators
from tflite_build.engines.contract import Invalid, Refused, Request
from tflite_build.errors import EngineError
from tflite_build.planning.action import Step, Tool
from tflite_build.spec.load import LoadedSpec

from .driver import Session
from .execute import Limits, call
from .worker import Environment

_SECONDS = 0.25  # that runs are repeated for, with each number of threads
_MOST = 200
_TIMEOUT = 120


@dataclass(frozen=True, slots=True)
class Timing:
    """What one call of a signature takes, in seconds.

    Attributes:
        runs: How many calls were measured.
        median: Half of them took no longer.
        fastest: The shortest one.
        slowest: The longest one.
    """

    signature: str
    threads: int
    runs: int
    median: float
    fastest: float
    slowest: float


def threads_here() -> tuple[int, ...]:
    """One, and as many as this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return (1, count) if count > 1 else (1,)


def measure(
    session: Session, file: Path, threads: Sequence[int], loaded: LoadedSpec | None = None
) -> tuple[tuple[Timing, ...], str]:
    """What calls of the file at `file` take, and why nothing was measured ("" where it was).

    Args:
        loaded: The spec that names libraries of its custom operators, where it has one.
    """
    said, libraries = custom_operators.described(loaded) if loaded else ({}, {})
    with session.store.scratch() as scratch:
        outputs = scratch / "out"
        outputs.mkdir()
        params = {"threads": list(threads), "seconds": _SECONDS, "most": _MOST, **said}
        inputs = {name: path.absolute() for name, path in custom_operators.paths(libraries).items()}
        request = Request("timing", params, {"model": file.absolute(), **inputs}, outputs)
        environment = Environment("core", session.environments.python("core"))
        step = Step("timing", "timing", Tool("core", "", ""))
        try:
            call(session.workers, step, request, Limits(_TIMEOUT), environment, session.executor.cancelled)
        except Refused as refused:
            return (), refused.reason
        except Invalid as invalid:
            return (), invalid.message
        except EngineError as error:  # a file from anywhere may crash the runtime, and its figures are still good
            return (), error.problems[0].message
        found = json.loads((outputs / "timing.json").read_text("utf-8"))
    timings = tuple(
        Timing(f["signature"], f["threads"], len(s), median(s), min(s), max(s)) for f in found if (s := f["seconds"])
    )
    return timings, "" if timings else "its inputs are strings"
