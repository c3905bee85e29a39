"""goldens: what an app's code has to give for inputs as an app has them, for the test that is generated beside it."""

from __future__ import annotations

from tflite_build.planning.action import OutputOf, Step
from tflite_build.planning.resolve import Resolved

from . import bound, pack, samples
from .tools import Tools

FOLDER = "goldens"


def step_id(variant: str) -> str:
    """The id of the step of a variant."""
    return f"goldens:{variant}"


def outputs_of(variant: str) -> OutputOf:
    """The folder of the cases of a variant."""
    return OutputOf(step_id(variant), FOLDER)


def step(model: Resolved, tools: Tools, variant: str) -> Step:
    """The step that computes them from the variant's finished file."""
    said = bound.of(model)
    (quantize,) = (v.quantize for v in model.variants if v.name == variant)
    return Step(
        step_id(variant),
        "goldens",
        tools.runner(model),
        {**said.params, "quantize": quantize},
        {"model": pack.model_of(variant), "samples": OutputOf(samples.ID, samples.FOLDER), **said.inputs},
        variant=variant,
        weight=2,
    )
