"""calibrate: the range of every tensor over the representative data, shared by all variants that need it."""

from __future__ import annotations

from tflite_build.planning.action import Candidate, OutputOf, Step
from tflite_build.planning.resolve import Resolved

from . import samples
from .tools import Tools

ID = "calibrate"
RANGES = "ranges.json"


def step(model: Resolved, tools: Tools, float_model: OutputOf) -> Step:
    """The step."""
    return Step(
        ID,
        "calibrate",
        tools.tool("core"),
        {"data": samples.key(model)},
        {"model": float_model, "samples": samples.of(model)},
        # Another engine may write the same function with operators whose values are bounded.
        candidate=Candidate("engine", model.engine) if model.engine else None,
        weight=8,
    )
