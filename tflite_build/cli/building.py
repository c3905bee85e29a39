"""How a build looks: a line per step that really runs, then a table of what was made and how it changed."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Mapping, Sequence

from tflite_build.errors import BuildError
from tflite_build.progress import Event, Note, StepFinished, StepStarted, Warning_
from tflite_build.run import arguments, building
from tflite_build.run.building import Outcome
from tflite_build.run.driver import Options
from tflite_build.run.result import ModelResult, VariantResult, errors_json
from tflite_build.store.snapshots import Snapshot

from . import console, front
from .guard import guarded


class Progress:
    """Prints events as plain lines; on a terminal the running steps stand on one line that is rewritten."""

    def __init__(self, *, verbose: bool, to_stderr: bool) -> None:
        self._verbose = verbose
        self._stream = sys.stderr if to_stderr else sys.stdout
        self._live = front.colourful(self._stream)
        self._running: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Show `event`."""
        with self._lock:
            match event:
                case StepStarted(model, step):
                    self._running.append(f"{model} {step}")
                case StepFinished(model, step, outcome, seconds):
                    label = f"{model} {step}"
                    if label in self._running:
                        self._running.remove(label)
                    if outcome == "ran":
                        self._print(f"  {label:<40} {seconds:6.2f} s")
                    elif outcome in ("refused", "failed") or self._verbose:
                        self._print(f"  {label:<40} {outcome}")
                case Note(text, model):
                    self._print(f"{model}: {text}" if model else text)
                case Warning_(text, model):
                    self._print(f"warning: {model}: {text}" if model else f"warning: {text}")
            if self._live:
                self._status()

    def _print(self, text: str) -> None:
        console.write(self._stream, ("\r\033[K" if self._live else "") + text + "\n")

    def _status(self) -> None:
        text = "  " + ", ".join(self._running) + " ..." if self._running else ""
        console.write(self._stream, "\r\033[K" + text[: shutil.get_terminal_size().columns - 1])


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


def build(
    targets: Sequence[str],
    options: Options,
    *,
    as_json: bool = False,
    verbose: bool = False,
    looked: Mapping[str, Snapshot] | None = None,
) -> int:
    """Build `targets` and print what comes of it; the exit code.

    Raises:
        BuildError: If nothing could be built at all.
    """
    listener = Progress(verbose=verbose, to_stderr=as_json)
    try:
        outcome = building.build(arguments.targets(targets), options, listener, full=as_json or verbose, looked=looked)
    except BuildError as error:
        if as_json:
            console.json_document(
                {"version": 1, "ok": False, "seconds": 0.0, "models": [], "errors": errors_json([error])}
            )
        raise
    if as_json:
        result = outcome.result()
        console.json_document(
            {
                "version": 1,
                "ok": result.ok,
                "seconds": round(result.seconds, 3),
                "models": [m.to_json() for m in result.models],
                "errors": [],
            }
        )
    else:
        _models(outcome)
    _errors(outcome)
    if not as_json and (outcome.made or outcome.unchanged):
        _last_lines(outcome)
    return outcome.exit_code


def _errors(outcome: Outcome) -> None:
    several = False
    for model in outcome.failed:
        for error in model.errors:
            console.error(("\n" if several else "") + error.render(console.current_folder()))
            several = True
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
    head += ["accuracy"] if accurate else []
    head += ["runtime", "time", "since last build"]
    rows = [_row(v, classes, accurate) for v in model.variants]
    title = model.name + (f"  ({decided})" if decided else "")
    return f"\n{title}\n" + console.table_text(head, rows, right=range(1, len(head) - 2), indent="  ")


def _row(v: VariantResult, classes: bool, accurate: bool) -> list[str]:
    distance = v.distance
    constant = not any(o.cosine is not None for o in distance.outputs)
    row = [
        v.name,
        console.size(v.size),
        str(sum(v.operators.values())),
        ("constant" if distance.outputs else "is source") if constant else f"{distance.cosine:.6f}",
        "-" if distance.max_abs is None else f"{distance.max_abs:.2g}",
    ]
    if classes:
        row.append("-" if distance.top1 is None else f"{distance.top1:.1%}")
    if accurate:
        row.append("-" if v.accuracy is None else f"{v.accuracy:.2%}")
    return [*row, v.runtime or "unknown", "reused" if v.reused else f"{v.seconds:.2f} s", _change(v)]


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
        parts.append(f"{(v.accuracy - v.before.accuracy) * 100:+.2f} points")
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
        console.line(f"failed: {', '.join(model.name for model in outcome.failed)}")
