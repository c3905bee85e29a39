"""What model.lock decides, held against the spec that it says it is of: no build decides on what cannot be.

Whether a word is known at all is the lock's own business, and which candidate is taken that of `planning.resolve`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from tflite_build.errors import Problem, SpecError, one_of
from tflite_build.planning import lock as lockfile
from tflite_build.planning.lock import CHOICES, Lock
from tflite_build.planning.resolve import ENGINES
from tflite_build.spec.load import LoadedSpec

from .made_lock import spec_digest


def check(loaded: LoadedSpec, lock: Lock, file: Path) -> None:
    """SpecError where `lock`, which stands in `file`, decides on an engine that makes nothing of the source.

    A lock of another spec, or of several states of one, may have it from a source of before: it is not followed, and
    gone with the next build.
    """
    decision = lock.decisions.get("engine")
    if decision is None or lock.spec != spec_digest(loaded.spec):
        return
    format_ = loaded.spec.source.format
    engines = ENGINES[format_]
    # Where there are several, what only a refusal brings up may follow.
    if decision.choice in (CHOICES["engine"] if len(engines) > 1 else engines):
        return
    text = ""
    with contextlib.suppress(OSError, UnicodeDecodeError):  # it went meanwhile
        text = file.read_text("utf-8")
    why = (
        f"which makes nothing of a {format_} source; {one_of(engines)} does"
        if engines
        else f"and a {format_} source is converted by none"
    )
    raise SpecError(
        Problem(
            f"{file.name} decides on the engine '{decision.choice}', {why}",
            lockfile.place(file, text, ("decision", "engine", "choice")),
            "`tflite-build build --update` decides anew",
        )
    )
