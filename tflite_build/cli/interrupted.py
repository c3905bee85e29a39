"""What a build that is stopped by Ctrl-C or SIGTERM had finished by then."""

from __future__ import annotations

from tflite_build.progress import Event, StepFinished
from tflite_build.run.result import ModelFinished

_SHOWN = 8  # steps of one model


class Finished:
    """A listener that keeps what was finished."""

    def __init__(self) -> None:
        self._models: set[str] = set()
        self._steps: dict[str, list[str]] = {}

    def __call__(self, event: Event) -> None:
        """Take `event`."""
        match event:
            case StepFinished(model, step, "ran"):
                self._steps.setdefault(model, []).append(step)
            case ModelFinished(result) if result.ok:
                self._models.add(result.name)
            case _:
                pass

    def lines(self) -> list[str]:
        """A line for each model that is not published, with the steps of it that are done."""
        said = []
        for model, steps in list(self._steps.items()):
            if model not in self._models:
                more = f" and {len(steps) - _SHOWN} more" if len(steps) > _SHOWN else ""
                said.append(f"finished of {model}: {', '.join(steps[:_SHOWN])}{more}")
        return said
