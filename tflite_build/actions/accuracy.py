"""accuracy: how a file does on labelled data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tflite_build.engines.kinds.binding import Binding
from tflite_build.planning import bindings
from tflite_build.planning.action import Input, OutputOf, ProjectFile, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.signatures import tables

from . import bound, preprocess, samples
from .tools import Tools

RESULT = "accuracy.json"
_CALIBRATION = "score_calibration"
# What makes the scores that an app gets others than those of the output.
_OF_CLASSES = {"activation", "label_offset", "multi_label", _CALIBRATION}
FLOAT_ID = "accuracy"
_OF_APPS = ("score_threshold", "max_results")
_BY_CLASS = ("top1", "top5", "f1")
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
    contents, classes = _contents(model), _classes(model) if wanted.name in _BY_CLASS else []
    inputs |= {
        file: ProjectFile(model.loaded.folder / file) for own in classes for file in own.files[_CALIBRATION].values()
    }
    files = bound.Files(model)
    detections = _detections(model, files) if wanted.name == "mAP" else []
    inputs |= files.inputs
    results = bound.of(model) if wanted.metric in _OF_RESULTS else bound.Bound({"arguments": {}, "results": {}}, {})
    inputs |= results.inputs
    # Another name of an output changes nothing that is measured, where nothing asks for outputs by name.
    by_name = wanted.entry or contents or detections or model.loaded.spec.states
    names = model.names if by_name else model.names.of_inputs()
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
            **({"detections": detections} if detections else {}),
            "arguments": results.params["arguments"],
            "results": results.params["results"],
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


def _detections(model: Resolved, files: bound.Files) -> list[dict[str, Any]]:
    """The results that are detections, without what is an app's choice, and the inputs that their pictures become."""
    found = []
    for own in tables(model.loaded.spec):
        inputs = {b.name: b.tensors["input"] for b in bindings.arguments(own) if b.kind == "image"}
        for binding in (b for b in bindings.results(own) if b.kind == "detections" and b.is_named):
            said = {key: value for key, value in binding.options.items() if key not in _OF_APPS}
            picture = inputs[said.pop("picture", next(iter(inputs)))]
            told = files.told(replace(binding, options=said, description=""))
            found.append({"binding": told, "picture": picture})
    return found
