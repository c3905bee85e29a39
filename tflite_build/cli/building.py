"""How a build looks: a line per step that really runs, then a table of what was made and how it changed."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tflite_build.actions.compare import Distance
from tflite_build.errors import BuildError, Problem, UsageError, printable
from tflite_build.progress import Listener
from tflite_build.run import arguments, building
from tflite_build.run import depfile as dependencies
from tflite_build.run.building import Outcome
from tflite_build.run.driver import Options
from tflite_build.run.publish import check_named
from tflite_build.run.result import ModelResult, VariantResult
from tflite_build.store.snapshots import Snapshot
from tflite_build.tflite import runtimes
from tflite_build.tflite.custom import STOCK

from . import console, front, github
from .events import Events
from .guard import StoppedError, guarded, stopped
from .interrupted import Finished
from .progress import Progress, all_of
from .trace import Trace

_APIS = {
    "interpreter": " with the Interpreter API, as here",
    "compiled-model": " with the CompiledModel API, as here",
}


def run(looked: front.Looked) -> int:
    """`build` with plain arguments, where something is to do; the exit code."""
    options = Options(
        keep_going=not looked.options.isdisjoint({"-k", "--keep-going"}),
        locked="--locked" in looked.options,
        offline="--offline" in looked.options,
        draw=drawn,
    )
    for text in looked.damaged:
        console.line(text)
    return guarded(lambda: build(looked.paths, options, looked=looked.unchanged))


@dataclass(frozen=True, slots=True)
class Reporting:
    """How a build is told.

    Attributes:
        as_json: Events for programs on the standard output; what people read goes to the error stream.
        verbose: Also name the steps that are reused.
        github: Errors and warnings as workflow commands, too.
        trace: The file for a trace of what ran when.
        depfile: The file for what was made and read, in the syntax of Makefiles.
    """

    as_json: bool = False
    verbose: bool = False
    github: bool = False
    trace: Path | None = None
    depfile: Path | None = None


def build(
    targets: Sequence[str],
    options: Options,
    reporting: Reporting = Reporting(),
    looked: Mapping[str, Snapshot] | None = None,
) -> int:
    """Build `targets` and print what comes of it; the exit code. After success write `depfile`.

    Raises:
        BuildError: If nothing could be built at all, or the trace or the depfile cannot be written.
        StoppedError: On Ctrl-C or SIGTERM, with what was finished.
    """
    _check_places(reporting)
    begun, wall = time.monotonic(), time.time()
    shown = Progress(sys.stderr if reporting.as_json else sys.stdout, verbose=reporting.verbose)
    events = Events() if reporting.as_json else None
    trace = Trace() if reporting.trace else None
    finished = Finished()
    # It keeps before it is shown: Ctrl-C may come between the two.
    heard: list[Listener | None] = [finished, shown, events, trace, github.listener if reporting.github else None]
    listener = all_of(*(one for one in heard if one is not None))
    full = reporting != Reporting()
    outcome: Outcome | None = None
    try:
        try:
            outcome = building.build(arguments.targets(targets), options, listener, full=full, looked=looked)
            if reporting.depfile is not None and not outcome.failed:
                dependencies.write(reporting.depfile, outcome.result().models, wall)
        finally:
            shown.close()
            if trace is not None and reporting.trace is not None:
                trace.write(reporting.trace)
    except BuildError as error:
        if outcome is not None and events is None:  # built, and something beside it cannot be written
            show(outcome)
        if reporting.github:
            github.errors([error])
        if events is not None:
            events.end(int(error.code), time.monotonic() - begun, [error])
        raise
    except KeyboardInterrupt:
        if events is not None:
            events.end(int(stopped()), time.monotonic() - begun)
        for line in finished.lines():
            console.error(line)
        raise StoppedError(_finished(shown)) from None
    if events is None:
        show(outcome)
    else:
        _errors(outcome)
        events.end(outcome.exit_code, outcome.seconds)
    return outcome.exit_code


def _check_places(reporting: Reporting) -> None:
    """UsageError where a trace or a depfile would replace something else, such as a model or its spec."""
    for option, file, mark in (
        ("--trace", reporting.trace, b'"traceEvents"'),
        ("--depfile", reporting.depfile, b": \\\n"),
    ):
        if file is not None:
            check_named(option, file, mark)
    if reporting.trace is not None and reporting.trace == reporting.depfile:
        raise UsageError(Problem("--trace and --depfile name one file", hint="name two"))


def _finished(shown: Progress) -> str:
    done = f"{shown.finished} step{' is' if shown.finished == 1 else 's are'} finished"
    published = f", {', '.join(shown.published)} published" if shown.published else ""
    return f"{done}{published}, and kept for the next build"


def show(outcome: Outcome) -> None:
    """Print what came of a build: tables, errors, a last line."""
    _models(outcome)
    _errors(outcome)
    if outcome.made or outcome.unchanged:
        _last_lines(outcome)


def _errors(outcome: Outcome) -> None:
    several = False
    for model in outcome.failed:
        for error in model.errors:
            console.error(("\n" if several else "") + error.render(console.current_folder()))
            several = True
        if model.obstacles:
            from tflite_build.evaluation.verdict import verdict

            from . import evaluated

            for line in evaluated.short(verdict(None, model.obstacles), model.obstacles):
                console.error(line)
        if model.rejected:
            console.error(f"help: what was made and refused lies in {console.relative(model.rejected[0].parent)}")


def _models(outcome: Outcome) -> None:
    alone = len(outcome.made) + len(outcome.unchanged) == 1
    for model in outcome.made.values():
        if model.ok and (alone or not model.unchanged):
            console.write(sys.stdout, front.coloured(drawn(model)))
    for snapshot in outcome.unchanged.values():
        if alone:
            console.write(sys.stdout, front.coloured(snapshot.shown))
    count = len(outcome.unchanged) + sum(m.unchanged for m in outcome.made.values())
    if count and not alone:
        console.line(f"\n{front.up_to_date(count)}")


def drawn(model: ModelResult) -> str:
    """The table of a model, with the terminal's codes for bold letters."""
    decided = ", ".join(
        f"{subject.replace('quantizer:', '')}: {d.choice}" for subject, d in sorted(model.decisions.items())
    )
    accurate = any(v.accuracy is not None for v in model.variants)
    classes = any(v.distance.top1 is not None for v in model.variants)
    head = ["variant", "size", "ops", "cosine", "max error"]
    head += ["top-1 same"] if classes else []
    head += [_measured(model)] if accurate else []
    head += ["tflite", "time", "since last build"]
    rows = [_row(v, classes, accurate) for v in model.variants]
    title = printable(model.shown) + (f"  ({decided})" if decided else "")
    table = console.table_text(head, rows, right=range(1, len(head) - 2), indent="  ")
    folders = "".join(f"  {f.name}/: {len(f.files)} files\n" for f in model.folders)
    return f"\n{title}\n{table}{_select(model)}{_custom(model)}{folders}"


def _measured(model: ModelResult) -> str:
    """What the column of accuracy is called: top1 is what people mean by that word."""
    metric = next((v.metric for v in model.variants if v.metric), "top1")
    return "accuracy" if metric == "top1" else metric


def _select(model: ModelResult) -> str:
    """What the app has to link beside the runtime, and what for."""
    names = sorted({name for variant in model.variants for name in variant.select_tf_ops})
    if not names:
        return ""
    libraries = " or ".join(f"{library} ({platform})" for platform, library in runtimes.select_libraries().items())
    own = ", or what runtime/ builds" if any(f.name == "runtime" for f in model.folders) else ""
    return f"  select TF ops: {', '.join(names)}; the app links {libraries}, {runtimes.select_size()}{own}\n"


def _custom(model: ModelResult) -> str:
    """What the app has to register, and what no file was run for."""
    names = sorted({name for variant in model.variants for name in variant.custom_ops} - STOCK)
    missing = sorted({name for variant in model.variants for name in variant.not_run})
    api = next((_APIS[v.distance.api] for v in model.variants if v.distance.api), "")
    lines = f"  custom operators: {', '.join(names)}; the app registers them{api}\n" if names else ""
    return lines + (f"  not run: needs {', '.join(missing)}\n" if missing else "")


def _row(v: VariantResult, classes: bool, accurate: bool) -> list[str]:
    distance = v.distance
    constant = not any(o.cosine is not None for o in distance.outputs)
    row = [
        v.name,
        console.size(v.size),
        str(sum(v.operators.values())),
        _nothing(distance) if constant else f"{distance.cosine:.6f}",
        "-" if distance.max_abs is None else f"{distance.max_abs:.2g}",
    ]
    if classes:
        row.append("-" if distance.top1 is None else f"{distance.top1:.1%}")
    if accurate:
        row.append("-" if v.accuracy is None else f"{v.accuracy:.2%}" if v.share else f"{v.accuracy:.4g}")
    return [*row, v.runtime or "unknown", "reused" if v.reused else f"{v.seconds:.2f} s", _change(v)]


def _nothing(distance: Distance) -> str:
    """Why there is no cosine."""
    return "not run" if distance.not_run else "constant" if distance.outputs else "is source"


def _change(v: VariantResult) -> str:
    if v.before is None:
        return "new"
    if v.before.sha256 == v.sha256:
        return "same"
    parts = ["changed"]
    if v.size != v.before.size:
        sign = "+" if v.size > v.before.size else "-"
        parts.append(f"{sign}{console.size(abs(v.size - v.before.size))}")
    if v.accuracy is not None and v.before.accuracy is not None and v.accuracy != v.before.accuracy:
        change = v.accuracy - v.before.accuracy
        parts.append(f"{change * 100:+.2f} points" if v.share else f"{change:+.3g} {v.metric}")
    return ", ".join(parts)


def _last_lines(outcome: Outcome) -> None:
    steps = [step for model in outcome.made.values() for step in model.steps]
    ran = sum(not step.reused for step in steps)
    good = [model for model in outcome.made.values() if model.ok]
    files = sum(len(m.variants) for m in good) + sum(m.files for m in outcome.unchanged.values())
    console.line()
    if files:
        folders = [str(m.folder.absolute()) for m in good] + [m.folder for m in outcome.unchanged.values()]
        reused = len(steps) - ran + sum(m.steps for m in outcome.unchanged.values())
        console.line(front.closing(files, folders, ran, reused, outcome.seconds))
    if outcome.failed:
        console.line(f"failed: {', '.join(model.shown for model in outcome.failed)}")
