"""convert: from StableHLO or a SavedModel to a float .tflite file, all signatures in one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tflite_build.planning.action import Candidate, Input, OutputOf, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.sources import SavedModelSource

from . import lower, source
from .tools import Tools

ID = "convert"
MODEL = "model.tflite"
INTERFACE = "interface.json"


def step(model: Resolved, tools: Tools) -> Step:
    """The step that makes the float file, or for a tflite source takes it over."""
    match model.engine:
        case "":
            taken = source.model_input(model)
            assert taken is not None  # a tflite source always has a file
            return Step(ID, "adopt", tools.runner(model), _select(model), {"model": taken}, weight=2)
        case "litert":
            return Step(
                ID,
                "convert.litert",
                tools.tool("core"),
                {"loops": True} if model.loops else {},
                {"lowered": OutputOf(lower.ID, "lowered")},
                candidate=Candidate("engine", model.engine_choice),
                weight=15,
            )
        case _:
            return Step(
                ID,
                "convert.tensorflow",
                tools.tool("tensorflow"),
                {
                    **asked(model),
                    "switches": model.loaded.spec.convert.tensorflow.model_dump(exclude_none=True),
                    **_select(model),
                },
                {"saved_model": saved_model(model)},
                candidate=Candidate("engine", "tensorflow"),
                heavy=True,
                weight=20,
            )


def _select(model: Resolved) -> dict[str, Any]:
    """The operators that may be left to TensorFlow's own kernels; nothing where none may."""
    allowed = model.loaded.spec.compatibility.select_tf_ops
    if not allowed:
        return {}
    return {"select_tf_ops": list(allowed) if isinstance(allowed, tuple) else True}


def part(model: Resolved) -> dict[str, Any]:
    """Which part of a SavedModel is asked for; all of one that was lowered."""
    given = model.loaded.spec.source
    own = given if isinstance(given, SavedModelSource) else None
    return {
        "tags": list(own.tags) if own and own.tags else None,
        "signatures": list(own.signatures) if own and own.signatures else None,
    }


def asked(model: Resolved) -> dict[str, Any]:
    """`part`, and the shapes that the spec declares."""
    # What was lowered has the declared types already.
    own = isinstance(model.loaded.spec.source, SavedModelSource)
    return {**part(model), "declared": model.declared.shapes(dtypes=own).to_json()}


def from_source(float_step: Step, variant: str) -> Step:
    """The step that keeps the quantization that the source was trained with, for `variant`.

    Alike for all such variants, so that its work is done once. There is no other way: its refusal is not the engine's.
    """
    params = {**float_step.params, "from_source": True}
    return replace(float_step, id=f"{ID}:{variant}", params=params, variant=variant, candidate=None)


def saved_model(model: Resolved) -> Input:
    """The SavedModel that TensorFlow reads: the user's own, or the lowered one."""
    if isinstance(model.loaded.spec.source, SavedModelSource):
        taken = source.model_input(model)
        assert taken is not None  # a saved_model source always has a folder
        return taken
    return OutputOf(lower.ID, "saved_model")
