"""accuracy: how a file does on labelled data."""

from __future__ import annotations

from tflite_build.planning.action import Input, OutputOf, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.signatures import tables

from . import bound, preprocess
from .tools import Tools

RESULT = "accuracy.json"
FLOAT_ID = "accuracy"
_OF_RESULTS = ("iou", "pck", "psnr")  # what is measured is what an app gets


def step_id(variant: str) -> str:
    """The id of the step for a variant, or with "" for the float file."""
    return f"{FLOAT_ID}:{variant}" if variant else FLOAT_ID


def step(model: Resolved, tools: Tools, file: OutputOf, variant: str) -> Step | None:
    """The step, or None where the spec asks for none."""
    wanted = model.loaded.spec.checks.accuracy
    if wanted is None:
        return None
    inputs: dict[str, Input] = {"model": file, "data": preprocess.data(model, wanted.data, preprocess.LABELLED)}
    contents = _contents(model)
    results = bound.of(model) if wanted.metric in _OF_RESULTS else bound.Bound({"arguments": {}, "results": {}}, {})
    inputs |= results.inputs
    # Another name of an output changes nothing that is measured, where nothing asks for outputs by name.
    names = model.names if wanted.entry or contents else model.names.of_inputs()
    return Step(
        step_id(variant),
        "accuracy",
        tools.runner(model, user_code=bool(wanted.entry)),
        {
            "metric": "" if wanted.entry else wanted.name,
            "entry": wanted.entry,
            "files": list(wanted.files),
            "outputs": contents,
            "arguments": results.params["arguments"],
            "results": results.params["results"],
            "declared": model.declared.to_json(),
            "names": names.to_json(),
            # The float file carries the model's own names, a variant's the public ones; the data may use either.
            "renamed": bool(variant),
        },
        inputs,
        user_code=bool(wanted.entry),
        variant=variant,
        weight=2,
    )


def _contents(model: Resolved) -> dict[str, str]:
    """What the spec says that outputs stand for, by public name."""
    own = tables(model.loaded.spec)
    return {name: output.content for t in own for name, output in t.outputs.items() if output.content}
