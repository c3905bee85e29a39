"""`execute`: run a .tflite file on the arrays of an .npz file: the `run` command."""

from __future__ import annotations

from typing import Any

import numpy as np

from tflite_build.engines.contract import Invalid, Refused, Request
from tflite_build.engines.files import graph, lookups, npz, opening
from tflite_build.engines.files.runner import Port, RunnableSignature, Runner
from tflite_build.engines.words import near_or_all, quoted, shape_text


def run(request: Request) -> None:
    """Write `outputs.npz` and `outputs.json` (a list of name, dtype and shape).

    Raises:
        Invalid: If signature or arrays do not fit the file.
        Refused: If the runtime does not run the file.
    """
    runner = opening.runner(request)
    signature = _signature(runner, request.params["signature"])
    arrays = npz.read(request.inputs["data"], "--input")
    for name in arrays:
        if name not in signature.inputs:
            raise Invalid(f"the file has no input '{name}'", "--input", near_or_all(name, list(signature.inputs)))
    missing = [name for name in signature.inputs if name not in arrays]
    if missing:
        raise Invalid(f"there is no array for the input {quoted(missing)}", "--input")
    inputs = {name: _fitted(arrays[name], port) for name, port in signature.inputs.items()}
    call = runner.run_real if request.params["dequantize"] else runner.run
    try:
        outputs = call(signature.name, inputs)
    except Refused as refused:
        mistake = lookups.explained(refused, graph.read(request.inputs["model"]), signature, inputs)
        if mistake is None:
            raise
        raise Invalid(mistake.message, "--input", mistake.hint) from None
    npz.write(request.outputs / "outputs.npz", outputs)
    described = [{"name": n, "dtype": str(npz.storable(a).dtype), "shape": list(a.shape)} for n, a in outputs.items()]
    request.write_json("outputs.json", described)


def _signature(runner: Runner, name: str | None) -> RunnableSignature:
    if name is None:
        if len(runner.signatures) > 1:
            raise Invalid(
                f"the file has the signatures {quoted(runner.signatures)}", "--signature", "name one with --signature"
            )
        return next(iter(runner.signatures.values()))
    if name not in runner.signatures:
        raise Invalid(f"the file has no signature '{name}'", "--signature", near_or_all(name, list(runner.signatures)))
    return runner.signatures[name]


def _fitted(array: Any, port: Port) -> Any:
    fits = len(array.shape) == len(port.shape) and all(
        w in (-1, s) for s, w in zip(array.shape, port.shape, strict=True)
    )
    if not fits:
        wanted = shape_text("?" if d < 0 else d for d in port.shape)
        raise Invalid(f"'{port.name}' has the shape {shape_text(array.shape)}; the file takes {wanted}", "--input")
    if port.scale is not None and array.dtype.kind == "f":
        return array
    wanted_type = np.dtype(port.dtype) if port.dtype != "string" else None
    if wanted_type is None or array.dtype == wanted_type:
        return array
    if array.dtype.kind == wanted_type.kind == "f":
        return array.astype(wanted_type)
    if array.dtype.kind in "iu" and wanted_type.kind in "iu":
        limits = np.iinfo(wanted_type)
        if array.size == 0 or (array.min() >= limits.min and array.max() <= limits.max):
            return array.astype(wanted_type)
    raise Invalid(f"'{port.name}' is {array.dtype}; the file takes {port.dtype}", "--input")
