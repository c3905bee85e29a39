"""How checks look: each limit, what a variant has of it, and what the spec wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflite_build.engines.words import counted
from tflite_build.run.blame import pattern
from tflite_build.run.result import BuildResult, Gate, ModelResult, errors_json
from tflite_build.run.suggest import Suggestion, Trial

from . import console

_NAMED = 2  # layers of a trial


def to_json(result: BuildResult, suggestions: Sequence[Suggestion]) -> dict[str, Any]:
    """As JSON values."""
    models = [
        {
            "model": model.name,
            "spec": str(model.spec.absolute()),
            "ok": model.ok,
            "checks": [gate.to_json() for gate in model.gates],
            "errors": errors_json(model.errors),
            "suggestions": [s.to_json() for s in suggestions if s.spec == model.spec],
        }
        for model in result.models
    ]
    return {"version": 1, "ok": result.ok, "models": models}


def show(models: Sequence[ModelResult]) -> None:
    """Print the limits of `models`, then what is wrong."""
    for model in models:
        place = console.relative(model.spec)
        console.line(f"{model.shown}  ({place})" if model.shown else place)
        rows = [
            [g.variant, g.check, g.subject, g.figure, g.limit, "ok" if g.ok else "MISSED"]
            for g in sorted(model.gates, key=lambda gate: gate.ok)
        ]
        if rows:
            console.table(["variant", "check", "of", "figure", "limit", ""], rows, indent="  ")
        else:
            console.line("  not checked: it cannot be built")
        console.line()
    gates = [gate for model in models for gate in model.gates]
    missed = sum(not gate.ok for gate in gates)
    for error in (error for model in models for error in model.errors):
        console.error(error.render(console.current_folder()) + "\n")
    without = [model for model in models if model.errors and not model.gates]
    rest = f"; {counted(len(without), 'model')} not checked" if without else ""
    if gates:
        every = counted(len(gates), "check")
        console.line((f"{missed} of {every} missed" if missed else f"{every}, none missed") + rest)


def show_suggestion(suggestion: Suggestion) -> None:
    """Print what was tried for a variant, and what to write into its spec."""
    console.line(f"\n{suggestion.model}, {suggestion.variant}: which layers in float keep its limits")
    if suggestion.hopeless:
        console.line(f"  none: {suggestion.hopeless}")
        return
    checks = suggestion.trials[0].gates
    head = ["in float", "size", *(f"{g.check} {g.subject}".strip() for g in checks), ""]
    rows = [
        [_kept(trial, suggestion), _size(trial), *_figures(trial, checks), _verdict(trial, suggestion)]
        for trial in suggestion.trials
    ]
    console.table(head, rows, right=[1], indent="  ")
    if suggestion.best is None:
        more = "calibrate with more samples, or " if suggestion.calibrated else ""
        console.line(f"  none of these does: {more}ask for less")
        return
    patterns = ", ".join(f"'{pattern}'" for pattern in suggestion.keep_float)
    console.line(f"  in [variant.{suggestion.variant}]: keep_float = [{patterns}]")


def _kept(trial: Trial, suggestion: Suggestion) -> str:
    """The layers of a trial, as `keep_float` would name them; of many, what tells them from those of other trials."""
    if trial.kind:
        return f"op:{trial.kind}"
    if len(trial.layers) <= _NAMED:
        return ", ".join(pattern(layer, suggestion.layers) for layer in trial.layers) or "nothing more"
    worst = suggestion.layers[: 1 + max(map(suggestion.layers.index, trial.layers))]
    # What is left out last stands first: the heaviest are tried first.
    without = sorted((layer for layer in worst if layer not in trial.layers), key=lambda layer: layer.weights)
    names = [pattern(layer, suggestion.layers) for layer in without]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"the worst {len(worst)}" + (f" without {', '.join(names[:_NAMED])}{more}" if names else "")


def _size(trial: Trial) -> str:
    return console.size(trial.result.size) if trial.result else "not made"


def _figures(trial: Trial, checks: Sequence[Gate]) -> list[str]:
    found = {(g.check, g.subject): g.figure for g in trial.gates}
    return [found.get((g.check, g.subject), "-") for g in checks]


def _verdict(trial: Trial, suggestion: Suggestion) -> str:
    return "smallest" if trial is suggestion.best else "ok" if trial.ok else "missed"
