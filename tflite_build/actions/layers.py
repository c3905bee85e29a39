"""layers: where a quantized variant departs from the float file, for a variant that misses its limits.

No part of a build that is good: it is asked for where something has to be explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tflite_build.planning.action import OutputOf, Step
from tflite_build.planning.resolve import Resolved, ResolvedVariant

from . import convert, quantize, samples
from .tools import Tools

RESULT = "layers.json"
_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class Layer:
    """What a layer of a quantized file loses.

    Attributes:
        name: The tensor that it computes.
        operator: What it is, such as "CONV_2D".
        error: How far its values are from the float file's: the length of the difference as a share of their length.
        added: What of that its inputs did not have yet.
        weights: The bytes of its constants in the float file.
    """

    name: str
    operator: str
    error: float
    added: float
    weights: int


def step(model: Resolved, tools: Tools, variant: ResolvedVariant) -> Step:
    """The step for a variant that a quantizer made."""
    return Step(
        f"layers:{variant.name}",
        "layers",
        tools.tool("core"),
        {"samples": _SAMPLES},
        {
            "float": OutputOf(convert.ID, convert.MODEL),
            "model": quantize.model_of(variant),
            "samples": samples.of(model),
        },
        variant=variant.name,
    )


def read(value: Mapping[str, Any]) -> tuple[Layer, ...]:
    """The content of layers.json: those that add the most first."""
    return tuple(Layer(r["name"], r["operator"], r["error"], r["added"], r["weights"]) for r in value["layers"])
