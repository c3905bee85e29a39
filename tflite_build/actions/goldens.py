"""goldens: what an app's code has to give for inputs as an app has them, for the test that is generated beside it."""

from __future__ import annotations

from tflite_build.planning.action import OutputOf, Step
from tflite_build.planning.resolve import Resolved

from . import pack, samples
from .tools import Tools

FOLDER = "goldens"


def step_id(variant: str) -> str:
    """The id of the step of a variant."""
    return f"goldens:{variant}"


def outputs_of(variant: str) -> OutputOf:
    """The folder of the cases of a variant."""
    return OutputOf(step_id(variant), FOLDER)


def _activations(model: Resolved) -> dict[str, dict[str, str]]:
    spec = model.loaded.spec
    sides = {"": spec.output, **{name: tensors.output for name, tensors in spec.signature.items()}}
    return {s: {n: o.activation for n, o in outputs.items() if o.activation} for s, outputs in sides.items() if outputs}


def step(model: Resolved, tools: Tools, variant: str) -> Step:
    """The step that computes them from the variant's finished file."""
    (quantize,) = (v.quantize for v in model.variants if v.name == variant)
    return Step(
        step_id(variant),
        "goldens",
        tools.runner(model),
        {
            "declared": model.declared.to_json(),
            "names": model.names.to_json(),
            "activations": _activations(model),
            "quantize": quantize,
        },
        {"model": pack.model_of(variant), "samples": OutputOf(samples.ID, samples.FOLDER)},
        variant=variant,
        weight=2,
    )
