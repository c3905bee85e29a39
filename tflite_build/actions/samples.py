"""samples: the data that files are calibrated and compared with, checked against the source's signatures.

From the spec's [calibration], or made from a fixed seed within each input's `range`.
"""

from __future__ import annotations

from tflite_build.engines.kinds.states import StateRule, States
from tflite_build.planning.action import Input, OutputOf, Step
from tflite_build.planning.resolve import Resolved

from . import convert, lower, preprocess, signatures
from .tools import Tools

ID = "samples"
UNROLLED = "unroll"
FOLDER = "samples"
MADE = 8  # samples of each case where the spec brings none
FROM_ENTRY = 200
GENERATORS = "litert"  # the toolchain of a generator whose source is no code


def step(model: Resolved, tools: Tools) -> Step:
    """The step; it runs before the conversion."""
    calibration = model.loaded.spec.calibration
    inputs: dict[str, Input] = {"interface": OutputOf(teller(model, tools), convert.INTERFACE)}
    entry = calibration.entry if calibration else None
    if calibration is not None and calibration.data:
        inputs["data"] = preprocess.data(model, calibration.data, preprocess.CALIBRATION)
    count: int | None = MADE
    if calibration is not None:
        count = calibration.samples or (FROM_ENTRY if entry else None)
    # A generator may use what the source's own code uses.
    toolchain = "core" if not entry else (model.engine or GENERATORS)
    return Step(
        ID,
        "samples",
        tools.tool(toolchain, user_code=bool(entry)),
        {
            "declared": model.declared.to_json(),
            "names": (model.names if model.loaded.spec.states else model.names.of_inputs()).to_json(),
            **({"states": states(model).to_json()} if model.loaded.spec.states else {}),
            "count": count,
            "wanted": calibration.samples if calibration else None,
            "entry": entry,
            "files": list(calibration.files) if calibration else [],
        },
        inputs,
        user_code=bool(entry),
        heavy=toolchain != "core",
        weight=4,
    )


def states(model: Resolved) -> States:
    """What the model keeps between calls."""
    spec = model.loaded.spec
    rules = [StateRule(name, s.input, s.output, s.initial) for name, s in spec.states.items()]
    return States(tuple(rules), spec.keeps_inside)


def of(model: Resolved) -> OutputOf:
    """The data with an array for every input."""
    return OutputOf(UNROLLED if model.loaded.spec.states else ID, FOLDER)


def key(model: Resolved) -> str:
    """The spec's key that names the data; "" where it is made."""
    calibration = model.loaded.spec.calibration
    if calibration is None:
        return ""
    return "calibration.data" if calibration.data else "calibration.entry"


def teller(model: Resolved, tools: Tools) -> str:
    """The step that tells the signatures; a .tflite file is taken over by `convert`, which converts nothing."""
    if signatures.step(model, tools) is not None:
        return signatures.ID
    return lower.ID if lower.step(model, tools) is not None else convert.ID
