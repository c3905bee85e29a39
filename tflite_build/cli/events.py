"""A build for programs: JSON Lines, an event each. `specs/events.schema.json` says what they hold."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any

import tflite_build
from tflite_build.errors import BuildError
from tflite_build.progress import Event, Note, Planned, StepFinished, StepStarted, Warning_
from tflite_build.run.result import ModelFinished, errors_json

from . import console

VERSION = 1


class Events:
    """A listener that prints each event as it comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._say("started", {"version": VERSION, "tool": tflite_build.__version__})

    def __call__(self, event: Event) -> None:
        """Print `event`."""
        match event:
            case Planned(model, steps, done):
                self._say("planned", {"model": model, "steps": steps, "done": done})
            case StepStarted(model, step, worker, toolchain, waited):
                self._say(
                    "step_started",
                    {
                        "model": model,
                        "step": step,
                        "worker": worker,
                        "toolchain": toolchain,
                        "waited": round(waited, 4),
                    },
                )
            case StepFinished(model, step, outcome, seconds, candidate):
                value = {"model": model, "step": step, "outcome": outcome, "seconds": round(seconds, 4)}
                self._say("step_finished", {**value, "candidate": candidate or None})
            case Note(text, model):
                self._say("note", {"text": text, "model": model or None})
            case Warning_(text, model):
                self._say("warning", {"text": text, "model": model or None})
            case ModelFinished(result):
                self._say("model", result.to_json())

    def end(self, exit_code: int, seconds: float, errors: Sequence[BuildError] = ()) -> None:
        """Print the last line. `errors` are those that belong to no model."""
        self._say(
            "finished",
            {
                "ok": exit_code == 0,
                "exit_code": exit_code,
                "seconds": round(seconds, 3),
                "errors": errors_json(errors),
            },
        )

    def _say(self, event: str, value: dict[str, Any]) -> None:
        text = console.json_text({"event": event, **value})
        with self._lock:
            console.write(sys.stdout, text + "\n")
