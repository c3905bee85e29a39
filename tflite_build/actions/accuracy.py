"""accuracy: how a file does on labelled data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tflite_build.engines.kinds.binding import Binding
from tflite_build.planning import bindings
from tflite_build.planning.action import Input, OutputOf, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.signatures import tables

from . import bound, preprocess, samples
from .tools import Tools

RESULT = "accuracy.json"
FLOAT_ID = "accuracy"
# What each measure is of, as an app gets it, and the options that are an app's choice and no part of how good a model is.
_KINDS = {
    "top1": ("classes",), "top5": ("classes",), "f1": ("classes",), "mAP": ("detections",),
    "iou": ("mask",), "pck": ("keypoints",), "psnr": ("image",),
}  # fmt: skip
_CHOICES = {"detections": ("score_threshold", "max_results")}
_CALIBRATION = "score_calibration"
# What makes the scores that an app gets others than those of the output.
_OF_CLASSES = {"activation", "label_offset", "multi_label", _CALIBRATION}


def step_id(variant: str) -> str:
    """The id of the step for a variant, or with "" for the float file."""
    return f"{FLOAT_ID}:{variant}" if variant else FLOAT_ID


def step(model: Resolved, tools: Tools, file: OutputOf, variant: str) -> Step | None:
    """The step, or None where the spec asks for none."""
    wanted = model.loaded.spec.checks.accuracy
    if wanted is None:
        return None
    inputs: dict[str, Input] = {"model": file, "data": preprocess.data(model, wanted.data, preprocess.LABELLED)}
    contents, files = _contents(model), bound.Files(model)
    arguments, results = _bindings(model, files, "" if wanted.entry else wanted.name)
    inputs |= files.inputs
    # Another name of an output changes nothing that is measured, where nothing asks for outputs by name.
    by_name = wanted.entry or contents or any(results.values()) or model.loaded.spec.states
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
            "arguments": arguments,
            "results": results,
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


def _bindings(
    model: Resolved, files: bound.Files, metric: str
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]]]:
    """The pictures and the results that a measure is of, by signature, without what changes no figure."""
    arguments, results = {}, {}
    for own in tables(model.loaded.spec):
        said = [b for b in bindings.results(own) if b.kind in _KINDS.get(metric, ()) and _counts(b)]
        pictures = [b for b in bindings.arguments(own) if b.kind == "image"]
        on_pictures = any(b.kind != "classes" for b in said)
        arguments[own.signature] = [files.told(replace(b, description="")) for b in pictures if on_pictures]
        results[own.signature] = [files.told(_stripped(b)) for b in said]
    return arguments, results


def _counts(binding: Binding) -> bool:
    """Whether what it says changes a figure."""
    if binding.kind == "classes":
        return bool(_OF_CLASSES & {*binding.options, *binding.files})
    return binding.is_named or binding.kind != "detections"


def _stripped(binding: Binding) -> Binding:
    options = {key: value for key, value in binding.options.items() if key not in _CHOICES.get(binding.kind, ())}
    if binding.kind != "classes":
        return replace(binding, options=options, description="")
    kept = {key: paths for key, paths in binding.files.items() if key == _CALIBRATION}
    return replace(binding, options=options, description="", name="", files=kept)
