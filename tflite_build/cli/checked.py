"""How checks look: each limit, what a variant has of it, and what the spec wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflite_build.run.result import BuildResult, ModelResult, errors_json

from . import console


def to_json(result: BuildResult) -> dict[str, Any]:
    """As JSON values."""
    models = [
        {
            "model": model.name,
            "spec": str(model.spec.absolute()),
            "ok": model.ok,
            "checks": [gate.to_json() for gate in model.gates],
            "errors": errors_json(model.errors),
        }
        for model in result.models
    ]
    return {"version": 1, "ok": result.ok, "models": models}


def show(models: Sequence[ModelResult]) -> None:
    """Print the limits of `models`, then what is wrong."""
    for model in models:
        console.line(f"{model.shown}  ({console.relative(model.spec)})")
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
    console.line(f"{missed} of {len(gates)} checks missed" if missed else f"{len(gates)} checks, none missed")
