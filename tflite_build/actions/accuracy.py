"""accuracy: how a file does on labelled data."""

from __future__ import annotations

from dataclasses import replace

from tflite_build.engines.kinds.binding import Binding
from tflite_build.planning import bindings
from tflite_build.planning.action import Input, OutputOf, ProjectFile, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.signatures import tables

from . import preprocess, samples
from .tools import Tools

RESULT = "accuracy.json"
_CALIBRATION = "score_calibration"
# What makes the scores that an app gets others than those of the output.
_OF_CLASSES = {"activation", "label_offset", "multi_label", _CALIBRATION}
FLOAT_ID = "accuracy"


def step_id(variant: str) -> str:
    """The id of the step for a variant, or with "" for the float file."""
    return f"{FLOAT_ID}:{variant}" if variant else FLOAT_ID


def step(model: Resolved, tools: Tools, file: OutputOf, variant: str) -> Step | None:
    """The step, or None where the spec asks for none."""
    wanted = model.loaded.spec.checks.accuracy
    if wanted is None:
        return None
    inputs: dict[str, Input] = {"model": file, "data": preprocess.data(model, wanted.data, preprocess.LABELLED)}
    contents, classes = _contents(model), _classes(model)
    inputs |= {
        file: ProjectFile(model.loaded.folder / file) for own in classes for file in own.files[_CALIBRATION].values()
    }
    # Another name of an output changes nothing that is measured, where nothing asks for outputs by name.
    names = model.names if wanted.entry or contents or model.loaded.spec.states else model.names.of_inputs()
    return Step(
        step_id(variant),
        "accuracy",
        tools.runner(model, user_code=bool(wanted.entry)),
        {
            "metric": "" if wanted.entry else wanted.name,
            "entry": wanted.entry,
            "files": list(wanted.files),
            "outputs": contents,
            "classes": [own.to_json() for own in classes],
            "declared": model.declared.to_json(),
            **({"states": samples.states(model).to_json()} if model.loaded.spec.states else {}),
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


def _classes(model: Resolved) -> list[Binding]:
    """What is said of scores of classes, without what changes no figure; of files the names of inputs."""
    said = [binding for own in tables(model.loaded.spec) for binding in bindings.results(own)]
    return [
        replace(binding, name="", description="", files={_CALIBRATION: binding.files.get(_CALIBRATION, {})})
        for binding in said
        if binding.kind == "classes" and _OF_CLASSES & {*binding.options, *binding.files}
    ]
