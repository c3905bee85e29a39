"""How `watch` looks: what changed, then what a build says; nothing where a change meant nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tflite_build.errors import BuildError
from tflite_build.run import arguments
from tflite_build.run.area import Area
from tflite_build.run.building import Outcome
from tflite_build.run.driver import Options
from tflite_build.run.watch import Changed
from tflite_build.run.watch import watch as watch_builds

from . import building, console
from .progress import Progress

_SHOWN = 3  # of the paths that changed


def watch(targets: Sequence[str], options: Options, *, verbose: bool) -> None:
    """Build `targets`, then again after each change, until Ctrl-C."""
    said: str | None = None

    def begun(changed: Changed) -> None:
        if changed:
            more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
            console.line(f"\nchanged: {', '.join(console.relative(Path(p)) for p in changed[:_SHOWN])}{more}")

    def ended(outcome: Outcome | BuildError, where: Area) -> None:
        nonlocal said
        listener.pause()
        first = said is None
        errors = _errors(outcome)
        if isinstance(outcome, BuildError):
            if errors != said:
                console.error(errors)
        elif first or outcome.made or errors != said:
            building.show(outcome)
        if first:
            count = len(where.specs)
            console.line(f"watching {count} model{'' if count == 1 else 's'}; Ctrl-C ends it")
        said = errors

    listener = Progress(sys.stdout, verbose=verbose)
    try:
        watch_builds(arguments.targets(targets), options, listener, begun=begun, ended=ended)
    finally:
        listener.close()


def _errors(outcome: Outcome | BuildError) -> str:
    found = [outcome] if isinstance(outcome, BuildError) else [e for model in outcome.failed for e in model.errors]
    return "\n\n".join(error.render(console.current_folder()) for error in found)
