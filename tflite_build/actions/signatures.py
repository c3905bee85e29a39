"""signatures: what a SavedModel's signatures take, read before TensorFlow starts, so that data can be checked first.

Runs in the tool's own process. Of outputs it says what the file says; the conversion knows them better.
"""

from __future__ import annotations

from tflite_build.engines.contract import Declared, Interface, Request, SignatureSpec
from tflite_build.engines.sources import saved_model_file, saved_model_inputs
from tflite_build.planning.action import Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.sources import SavedModelSource

from . import convert
from .tools import Tools

ID = "signatures"


def step(model: Resolved, tools: Tools) -> Step | None:
    """The step, or None for a source whose signatures another step tells before the conversion."""
    if not isinstance(model.loaded.spec.source, SavedModelSource):
        return None
    return Step(
        ID,
        "signatures",
        tools.local(ID),
        convert.asked(model),
        {"saved_model": convert.saved_model(model)},
        weight=5,
    )


def run(request: Request) -> None:
    """Write `interface.json`.

    Raises:
        Invalid: If the folder is no SavedModel, or the spec does not fit it.
    """
    meta = saved_model_file.read(request.inputs["saved_model"]).meta_graph(request.params["tags"])
    names = saved_model_file.choose(meta, request.params["signatures"])
    inputs = saved_model_inputs.inputs_of(meta, names, Declared.from_json(request.params["declared"]))
    stated = saved_model_file.interface(meta, names)
    signatures = tuple(SignatureSpec(s.name, inputs[s.name], s.outputs) for s in stated.signatures)
    request.write_json(convert.INTERFACE, Interface(signatures).to_json())
