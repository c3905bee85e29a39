"""unroll: samples with what a model keeps between calls, of models that do so by their inputs and outputs."""

from __future__ import annotations

from tflite_build.planning.action import Candidate, OutputOf, Step
from tflite_build.planning.resolve import Resolved

from . import convert, samples
from .tools import Tools


def step(model: Resolved, tools: Tools) -> Step | None:
    """The step, or None for a model without such states."""
    spec = model.loaded.spec
    if not spec.states:
        return None
    return Step(
        samples.UNROLLED,
        "unroll",
        tools.runner(model),
        {
            "states": samples.states(model).to_json(),
            "names": model.names.to_json(),
            "sequence": spec.calibration.sequence if spec.calibration else None,
        },
        {"model": OutputOf(convert.ID, convert.MODEL), "samples": OutputOf(samples.ID, samples.FOLDER)},
        candidate=Candidate("engine", model.engine_choice) if model.engine else None,
        weight=3,
    )
