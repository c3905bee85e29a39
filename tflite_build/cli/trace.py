"""A build as Chrome trace events, which Perfetto and chrome://tracing draw: a row for each worker, waiting apart.

Source: the Trace Event Format, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tflite_build
from tflite_build.progress import Event, Note, StepFinished, StepStarted, Warning_
from tflite_build.run.publish import Placement
from tflite_build.run.result import ModelFinished

from . import console

_TOOL = 1  # the number of the process of all rows
_STORE = 1000  # the row of what was reused
_MODELS = 1001  # ... and of what happened to models
_ENDED = {"ran": "good", "refused": "bad", "failed": "terrible"}  # colours of the format


@dataclass(frozen=True, slots=True)
class _Begun:
    worker: int
    toolchain: str
    since: float
    waited: float


class Trace:
    """A listener that collects what it hears; `write` writes it down."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._events: list[dict[str, Any]] = []
        self._running: dict[tuple[str, str], _Begun] = {}
        self._rows = {_STORE: "reused", _MODELS: "models"}
        self._queued = 0

    def __call__(self, event: Event) -> None:
        """Take `event` down, at the time that it is now."""
        now = time.monotonic()
        with self._lock:
            match event:
                case StepStarted(model, step, worker, toolchain, waited):
                    self._rows[worker] = f"worker {worker}"
                    self._running[model, step] = _Begun(worker, toolchain, now, waited)
                case StepFinished(model, step, "reused") if (model, step) in self._running:
                    # What is reused never starts: it was refused, and a newer plan takes that from the store.
                    self._step(model, step, "refused", now)
                case StepFinished(model, step, "reused", seconds):
                    self._instant(f"{model} {step}", "reused", _STORE, now, {"model": model, "seconds saved": seconds})
                case StepFinished(model, step, outcome):
                    self._step(model, step, outcome, now)
                case Note(text, model) | Warning_(text, model):
                    kind = "warning" if isinstance(event, Warning_) else "note"
                    self._instant(text, kind, _MODELS, now, {"model": model})
                case ModelFinished(result):
                    became = "published" if result.ok else "failed"
                    self._instant(f"{result.name} {became}", "model", _MODELS, now, {"model": result.name})

    def write(self, file: Path) -> None:
        """Write the trace, whole or not at all; steps under way end now. StoreError where it cannot be written."""
        now = time.monotonic()
        for model, step in list(self._running):
            self._step(model, step, "stopped", now)
        names = [
            {"ph": "M", "name": "thread_name", "pid": _TOOL, "tid": row, "ts": 0, "args": {"name": name}}
            for row, name in sorted(self._rows.items())
        ]
        process = {"ph": "M", "name": "process_name", "pid": _TOOL, "tid": 0, "ts": 0, "args": {"name": "tflite-build"}}
        value = {
            "traceEvents": [process, *names, *self._events],
            "displayTimeUnit": "ms",
            "otherData": {"version": tflite_build.__version__},
        }
        with Placement(named=True) as placement:
            placement.text(console.json_text(value, indent=1) + "\n", file)
            placement.commit()

    def _step(self, model: str, step: str, outcome: str, now: float) -> None:
        begun = self._running.pop((model, step), None)
        if begun is None:  # it failed before it began
            self._instant(f"{model} {step}", outcome, _MODELS, now, {"model": model})
            return
        name = f"{model} {step}"
        self._queued += 1
        queued = {"cat": "queued", "name": name, "id": self._queued, "pid": _TOOL, "tid": begun.worker}
        self._events.append({"ph": "b", "ts": self._at(begun.since - begun.waited), **queued})
        self._events.append({"ph": "e", "ts": self._at(begun.since), **queued})
        self._events.append(
            {
                "ph": "X",
                "name": name,
                "cat": begun.toolchain or "tool",
                "pid": _TOOL,
                "tid": begun.worker,
                "ts": self._at(begun.since),
                "dur": self._at(now) - self._at(begun.since),
                "args": {"model": model, "step": step, "outcome": outcome, "toolchain": begun.toolchain},
                **({"cname": _ENDED[outcome]} if outcome in _ENDED else {}),
            }
        )

    def _instant(self, name: str, category: str, row: int, now: float, more: dict[str, Any]) -> None:
        place = {"pid": _TOOL, "tid": row, "ts": self._at(now)}
        self._events.append({"ph": "i", "s": "t", "name": name, "cat": category, **place, "args": more})

    def _at(self, moment: float) -> int:
        """Microseconds since the build began."""
        return max(0, round((moment - self._begun) * 1e6))
