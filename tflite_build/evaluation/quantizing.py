"""What quantizers make of a float file: which kinds change anything in it, and about how large its file becomes.

Knows which operators litert-quantizer takes, and nothing of accuracy. Source: DEFAULT_JSON_POLICY in default_policy.py of
litert-quantizer (2026). Weights are made smaller wherever they are; arithmetic is made integer outside of the bodies of
loops and branches alone, whose values nobody sees while ranges are measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tflite_build.tflite.reader import Model, Tensor

from .graph import Graph, Node, dims, size

# Operator -> which input its weights are, and along which axis they have scales. float16 and dynamic-int8 take these.
_WEIGHTED: Mapping[str, tuple[int, int]] = {
    "BATCH_MATMUL": (1, -1),
    "CONV_2D": (1, 0),
    "DEPTHWISE_CONV_2D": (1, -1),
    "EMBEDDING_LOOKUP": (1, 0),
    "FULLY_CONNECTED": (1, 0),
    "TRANSPOSE_CONV": (1, 0),
}
_WITH_BIAS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
# What int8 makes integer; DIV has a form, which the tool leaves in float.
_INTEGER = frozenset(
    [
        "ADD",
        "AVERAGE_POOL_2D",
        "BATCH_MATMUL",
        "BROADCAST_TO",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "DYNAMIC_UPDATE_SLICE",
        "FULLY_CONNECTED",
        "GATHER",
        "GATHER_ND",
        "GELU",
        "HARD_SWISH",
        "LOGISTIC",
        "MAXIMUM",
        "MAX_POOL_2D",
        "MEAN",
        "MIRROR_PAD",
        "MUL",
        "PACK",
        "PAD",
        "PADV2",
        "REDUCE_MIN",
        "RELU",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "RSQRT",
        "SELECT",
        "SELECT_V2",
        "SLICE",
        "SOFTMAX",
        "SPACE_TO_DEPTH",
        "SPLIT",
        "SQRT",
        "SQUARED_DIFFERENCE",
        "STABLEHLO_COMPOSITE",
        "STRIDED_SLICE",
        "SUB",
        "SUM",
        "TANH",
        "TRANSPOSE",
        "TRANSPOSE_CONV",
        "UNPACK",
    ]
)
_FLOAT = "float32"
# Bytes in the file, as files show them: a scale with its zero point, the table of them that a tensor has, an operator that
# converts with the tensor that it gives, a tensor; names aside.
_SCALE, _TABLE, _CONVERSION, _TENSOR = 12, 44, 90, 60


@dataclass(frozen=True, slots=True)
class Quantizing:
    """What quantizers make of a file.

    Attributes:
        kinds: Of "float16", "dynamic-int8" and "int8" those that change anything in it.
        smaller: About how many bytes the file has with each of these, where that is less.
    """

    kinds: tuple[str, ...]
    smaller: Mapping[str, int]


NONE = Quantizing((), {})  # no proxy: JSON is made of copies


def quantizing(model: Model, graphs: tuple[Graph, ...]) -> Quantizing:
    """What quantizers make of a file whose weights are float32."""
    main = {s.subgraph for s in model.signatures}
    weights = [w for graph in graphs for w in _weights(graph).values()]
    once = {w.tensor.buffer: w.tensor for w in weights}.values()  # which several graphs may have
    integer = [g for g in graphs if g.index in main]
    sizes = {}
    if weights:
        made = sum(_CONVERSION + len(w.tensor.name) for w in weights)  # float32 of each
        sizes["float16"] = model.size + made - sum(size(tensor) // 2 for tensor in once)
        tables = sum(_table(w.scales) for w in weights)
        sizes["dynamic-int8"] = model.size + tables - sum(_saved(tensor) for tensor in once)
    stored: set[int] = set()
    if any(_is_integer(node) for graph in integer for node in graph.nodes):
        sizes["int8"] = model.size + sum(_in_int8(graph, stored) for graph in integer)
    return Quantizing(tuple(sizes), {kind: count for kind, count in sizes.items() if count < model.size})


@dataclass(frozen=True, slots=True)
class _Weight:
    """A constant that has forms of its own, and how many scales it gets."""

    tensor: Tensor
    scales: int


def _weights(graph: Graph) -> dict[int, _Weight]:
    """The weights by the indices of their tensors."""
    found = {}
    for node in graph.nodes:
        place = None if node.custom else _WEIGHTED.get(node.name)
        tensor = node.input(place[0]) if place else None
        if place and tensor is not None and graph.is_constant(tensor) and tensor.dtype == _FLOAT:
            shape = dims(tensor)
            found[tensor.index] = _Weight(tensor, shape[place[1]] if shape else 1)
    return found


def _is_integer(node: Node) -> bool:
    made = node.output()
    return not node.custom and node.name in _INTEGER and made is not None and made.dtype == _FLOAT


def _table(scales: int) -> int:
    """What a quantized tensor has beside its values."""
    return _SCALE * scales + _TABLE


def _saved(tensor: Tensor) -> int:
    """What a constant needs less in one byte for each number."""
    return size(tensor) * 3 // 4


def _in_int8(graph: Graph, stored: set[int]) -> int:
    """What integer arithmetic adds to a graph: constants in a byte, biases in four as before, scales everywhere.

    `stored` are the buffers of constants that other graphs have too, which are in the file once; it gets this one's.
    """
    channels = {index: weight.scales for index, weight in _weights(graph).items()}
    seen: set[int] = set()
    added = 0
    for node in filter(_is_integer, graph.nodes):
        scales = next((channels[t.index] for t in node.inputs if t is not None and t.index in channels), 1)
        bias = node.input(2) if node.name in _WITH_BIAS else None
        for tensor in node.tensors():
            if bias is not None and tensor.index == bias.index:
                # One that several share has scales of each, so that it is there several times.
                added += _table(scales) + (tensor.index in seen) * (size(tensor) + len(tensor.name) + _TENSOR)
            elif tensor.index in seen or tensor.dtype != _FLOAT:
                continue
            elif graph.is_constant(tensor):
                added += _table(channels.get(tensor.index, 1))
                added -= _saved(tensor) if tensor.buffer not in stored else 0
                stored.add(tensor.buffer)
            else:
                added += _table(1)
            seen.add(tensor.index)
    ends = {*graph.subgraph.inputs, *graph.subgraph.outputs}
    return added + sum(_CONVERSION + len(t.name) for t in graph.tensors if t.index in ends & seen)
