"""What runs now, on a terminal: a line of counts, and one for each worker. By the rich library, which knows screens."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live as Screen
from rich.text import Text

from tflite_build.progress import Event, Planned, StepFinished, StepStarted

_PER_SECOND = 8  # redraws
_FRESH = 0.05  # seconds
_NAME = 40  # columns, as in the lines above


@dataclass(slots=True)
class _Running:
    model: str
    step: str
    since: float


class Live:
    """The lines below the plain ones, redrawn while steps run. Not thread-safe: its owner is.

    Args:
        stream: A terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._begun = self._refreshed = time.monotonic()
        self._steps: dict[str, tuple[int, int]] = {}  # model -> all of its steps, those done
        self._workers: dict[int, _Running] = {}
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=False)
        self._screen = Screen(
            console=self._console,
            get_renderable=self._drawn,
            refresh_per_second=_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="ellipsis",
        )
        self._screen.start()

    def take(self, event: Event) -> None:
        """Count `event` in."""
        match event:
            case Planned(model, steps, done):
                self._steps[model] = steps, done
            case StepStarted(model, step, worker):
                self._workers[worker] = _Running(model, step, time.monotonic())
            case StepFinished(model, step, outcome):
                gone = [w for w, running in self._workers.items() if (running.model, running.step) == (model, step)]
                for worker in gone:
                    del self._workers[worker]
                # What began and is told as reused was refused, of a plan that was given up: the newer one counts it.
                if (outcome == "ran" or (outcome == "reused" and not gone)) and model in self._steps:
                    steps, done = self._steps[model]
                    self._steps[model] = steps, done + 1

    def print(self, text: str) -> None:
        """A line that stays, above."""
        now = time.monotonic()
        if now - self._refreshed > _FRESH:  # else the lines below would be those of before
            self._screen.refresh()
            self._refreshed = now
        self._console.print(Text(text), soft_wrap=True)

    def close(self) -> None:
        """Remove the lines, and give the cursor back."""
        self._screen.stop()

    def _drawn(self) -> RenderableType:
        now = time.monotonic()
        steps, done = (sum(numbers) for numbers in zip(*self._steps.values(), strict=True)) if self._steps else (0, 0)
        lines = [Text(f"{done} of {steps} steps, {now - self._begun:.0f} s", style="bold")]
        lines += [
            Text(f"  {f'{running.model} {running.step}':<{_NAME}} {now - running.since:6.1f} s")
            for _, running in sorted(self._workers.items())
        ]
        width = self._console.width
        for line in lines:
            _fit(line, width)
        return Group(*lines)


def _fit(line: Text, width: int) -> None:
    """Cut a line in its middle, where it is padded or a name is long: how long a step takes stays in sight."""
    if line.cell_len > width > 0:
        line.no_wrap = True
        name, _, seconds = line.plain.rpartition("  ")
        room = max(0, width - len(seconds) - 1)
        line.plain = (
            f"{name.rstrip()[:room]:<{room}} {seconds}"[:width] if seconds.endswith(" s") else line.plain[:width]
        )
