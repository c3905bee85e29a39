"""A subgraph as the figures look at it: operators with their tensors, and what of these lies in the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from tflite_build.tflite.flatbuffer import Table
from tflite_build.tflite.reader import BITS, Model, Subgraph, Tensor

# Fields of the options tables by operator: name -> (number, kind, default). Source: schema.fbs of LiteRT (2026).
_FUSED = {"activation": (0, "i8", 0)}
_POOL = {
    "stride_w": (1, "i32", 0),
    "stride_h": (2, "i32", 0),
    "filter_w": (3, "i32", 0),
    "filter_h": (4, "i32", 0),
    "activation": (5, "i8", 0),
}
_OPTIONS: dict[str, dict[str, tuple[int, str, int]]] = {
    "ADD": _FUSED,
    "MUL": _FUSED,
    "SUB": _FUSED,
    "DIV": _FUSED,
    "AVERAGE_POOL_2D": _POOL,
    "MAX_POOL_2D": _POOL,
    "CONV_2D": {"stride_w": (1, "i32", 0), "stride_h": (2, "i32", 0), "activation": (3, "i8", 0)},
    "DEPTHWISE_CONV_2D": {
        "stride_w": (1, "i32", 0),
        "stride_h": (2, "i32", 0),
        "depth_multiplier": (3, "i32", 0),
        "activation": (4, "i8", 0),
    },
    "FULLY_CONNECTED": {"activation": (0, "i8", 0), "weights_format": (1, "i8", 0), "keep_num_dims": (2, "u8", 0)},
    "LSTM": {"activation": (0, "i8", 0), "kernel_type": (3, "i8", 0)},
    "TRANSPOSE_CONV": {"stride_w": (1, "i32", 0), "stride_h": (2, "i32", 0), "activation": (3, "i8", 0)},
    "SOFTMAX": {"beta": (0, "f32", 0)},
    "STRIDED_SLICE": {
        "ellipsis_mask": (2, "i32", 0),
        "new_axis_mask": (3, "i32", 0),
        "shrink_axis_mask": (4, "i32", 0),
    },
    "DEPTH_TO_SPACE": {"block_size": (0, "i32", 0)},
    "SPACE_TO_DEPTH": {"block_size": (0, "i32", 0)},
    "MIRROR_PAD": {"mode": (0, "i8", 0)},
    "ONE_HOT": {"axis": (0, "i32", 0)},
    "BATCH_MATMUL": {"adj_x": (0, "u8", 0), "adj_y": (1, "u8", 0)},
    "RESIZE_BILINEAR": {"align_corners": (2, "u8", 0), "half_pixel_centers": (3, "u8", 0)},
    "UNIDIRECTIONAL_SEQUENCE_LSTM": {"time_major": (1, "u8", 0)},
    "UNIDIRECTIONAL_SEQUENCE_RNN": {"time_major": (0, "u8", 0)},
    "BIDIRECTIONAL_SEQUENCE_LSTM": {"time_major": (2, "u8", 1)},
    "BIDIRECTIONAL_SEQUENCE_RNN": {"time_major": (0, "u8", 0)},
    "IF": {"then": (0, "i32", 0), "else": (1, "i32", 0)},
    "WHILE": {"cond": (0, "i32", 0), "body": (1, "i32", 0)},
    "CALL_ONCE": {"init": (0, "i32", 0)},
}
# The options of an operator that name subgraphs.
_CALLS = {"IF": ("then", "else"), "WHILE": ("cond", "body"), "CALL_ONCE": ("init",)}


def dims(tensor: Tensor) -> tuple[int, ...]:
    """The shape with 1 for each dynamic dimension, as the runtime allocates it before an input is resized."""
    return tuple(d if d >= 0 else 1 for d in tensor.shape)


def elements(tensor: Tensor) -> int:
    """The number of values; dynamic dimensions count as 1."""
    return prod(dims(tensor))


def size(tensor: Tensor) -> int:
    """Bytes in memory; dynamic dimensions count as 1, types without a size (string, resource, variant) as 0."""
    return (elements(tensor) * BITS.get(tensor.dtype, 0) + 7) // 8


def is_dynamic(tensor: Tensor) -> bool:
    """Whether a dimension is open, or even the rank."""
    return any(d < 0 for d in tensor.shape)


@dataclass(frozen=True, slots=True)
class Node:
    """An operator with its tensors.

    Attributes:
        index: Its place in the order of execution.
        name: As in schema.fbs, such as CONV_2D; a custom operator's own.
        inputs: None for an optional one that is absent.
    """

    index: int
    name: str
    custom: bool
    flex: bool
    version: int
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor | None, ...]
    options: Table | None

    def input(self, index: int) -> Tensor | None:
        """An input; None where it is absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    def output(self, index: int = 0) -> Tensor | None:
        """An output; None where it is absent."""
        return self.outputs[index] if index < len(self.outputs) else None

    def tensors(self) -> Iterator[Tensor]:
        """All inputs and outputs that are there."""
        yield from (t for t in (*self.inputs, *self.outputs) if t is not None)

    def option(self, name: str) -> float | None:
        """A field of the builtin options; None where the operator has none of that name."""
        field = _OPTIONS.get(self.name, {}).get(name)
        if field is None or self.custom:
            return None
        number, kind, default = field
        if self.options is None:
            return default
        if kind == "f32":
            bits = self.options.scalar(number, "u32")
            return float(struct.unpack("<f", struct.pack("<I", bits))[0])
        return self.options.scalar(number, kind, default)


@dataclass(frozen=True, slots=True)
class Graph:
    """A subgraph.

    Attributes:
        constants: The tensors, by index, whose values are in the file.
        calls: The subgraphs, by index, that its operators call.
    """

    index: int
    subgraph: Subgraph
    nodes: tuple[Node, ...]
    constants: frozenset[int]
    calls: tuple[int, ...]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors by index."""
        return self.subgraph.tensors

    def is_constant(self, tensor: Tensor) -> bool:
        """Whether the values are in the file."""
        return tensor.index in self.constants


def graphs(model: Model) -> tuple[Graph, ...]:
    """All subgraphs of a file, by index."""
    return tuple(_graph(model, index) for index in range(len(model.subgraphs)))


def reached(all_graphs: tuple[Graph, ...], start: int) -> tuple[Graph, ...]:
    """A subgraph and all that it calls, each once."""
    found: dict[int, Graph] = {}
    waiting = [start]
    while waiting:
        index = waiting.pop()
        if index in found:
            continue
        found[index] = all_graphs[index]
        waiting += [called for called in all_graphs[index].calls if 0 <= called < len(all_graphs)]
    return tuple(found.values())


def _graph(model: Model, index: int) -> Graph:
    subgraph = model.subgraphs[index]

    def tensors(indices: tuple[int, ...]) -> tuple[Tensor | None, ...]:
        return tuple(subgraph.tensors[i] if i >= 0 else None for i in indices)

    nodes = []
    for place, operator in enumerate(subgraph.operators):
        code = model.codes[operator.code]
        nodes.append(
            Node(
                place,
                code.name,
                code.custom,
                code.flex,
                code.version,
                tensors(operator.inputs),
                tensors(operator.outputs),
                operator.options,
            )
        )
    calls = [int(node.option(name) or 0) for node in nodes for name in _CALLS.get(node.name, ())]
    stored = (t.index for t in subgraph.tensors if t.buffer and model.buffers[t.buffer].size)
    return Graph(index, subgraph, tuple(nodes), frozenset(stored), tuple(dict.fromkeys(calls)))
