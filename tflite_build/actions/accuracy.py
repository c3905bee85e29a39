"""accuracy: how a file does on labelled data."""

from __future__ import annotations

from tflite_build.planning.action import OutputOf, ProjectFile, Step
from tflite_build.planning.resolve import Resolved

from .tools import Tools

RESULT = "accuracy.json"
FLOAT_ID = "accuracy"


def step_id(variant: str) -> str:
    """The id of the step for a variant, or with "" for the float file."""
    return f"{FLOAT_ID}:{variant}" if variant else FLOAT_ID


def step(model: Resolved, tools: Tools, file: OutputOf, variant: str) -> Step | None:
    """The step, or None where the spec asks for none."""
    wanted = model.loaded.spec.checks.accuracy
    if wanted is None:
        return None
    return Step(
        step_id(variant),
        "accuracy",
        tools.tool("core"),
        # The float file carries the model's own names, a variant's the public ones; the data may use either.
        {"metric": wanted.metric, "names": model.names.of_inputs().to_json(), "renamed": bool(variant)},
        {"model": file, "data": ProjectFile(model.loaded.folder / wanted.data)},
        variant=variant,
        weight=2,
    )
