"""The states of a source's signatures, by its own names: for steps that run where there is no runtime, too."""

from __future__ import annotations

from dataclasses import replace

from tflite_build.engines.contract import Names, Side, SignatureSpec, TensorSpec
from tflite_build.engines.kinds.states import BoundState, States


def bound(states: States, signature: SignatureSpec, names: Names) -> list[BoundState]:
    """The states of a signature, by the model's own names.

    Raises:
        Invalid: If one does not fit.
    """
    given, taken = shown(signature, names)
    own_inputs = dict(zip((t.name for t in given), signature.inputs, strict=True))
    own_outputs = dict(zip((t.name for t in taken), signature.outputs, strict=True))
    return [
        BoundState(
            s.name, own_inputs[s.input.name], own_outputs[s.output.name] if s.output is not None else None, s.initial
        )
        for s in states.bound(given, taken)
    ]


def shown(signature: SignatureSpec, names: Names) -> tuple[list[TensorSpec], list[TensorSpec]]:
    """The inputs and the outputs of a signature, by the names of the spec."""
    sides: tuple[tuple[Side, tuple[TensorSpec, ...]], ...] = (
        ("inputs", signature.inputs),
        ("outputs", signature.outputs),
    )
    given, taken = ([replace(t, name=names.public(signature.name, side, t.name)) for t in own] for side, own in sides)
    return given, taken
