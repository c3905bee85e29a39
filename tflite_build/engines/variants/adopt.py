"""`adopt`: take over an existing .tflite file as it is, after the runtime has loaded it."""

from __future__ import annotations

import shutil
from typing import Any

from tflite_build.engines.contract import Interface, Invalid, Refused, Request, SignatureSpec, TensorSpec
from tflite_build.engines.files.runner import Port, Runner


def run(request: Request) -> dict[str, Any]:
    """Write `model.tflite`, the same bytes, and `interface.json`.

    Raises:
        Invalid: If the runtime refuses the file.
    """
    source = request.inputs["model"]
    try:
        runner = Runner(source)
        runner.load()
    except Refused as refused:
        raise Invalid(f"the file cannot be run: {refused.reason}", "source.path", detail=refused.detail) from refused
    signatures = tuple(
        SignatureSpec(s.name, tuple(map(_tensor, s.inputs.values())), tuple(map(_tensor, s.outputs.values())))
        for s in runner.signatures.values()
    )
    request.write_json("interface.json", Interface(signatures).to_json())
    shutil.copyfile(source, request.outputs / "model.tflite")
    return {}


def _tensor(port: Port) -> TensorSpec:
    dtype = "float32" if port.scale is not None else port.dtype  # callers pass real numbers, see `runner`
    return TensorSpec(port.name, tuple(d if d >= 0 else f"d{i}" for i, d in enumerate(port.shape)), dtype)
