"""lower: from the source to what a converter reads, StableHLO or a SavedModel."""

from __future__ import annotations

from tflite_build.planning.action import Candidate, Step
from tflite_build.planning.resolve import Resolved

from . import source
from .tools import Tools

ID = "lower"
_KINDS = {
    ("keras", "litert"): ("lower.keras", "litert"),
    ("keras", "tensorflow"): ("lower.tensorflow", "tensorflow"),
    ("jax", "litert"): ("lower.jax", "litert"),
    ("function", "tensorflow"): ("lower.function", "tensorflow"),
}


def step(model: Resolved, tools: Tools) -> Step | None:
    """The step, or None for a format that converters read as it is."""
    given = model.loaded.spec.source
    row = _KINDS.get((given.format, model.engine))
    if row is None:
        return None
    kind, toolchain = row
    user_code = source.user_code(given)
    taken = source.model_input(model)
    return Step(
        ID,
        kind,
        tools.tool(toolchain, user_code=user_code),
        {
            **source.lower_params(given),
            "declared": model.declared.shapes(dtypes=True).to_json(),
            **({"locations": True} if model.located else {}),
        },
        {"model": taken} if taken is not None else {},
        user_code=user_code,
        candidate=Candidate("engine", model.engine_choice),
        heavy=True,
        weight=20,
    )
