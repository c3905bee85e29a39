"""The signatures and the operators of a .tflite file, for toolchains without ai-edge-litert.

Knows nothing of constants, quantization or how to run a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tflite_build.tflite import reader


@dataclass(frozen=True, slots=True)
class TensorPort:
    """An input or output tensor.

    Attributes:
        shape: -1 for a dynamic dimension; None where the rank is not known.
        dtype: As numpy names it, or "string".
    """

    shape: tuple[int, ...] | None
    dtype: str


@dataclass(frozen=True, slots=True)
class TfliteSignature:
    """A signature; inputs and outputs in the order of its subgraph."""

    name: str
    inputs: Mapping[str, TensorPort]
    outputs: Mapping[str, TensorPort]


@dataclass(frozen=True, slots=True)
class TfliteSummary:
    """All signatures, and the names of the custom operators, "FlexErf" and such included."""

    signatures: tuple[TfliteSignature, ...]
    custom_operators: tuple[str, ...]


def read(data: bytes) -> TfliteSummary:
    """The summary of a file."""
    model = reader.parse(memoryview(data))
    signatures = tuple(_signature(s, model.subgraphs[s.subgraph]) for s in model.signatures if model.has_signatures)
    return TfliteSummary(signatures, tuple(sorted({code.name for code in model.codes if code.custom})))


def _signature(signature: reader.Signature, subgraph: reader.Subgraph) -> TfliteSignature:
    def ports(tensors: Sequence[reader.SignatureTensor], order: tuple[int, ...]) -> dict[str, TensorPort]:
        place = {tensor: i for i, tensor in enumerate(order)}
        ordered = sorted(tensors, key=lambda t: (place.get(t.tensor.index, len(place)), t.name))
        return {t.name: _port(t.tensor) for t in ordered}

    return TfliteSignature(
        signature.name, ports(signature.inputs, subgraph.inputs), ports(signature.outputs, subgraph.outputs)
    )


def _port(tensor: reader.Tensor) -> TensorPort:
    # has_rank tells a scalar from a tensor of unknown rank
    return TensorPort(tensor.shape if tensor.shape or tensor.has_rank else None, tensor.dtype)
