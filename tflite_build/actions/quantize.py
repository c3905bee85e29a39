"""quantize: from the float .tflite file to that of a variant."""

from __future__ import annotations

from tflite_build.planning.action import Candidate, Input, OutputOf, ProjectFile, Step
from tflite_build.planning.resolve import Resolved, ResolvedVariant
from tflite_build.spec.rules import STATIC_QUANTIZE

from . import calibrate, convert, samples
from .tools import Tools


def step_id(variant: ResolvedVariant) -> str:
    """The id of the step of `variant`."""
    return f"quantize:{variant.name}"


def model_of(variant: ResolvedVariant) -> OutputOf:
    """The variant's file before it is packed."""
    return OutputOf(step_id(variant), convert.MODEL)


def step(model: Resolved, tools: Tools, float_model: OutputOf, variant: ResolvedVariant) -> Step:
    """The step that quantizes for `variant`."""
    inputs: dict[str, Input] = {"model": float_model}
    if variant.quantize in STATIC_QUANTIZE or (variant.recipe and model.loaded.spec.calibration):
        inputs["ranges"] = OutputOf(calibrate.ID, calibrate.RANGES)
        if variant.quantizer == "tensorflow":
            inputs["samples"] = samples.of(model)
    if variant.recipe is not None:
        inputs["recipe"] = ProjectFile(variant.recipe)
    return Step(
        step_id(variant),
        f"quantize.{variant.quantizer}",
        tools.tool("core"),
        {
            "quantize": variant.quantize,
            "granularity": variant.granularity,
            "io": variant.io,
            "keep_float": list(variant.keep_float),
            **({"partly": True} if variant.quantizer_choice.endswith("-partly") else {}),
        },
        inputs,
        candidate=Candidate(f"quantizer:{variant.name}", variant.quantizer_choice),
        variant=variant.name,
        weight=3,
    )
