"""preprocess: a folder of pictures or sounds as the arrays of an .npz file, by the spec's own preprocessing."""

from __future__ import annotations

from dataclasses import replace

from tflite_build.planning.action import Input, OutputOf, ProjectFile, Step
from tflite_build.planning.resolve import Resolved

from . import convert
from .tools import Tools

DATA = "data.npz"
CALIBRATION = "preprocess:calibration"
LABELLED = "preprocess:labelled"


def calibration_step(model: Resolved, tools: Tools, teller: str) -> Step | None:
    """The step for the data that files are calibrated and compared with; None where it is no folder."""
    calibration = model.loaded.spec.calibration
    if calibration is None or not calibration.data:
        return None
    return _step(CALIBRATION, "calibration", model, tools, teller, calibration.data, calibration.samples)


def labelled_step(model: Resolved, tools: Tools, teller: str) -> Step | None:
    """The step for labelled data; None where it is no folder."""
    accuracy = model.loaded.spec.checks.accuracy
    if accuracy is None:
        return None
    step = _step(LABELLED, "checks.accuracy", model, tools, teller, accuracy.data, None)
    if step is None or accuracy.labels is None:
        return step
    shown = {**step.params["shown"], "labels": accuracy.labels}
    return replace(
        step,
        params={**step.params, "shown": shown, "classes": accuracy.is_of_classes},
        inputs={**step.inputs, "labels": ProjectFile(model.loaded.folder / accuracy.labels)},
    )


def data(model: Resolved, path: str, id_: str) -> Input:
    """Data that the spec names: the user's own arrays, or what the step `id_` makes of their folder."""
    return OutputOf(id_, DATA) if is_folder(path) else ProjectFile(model.loaded.folder / path)


def is_folder(path: str) -> bool:
    """Whether data that the spec names is a folder."""
    return not path.endswith(".npz")


def _step(id_: str, key: str, model: Resolved, tools: Tools, teller: str, path: str, count: int | None) -> Step | None:
    if not is_folder(path):
        return None
    folder = model.loaded.folder
    inputs: dict[str, Input] = {
        "interface": OutputOf(teller, convert.INTERFACE),
        "data": ProjectFile(folder / path, tree=True),
    }
    return Step(
        id_,
        "preprocess",
        tools.tool("core"),
        {
            "declared": model.declared.to_json(),
            "names": model.names.of_inputs().to_json(),
            "key": key,
            "shown": {"data": path},
            "count": count,
        },
        inputs,
        weight=4,
    )
