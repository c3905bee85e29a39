"""reference: what the source itself computes on the first samples, by its own framework."""

from __future__ import annotations

from tflite_build.planning.action import OutputOf, Step
from tflite_build.planning.resolve import Resolved

from . import bound, convert, lower, samples
from .tools import Tools

ID = "reference"
OUTPUTS = "outputs"
SAMPLES = 2


def step(model: Resolved, tools: Tools) -> Step | None:
    """The step, or None for a tflite source, whose float file is the source itself."""
    if not model.engine:
        return None
    common = {"samples": samples.of(model)}
    if model.engine == "litert":
        return Step(
            ID,
            "reference.stablehlo",
            tools.tool("litert"),
            {"limit": SAMPLES},
            {"lowered": OutputOf(lower.ID, "lowered"), **common},
            heavy=True,
            weight=10,
        )
    return Step(
        ID,
        "reference.saved_model",
        tools.tool("tensorflow"),
        {"limit": SAMPLES, **convert.part(model), **bound.training(model)},
        {
            "saved_model": convert.saved_model(model),
            "interface": OutputOf(convert.ID, convert.INTERFACE),
            **common,
        },
        heavy=True,
        weight=10,
    )
