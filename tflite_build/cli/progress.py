"""What a build says while it runs, for people: plain lines, and on a terminal what runs now below them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from tflite_build.errors import printable
from tflite_build.progress import Event, Note, Planned, StepFinished, StepStarted, Warning_
from tflite_build.run.result import ModelFinished

from . import console, front

if TYPE_CHECKING:
    from .live import Live


class Progress:
    """A listener that prints a line for each step that ran, and notes and warnings.

    Args:
        stream: Where to.
        verbose: Also name the steps that were reused.
    """

    def __init__(self, stream: TextIO | None, *, verbose: bool) -> None:
        self._stream = stream
        self._verbose = verbose
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._closed = not front.is_screen(stream)  # then it never begins
        self.finished = 0  # steps that ran
        self.published: list[str] = []  # models

    def __call__(self, event: Event) -> None:
        """Show `event`."""
        with self._lock:
            text = self._line(event)
            if isinstance(event, ModelFinished) and event.result.ok:
                self.published.append(event.result.shown)
            if isinstance(event, StepStarted | Planned | StepFinished):
                self._status(event)
            if text is not None:
                self._print(text)

    def pause(self) -> None:
        """Leave the screen with the lines alone, until more happens."""
        with self._lock:
            if self._live is not None:
                self._live.close()
                self._live = None

    def close(self) -> None:
        """Leave the screen with the lines alone for good."""
        self.pause()
        self._closed = True

    def _line(self, event: Event) -> str | None:
        match event:
            case StepFinished(model, step, "ran", seconds):
                self.finished += 1
                return printable(f"  {f'{model} {step}':<40} {seconds:6.2f} s")
            case StepFinished(model, step, outcome, _, candidate) if outcome != "reused" or self._verbose:
                by = f" by {candidate}" if outcome == "refused" and candidate else ""
                return printable(f"  {f'{model} {step}':<40} {outcome}{by}")
            case Note(text, model):
                return printable(f"{model}: {text}" if model else text)
            case Warning_(text, model):
                return printable(f"warning: {model}: {text}" if model else f"warning: {text}")
        return None

    def _status(self, event: Event) -> None:
        if self._closed:
            return
        if self._live is None:
            from .live import Live  # which takes a while to import, and is for terminals alone

            assert self._stream is not None  # a screen is one
            self._live = Live(self._stream)
        self._live.take(event)

    def _print(self, text: str) -> None:
        if self._live is not None:
            self._live.print(text)
        else:
            console.write(self._stream, text + "\n")


Listener = Callable[[Event], None]


def all_of(*listeners: Listener) -> Listener:
    """One listener for several."""

    def listener(event: Event) -> None:
        for one in listeners:
            one(event)

    return listener
