"""How a build looks: a line per step that really runs, then a table of what was made and how it changed."""

from __future__ import annotations

import shutil
import sys
import threading

from tflite_build.errors import BuildError
from tflite_build.progress import Event, Note, StepFinished, StepStarted, Warning_
from tflite_build.run.result import BuildResult, ModelResult, VariantResult, errors_json

from . import console, front


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


def show_error(error: BuildError) -> None:
    """Print, for programs, why nothing was built at all."""
    console.json_document({"version": 1, "ok": False, "seconds": 0.0, "models": [], "errors": errors_json([error])})


def show(result: BuildResult, *, as_json: bool) -> None:
    """Print the outcome of a build."""
    if as_json:
        console.json_document(
            {
                "version": 1,
                "ok": result.ok,
                "seconds": round(result.seconds, 3),
                "models": [m.to_json() for m in result.models],
                "errors": [],
            }
        )
    if not as_json:
        _models(result)
    several = False
    for model in result.models:
        for error in model.errors:
            console.error(("\n" if several else "") + error.render(console.current_folder()))
            several = True
        if model.errors and any((model.folder / "rejected").glob("*.tflite")):
            console.error(f"help: what was made and refused lies in {console.relative(model.folder / 'rejected')}")
    if not as_json and result.models:
        _last_line(result)


def _models(result: BuildResult) -> None:
    alone = len(result.models) == 1
    for model in result.models:
        if model.ok and (alone or not model.unchanged):
            console.write(sys.stdout, front.coloured(drawn(model)))
    count = sum(model.unchanged for model in result.models)
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


def _last_line(result: BuildResult) -> None:
    steps = [s for m in result.models for s in m.steps]
    reused = sum(s.reused for s in steps)
    failed = [m.name for m in result.models if not m.ok]
    made = [m for m in result.models if m.ok]
    console.line()
    if made:
        files = sum(len(m.variants) for m in made)
        folders = [str(m.folder.absolute()) for m in made]
        console.line(front.closing(files, folders, len(steps) - reused, reused, result.seconds))
    if failed:
        console.line(f"failed: {', '.join(failed)}")
