"""How much a model computes: multiply-accumulates by operator; the rest counted by the values that it gives.

A multiply-accumulate is one product added to a sum, so twice as many operations of float arithmetic. Dynamic dimensions
count as 1, and a loop whose number of steps the file does not say as one step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from .graph import Graph, Node, dims, elements
from .loops import Runs


@dataclass(frozen=True, slots=True)
class Compute:
    """The work of one call of each subgraph.

    Attributes:
        macs: Multiply-accumulates by operator.
        elementwise: Values given by operators that have none, by operator.
        by_layer: Multiply-accumulates by layer, the largest first.
        open_loops: How many loops count as one step, since nothing says how many they have.
    """

    macs: Mapping[str, int]
    elementwise: Mapping[str, int]
    by_layer: Mapping[str, int]
    open_loops: int = 0

    @property
    def total(self) -> int:
        """All multiply-accumulates."""
        return sum(self.macs.values())


def compute(graphs: tuple[Graph, ...], layer_of: Callable[[Graph, Node], str], runs: Runs) -> Compute:
    """The work of `graphs`, which run as often as `runs` says."""
    macs: Counter[str] = Counter()
    rest: Counter[str] = Counter()
    by_layer: Counter[str] = Counter()
    for graph in graphs:
        times = runs.times.get(graph.index, 1)
        for node in graph.nodes:
            rule = None if node.custom else _RULES.get(node.name)
            if rule is None:
                rest[node.name] += times * sum(elements(t) for t in node.outputs if t is not None)
                continue
            count = times * rule(node)
            macs[node.name] += count
            by_layer[layer_of(graph, node)] += count
    return Compute(dict(macs.most_common()), dict(rest.most_common()), dict(by_layer.most_common()), runs.open)


def macs(node: Node) -> int:
    """The multiply-accumulates of an operator; 0 where it has none."""
    rule = None if node.custom else _RULES.get(node.name)
    return rule(node) if rule else 0


def _shape(node: Node, index: int) -> tuple[int, ...]:
    tensor = node.input(index)
    return dims(tensor) if tensor is not None else ()


def _given(node: Node) -> int:
    tensor = node.output()
    return elements(tensor) if tensor is not None else 0


def _conv(node: Node) -> int:
    """The filter is [outputs, height, width, inputs of a group]."""
    return _given(node) * prod(_shape(node, 1)[1:])


def _depthwise(node: Node) -> int:
    """The filter is [1, height, width, outputs]."""
    return _given(node) * prod(_shape(node, 1)[1:3])


def _fully_connected(node: Node) -> int:
    """The filter is [outputs, inputs]."""
    return _given(node) * prod(_shape(node, 1)[1:])


def _conv_3d(node: Node) -> int:
    """The filter is [depth, height, width, inputs, outputs]."""
    return _given(node) * prod(_shape(node, 1)[:4])


def _transposed(node: Node) -> int:
    """The filter is [outputs, height, width, inputs]; each input value meets it once. The third input is the data."""
    return prod(_shape(node, 2)[:-1]) * prod(_shape(node, 1))


def _transposed_3d(node: Node) -> int:
    """The filter is [depth, height, width, outputs, inputs]."""
    return prod(_shape(node, 2)[:-1]) * prod(_shape(node, 1))


def _batch_matmul(node: Node) -> int:
    shape = _shape(node, 0)
    if len(shape) < 2:
        return 0
    return _given(node) * shape[-2 if node.number("adj_x") else -1]


def _recurrent(node: Node) -> int:
    """Every weight matrix meets the values of every time step. The data is [time, batch, ...] or [batch, time, ...]."""
    matrices = sum(elements(t) for t in node.inputs[1:] if t is not None and len(t.shape) == 2 and not t.is_variable)
    return prod(_shape(node, 0)[:-1]) * matrices


_RULES: Mapping[str, Callable[[Node], int]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "CONV_3D": _conv_3d,
    "TRANSPOSE_CONV": _transposed,
    "CONV_3D_TRANSPOSE": _transposed_3d,
    "BATCH_MATMUL": _batch_matmul,
    "LSTM": _recurrent,
    "RNN": _recurrent,
    "SVDF": _recurrent,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _recurrent,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _recurrent,
    "BIDIRECTIONAL_SEQUENCE_LSTM": _recurrent,
    "BIDIRECTIONAL_SEQUENCE_RNN": _recurrent,
}
