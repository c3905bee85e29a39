"""A whole build, from what the user names to an outcome: what need not be read, what is wrong, what is built."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tflite_build.errors import BuildError
from tflite_build.progress import Listener, Note, StepFinished, Warning_
from tflite_build.store.snapshots import Snapshot

from . import driver, find, unchanged
from .driver import Options, Session
from .result import BuildResult, ModelFinished, ModelResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a build gave.

    Attributes:
        order: All specs that could be read, as they were named.
        made: The results of models that were looked at.
        unchanged: What is known of models that nothing was to be done for.
        kept: The results of those, where they were asked for.
        errors: Why other specs could not be read.
        seconds: What it took.
    """

    order: tuple[Path, ...]
    made: Mapping[Path, ModelResult]
    unchanged: Mapping[Path, Snapshot]
    kept: Mapping[Path, ModelResult]
    errors: tuple[BuildError, ...]
    seconds: float

    def result(self) -> BuildResult:
        """All of it as results of the API."""
        models = {**self.kept, **self.made}
        ordered = [models[file] for file in self.order if file in models]
        return BuildResult((*ordered, *map(_unread, self.errors)), self.seconds)

    @property
    def failed(self) -> list[ModelResult]:
        """The models that are not built; those whose spec cannot be read come last."""
        return [*(m for m in self.made.values() if not m.ok), *map(_unread, self.errors)]

    @property
    def exit_code(self) -> int:
        """0, or the code of the first error."""
        return next((int(e.code) for m in self.failed for e in m.errors), 0)


def build(
    names: Sequence[str | Path],
    options: Options,
    listener: Listener,
    *,
    full: bool = True,
    looked: Mapping[str, Snapshot] | None = None,
    session: Callable[[], Session] | None = None,
) -> Outcome:
    """Build what `names` mean.

    Args:
        names: Files or folders, each with a variant after a colon where one is meant.
        options: How.
        listener: Gets what is done.
        full: Whether the results of unchanged models are wanted.
        looked: The specs (absolute paths) that nothing is to be done for, where that was looked up already.
        session: Gives the session to build in where something is to do; default: one of this build's own.

    Raises:
        BuildError: If a spec is wrong (and `keep_going` is off), a name means nothing, or the store cannot be used.
    """
    begun = time.monotonic()
    kept: dict[Path, ModelResult] = {}

    def known(specs: Sequence[Path]) -> Mapping[Path, Snapshot]:
        if options.update:
            return {}
        if looked is not None:
            return {file: looked[text] for file in specs if (text := unchanged.text(file)) in looked}
        found = unchanged.look(specs, options.out_dir, lambda text: listener(Note(text)))
        if not full:
            return found
        kept.update(unchanged.results(found, options.out_dir))
        return {file: snapshot for file, snapshot in found.items() if file in kept}

    found = find.targets(names, options.out_dir, unchanged=known)
    if found.errors and not options.keep_going:
        raise BuildError([p for e in found.errors for p in e.problems], found.errors[0].code)
    for error in found.errors:
        listener(ModelFinished(_unread(error)))
    for snapshot in found.unchanged.values():
        for text in snapshot.warnings:
            listener(Warning_(text, snapshot.name))
    for result in kept.values():
        for step in result.steps:
            listener(StepFinished(result.name, step.id, "reused", step.seconds))
        listener(ModelFinished(result))
    made: tuple[ModelResult, ...] = ()
    if found.targets:
        made = driver.build(found.targets, options, listener, *([session()] if session is not None else []))
    return Outcome(
        tuple(found.order),
        {model.spec: model for model in made},
        found.unchanged,
        kept,
        tuple(found.errors),
        time.monotonic() - begun,
    )


def _unread(error: BuildError) -> ModelResult:
    place = error.problems[0].place
    file = place.file if place else Path()
    folder = file if os.path.isdir(file) else file.parent  # noqa: PTH112 - which raises where nobody may look
    return ModelResult(folder.absolute().name, file, folder, (), {}, (), (), (error,))
