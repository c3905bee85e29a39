"""`adopt`: take over an existing .tflite file as it is, after the runtime has loaded it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from tflite_build.engines.contract import Interface, Invalid, Refused, Request, SignatureSpec, TensorSpec
from tflite_build.engines.files import custom_operators, opening
from tflite_build.engines.files.runner import Port


def run(request: Request) -> None:
    """Write `model.tflite`, the same bytes, and `interface.json`.

    Raises:
        Invalid: If the runtime refuses the file.
        Refused: If it has custom operators that the spec does not allow.
    """
    source = request.inputs["model"]
    custom_operators.check_allowed(custom_operators.of(source), request)
    try:
        runner = opening.runner(request)
        if not custom_operators.not_run(request):
            runner.load()
    except Refused as refused:
        raise Invalid(f"the file cannot be run: {refused.reason}", "source.path", detail=refused.detail) from refused
    signatures = tuple(SignatureSpec(s.name, _specs(s.inputs), _specs(s.outputs)) for s in runner.signatures.values())
    request.write_json("interface.json", Interface(signatures).to_json())
    shutil.copyfile(source, request.outputs / "model.tflite")


def _specs(ports: Mapping[str, Port]) -> tuple[TensorSpec, ...]:
    return tuple(port.spec(real=port.scale is not None) for port in ports.values())
