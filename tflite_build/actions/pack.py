"""pack: the last touch on a variant's file: public tensor names, true operator versions, the runtime it needs.

Runs in the tool's own process, over bytes; nothing that the model computes changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tflite_build.engines.contract import Invalid, Names, Request
from tflite_build.errors import near_miss, one_of
from tflite_build.planning.action import OutputOf, Step
from tflite_build.planning.resolve import Resolved, ResolvedVariant
from tflite_build.tflite import edit, reader, runtimes, versions
from tflite_build.tflite.flatbuffer import FormatError
from tflite_build.tflite.reader import Model, SignatureTensor

from . import convert
from .tools import Tools


def step_id(variant: str) -> str:
    """The id of the step of a variant."""
    return f"pack:{variant}"


def model_of(variant: str) -> OutputOf:
    """The variant's finished file."""
    return OutputOf(step_id(variant), convert.MODEL)


def step(model: Resolved, tools: Tools, file: OutputOf, variant: ResolvedVariant) -> Step:
    """The step that finishes `file` for `variant`."""
    return Step(
        step_id(variant.name),
        "pack",
        tools.local("pack"),
        {"names": model.names.to_json(), **({"from_source": True} if variant.quantize == "from-source" else {})},
        {"model": file},
        variant=variant.name,
    )


def run(request: Request) -> None:
    """Write `model.tflite`.

    Raises:
        Invalid: If the spec renames a tensor that the file does not have, or the source is not quantized as it says.
    """
    try:
        packed = _packed(request.inputs["model"].read_bytes(), request.params)
    except FormatError as error:  # only a file that is the source itself can be so
        raise Invalid(str(error), "source.path") from error
    (request.outputs / convert.MODEL).write_bytes(packed)


def _packed(data: bytes, params: Mapping[str, Any]) -> bytes | bytearray:
    model = reader.parse(memoryview(data))
    if params.get("from_source") and not any(t.quantization for s in model.subgraphs for t in s.tensors):
        raise Invalid(
            "the source is not quantized: no tensor of it has a scale",
            "variant.X.quantize",
            'quantize = "int8" and others quantize a float model; "none" takes it as it is',
        )
    inputs: dict[str, dict[str, str]] = {}
    outputs: dict[str, dict[str, str]] = {}
    for given, names in Names.from_json(params["names"]).signatures.items():
        signature = next((s for s in model.signatures if s.name == given or not given), None)
        if signature is None:
            known = [s.name for s in model.signatures]
            raise Invalid(
                f"the model has no signature '{given}'", f"signature.{given}", near_miss(given, known) or one_of(known)
            )
        table = f'signature."{given}".' if len(model.signatures) > 1 else ""
        inputs[signature.name] = _turned(names.inputs, signature.inputs, f"{table}input")
        outputs[signature.name] = _turned(names.outputs, signature.outputs, f"{table}output")
    if (any(inputs.values()) or any(outputs.values())) and not model.has_signatures:
        raise Invalid(
            "the file has no signatures, so its tensors cannot be given other names",
            "source.path",
            "use the tensors' own names",
        )
    derived = versions.derive(model)
    edits = edit.Edits(inputs, outputs, derived, _runtime(model))
    return edit.rewrite(data, edits)


def _turned(renamed: Mapping[str, str], tensors: tuple[SignatureTensor, ...], table: str) -> dict[str, str]:
    """Own name -> new name, for the tensors that a `table` of model.toml gives another one."""
    own = [t.name for t in tensors]
    kind = table.rpartition(".")[2]
    for public, name in renamed.items():
        if name not in own:
            raise Invalid(
                f"the model has no {kind} '{name}'",
                f'{table}."{public}".from',
                near_miss(name, own) or f"it has {one_of(own)}",
            )
    kept = [name for name in own if name not in renamed.values()]
    for public in renamed:
        if public in kept:
            raise Invalid(f"the model has another {kind} that is called '{public}'", f'{table}."{public}".from')
    return {name: public for public, name in renamed.items() if public != name}


def _runtime(model: Model) -> str:
    oldest, _ = runtimes.oldest(list(runtimes.needs(model).values()))
    return oldest if oldest and oldest != runtimes.PENDING else ""
