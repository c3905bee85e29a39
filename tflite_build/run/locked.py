"""`build --locked`: nothing may come out otherwise than model.lock says; as early as that can be told."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from tflite_build.errors import DifferenceError, Place, Problem
from tflite_build.planning import lock as lockfile
from tflite_build.planning.action import ProjectFile
from tflite_build.planning.lock import Difference, Lock

from .execute import project_artifact
from .job import Job

_HINT = "build without --locked if that is meant, and commit model.lock"


def require(file: Path) -> None:
    """DifferenceError where there is no lock at `file`."""
    if not file.is_file():
        raise DifferenceError(
            Problem(
                f"there is no {file.name}, which --locked holds a build to", Place(file), "build without --locked once"
            )
        )


def check_before(job: Job, file: Path) -> None:
    """DifferenceError where a build of `job` cannot come out as the lock at `file` says: sources, pins, decisions.

    What user code reads is known only later; `check` finds that.
    """
    lock = job.lock
    own = {name: digest for name, digest in _sources(job).items() if name in lock.sources}
    toolchains = {s.tool.toolchain: job.tools.pins[s.tool.toolchain] for s in job.graph.steps if s.tool.toolchain}
    decisions = {name: d for name, d in job.resolved.decisions.items() if job.concerns(name)}
    before = Lock(
        sources={name: lock.sources[name] for name in own},
        decisions={name: d for name, d in lock.decisions.items() if name in decisions},
        toolchains={name: pins for name, pins in lock.toolchains.items() if name in toolchains},
    )
    now = Lock(sources=own, decisions=decisions, toolchains=toolchains)
    _raise(file, lockfile.differences(before, now))


def check(file: Path, before: Lock, now: Lock) -> None:
    """DifferenceError where the lock `now` of what was built is not `before`, which stands in `file`."""
    _raise(file, lockfile.differences(before, now))


def _raise(file: Path, found: Sequence[Difference]) -> None:
    if not found:
        return
    text = ""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = file.read_text("utf-8")
    places = [lockfile.place(file, text, difference.key) for difference in found]
    problems = [Problem(d.message, place) for d, place in zip(found, places, strict=True)]
    problems[-1] = Problem(problems[-1].message, problems[-1].place, _HINT)
    raise DifferenceError(problems)


def _sources(job: Job) -> dict[str, str]:
    given = [i for step in job.graph.steps for i in step.inputs.values() if isinstance(i, ProjectFile)]
    found = {}
    for file in given:
        with contextlib.suppress(OSError):
            name = file.path.relative_to(job.loaded.folder).as_posix()
            found[name] = project_artifact(job.store, file).digest.sha256
    return found
