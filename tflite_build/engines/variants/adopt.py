"""`adopt`: take over an existing .tflite file as it is, after the runtime has loaded it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tflite_build.engines.contract import (
    FailingOperator,
    Interface,
    Invalid,
    Refused,
    Request,
    SignatureSpec,
    TensorSpec,
)
from tflite_build.engines.files import custom_operators, opening, select_operators
from tflite_build.engines.files.runner import Port
from tflite_build.tflite import reader
from tflite_build.tflite.flatbuffer import FormatError


def run(request: Request) -> None:
    """Write `model.tflite`, the same bytes, and `interface.json`.

    Raises:
        Invalid: If the runtime refuses the file.
        Refused: If it has custom operators, or operators of TensorFlow's own, that the spec does not allow.
    """
    source = request.inputs["model"]
    _check_allowed(source, request)
    try:
        runner = opening.runner(request)
        if not custom_operators.not_run(request):
            runner.load()
    except Refused as refused:
        raise Invalid(f"the file cannot be run: {refused.reason}", "source.path", detail=refused.detail) from refused
    signatures = tuple(SignatureSpec(s.name, _specs(s.inputs), _specs(s.outputs)) for s in runner.signatures.values())
    request.write_json("interface.json", Interface(signatures).to_json())
    shutil.copyfile(source, request.outputs / "model.tflite")


def _check_allowed(source: Path, request: Request) -> None:
    """Refused, with all of them, where the file has operators beyond the builtin ones that the spec does not allow."""
    refusals = []
    for check in (_check_select, lambda s, r: custom_operators.check_allowed(custom_operators.of(s), r)):
        try:
            check(source, request)
        except Refused as refused:
            refusals.append(refused)
    if refusals:
        raise Refused("; ".join(r.reason for r in refusals), [o for r in refusals for o in r.operators])


def _check_select(source: Path, request: Request) -> None:
    try:
        with reader.model(source) as model:
            names = select_operators.of(model)
    except FormatError:  # the runtime refuses it
        return
    unnamed = select_operators.unnamed(names, request.params.get(select_operators.PARAM))
    if unnamed:
        raise Refused(
            f"the model needs TensorFlow's own kernels: `select_tf_ops = {select_operators.listed(names)}` allows them",
            [FailingOperator(name, "select") for name in unnamed],
        )


def _specs(ports: Mapping[str, Port]) -> tuple[TensorSpec, ...]:
    return tuple(port.spec(real=port.scale is not None) for port in ports.values())
