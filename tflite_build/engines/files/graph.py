"""The graph of a .tflite file: subgraphs, tensors, operators and signatures, as far as the steps on files ask for it.

The format is `tflite.reader`'s business; here it becomes arrays, without copying constants. Knows nothing of what operators
compute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.tflite import reader

# ActivationFunctionType of schema.fbs, and the field of an operator's options that holds it.
_ACTIVATIONS = ("", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
_ACTIVATION_FIELDS = {
    "ADD": 0,
    "AVERAGE_POOL_2D": 5,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 4,
    "DIV": 0,
    "FULLY_CONNECTED": 0,
    "MAX_POOL_2D": 5,
    "MUL": 0,
    "SUB": 0,
}
CONTROL_FLOW = frozenset({"IF", "WHILE", "CALL", "CALL_ONCE", "STABLEHLO_WHILE", "STABLEHLO_CASE"})


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a subgraph.

    Attributes:
        shape: -1 for a dynamic dimension.
        dtype: As numpy names it; "string", "resource" and "variant" for what numpy has no word for.
        scales: Quantization scales, one per channel or one; empty where the tensor is not quantized.
        zero_points: As many as `scales`.
        axis: The dimension that several scales belong to.
        data: The bytes of a constant; empty otherwise.
        offset: Where in the file those bytes begin: constants that share them have the same.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int
    data: NDArray[np.uint8]
    offset: int = 0

    @property
    def constant(self) -> bool:
        """Whether the file holds its value."""
        return self.data.size > 0

    @property
    def numbers(self) -> NDArray[Any]:
        """The values of a constant whose `dtype` is one of numpy's, flat; without what is no whole one at the end."""
        kind = np.dtype(self.dtype)
        return self.data[: self.data.size // kind.itemsize * kind.itemsize].view(kind)

    @property
    def quantized(self) -> bool:
        """Whether it stands for real numbers by a scale."""
        return self.scales.size > 0


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator: `name` is the builtin's (a custom operator's own), tensors are indices into the subgraph, -1 is none.

    Attributes:
        activation: What the operator does to its own result, such as "RELU6"; "" for nothing, and for kinds that are
            not known to do so.
    """

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    custom: bool = False
    activation: str = ""


@dataclass(frozen=True, slots=True)
class Subgraph:
    """One function of the file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def scope(self, operator: Operator) -> str:
        """The names of its outputs, as litert-quantizer joins them to find the rules for an operator."""
        indices = operator.outputs or operator.inputs
        return "".join(f"{self.tensors[i].name};" for i in indices if i >= 0 and self.tensors[i].name)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature: tensor indices by name, in the order of the subgraph's own inputs and outputs."""

    name: str
    subgraph: int
    inputs: dict[str, int]
    outputs: dict[str, int]


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole file. A file without signatures has one called "" with the names of the tensors."""

    subgraphs: tuple[Subgraph, ...]
    signatures: tuple[Signature, ...]

    def operators(self) -> Iterator[tuple[Subgraph, Operator]]:
        """All operators of all subgraphs."""
        for subgraph in self.subgraphs:
            for operator in subgraph.operators:
                yield subgraph, operator

    def unique_names(self) -> tuple[tuple[str, ...], ...]:
        """For each subgraph the names of its tensors, told apart where the file calls several the same or nothing."""
        taken = {tensor.name for subgraph in self.subgraphs for tensor in subgraph.tensors}
        seen: set[str] = {""}
        names = []
        for number, subgraph in enumerate(self.subgraphs):
            own = []
            for index, tensor in enumerate(subgraph.tensors):
                name = tensor.name
                while name in seen or (name != tensor.name and name in taken):
                    name = f"{name}#{number}.{index}"
                seen.add(name)
                own.append(name)
            names.append(tuple(own))
        return tuple(names)

    def main_subgraphs(self) -> frozenset[int]:
        """The subgraphs that signatures start in; the others are bodies of loops, branches and composites."""
        return frozenset(s.subgraph for s in self.signatures)


def read(content: bytes | bytearray | memoryview | Path) -> Graph:
    """The graph of a file or of its bytes.

    Raises:
        FormatError: If it is no whole .tflite file.
    """
    data = content.read_bytes() if isinstance(content, Path) else content
    model = reader.parse(memoryview(data))
    raw = np.frombuffer(data, np.uint8)
    subgraphs = tuple(
        Subgraph(
            tuple(_tensor(tensor, model.buffers, raw) for tensor in subgraph.tensors),
            tuple(_operator(operator, model.codes) for operator in subgraph.operators),
            subgraph.inputs,
            subgraph.outputs,
        )
        for subgraph in model.subgraphs
    )
    return Graph(subgraphs, tuple(_signature(model.ordered(s)) for s in model.signatures))


def _tensor(tensor: reader.Tensor, buffers: Sequence[reader.Buffer], raw: NDArray[np.uint8]) -> Tensor:
    buffer = buffers[tensor.buffer] if tensor.buffer < len(buffers) else reader.Buffer(0, 0)
    quantization = tensor.quantization
    return Tensor(
        tensor.name,
        tensor.shape,
        tensor.dtype,
        np.array(quantization.scales if quantization else (), np.float32),
        np.array(quantization.zero_points if quantization else (), np.int64),
        quantization.axis if quantization else 0,
        raw[buffer.offset : buffer.offset + buffer.size],
        buffer.offset,
    )


def _operator(operator: reader.Operator, codes: Sequence[reader.OperatorCode]) -> Operator:
    code = codes[operator.code]
    activation = ""
    if code.name in _ACTIVATION_FIELDS and operator.options is not None and not code.custom:
        number = operator.options.scalar(_ACTIVATION_FIELDS[code.name], "i8")
        activation = _ACTIVATIONS[number] if 0 <= number < len(_ACTIVATIONS) else f"ACTIVATION_{number}"
    return Operator(code.name, code.version, operator.inputs, operator.outputs, code.custom, activation)


def _signature(signature: reader.Signature) -> Signature:
    inputs, outputs = ({t.name: t.tensor.index for t in side} for side in (signature.inputs, signature.outputs))
    return Signature(signature.name, signature.subgraph, inputs, outputs)
