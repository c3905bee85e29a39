"""What a file holds and what goes in and out: parameters, bytes by type and by layer, inputs and outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tflite_build.tflite.reader import Model
from tflite_build.tflite.summary import is_parameter

from .graph import Graph, elements, size
from .layers import Layers


@dataclass(frozen=True, slots=True)
class Activation:
    """A tensor that is computed: the layer that gives it (the tensor's own name where none is known), shape and bytes."""

    layer: str
    shape: tuple[int, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Data:
    """Sizes, in bytes.

    Attributes:
        parameters: The number of weights (see `is_parameter`).
        by_type: Bytes of constants by type.
        by_layer: Bytes of constants by layer, the largest first; "" for those whose layer no name tells.
        inputs: Bytes of the inputs of each signature.
        outputs: Bytes of the outputs of each signature.
        largest: The largest activations.
    """

    file: int
    parameters: int
    by_type: Mapping[str, int]
    by_layer: Mapping[str, int]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    largest: tuple[Activation, ...]


_SHOWN = 5


def data(model: Model, graphs: tuple[Graph, ...], layers: tuple[Layers, ...]) -> Data:
    """The sizes of a file. A buffer that several tensors share counts once."""
    by_type: Counter[str] = Counter()
    by_layer: Counter[str] = Counter()
    parameters = 0
    seen: set[int] = set()
    for graph, named in zip(graphs, layers, strict=True):
        for tensor in graph.tensors:
            if not graph.is_constant(tensor) or tensor.buffer in seen:
                continue
            seen.add(tensor.buffer)
            held = model.buffers[tensor.buffer].size
            by_type[tensor.dtype] += held
            by_layer[named.of_constant.get(tensor.index, "")] += held
            if is_parameter(tensor):
                parameters += elements(tensor)
    activations = {
        Activation(named.of_node.get(named.producer.get(t.index, -1)) or t.name, t.shape, size(t))
        for graph, named in zip(graphs, layers, strict=True)
        for t in graph.tensors
        if not graph.is_constant(t) and not t.is_variable
    }
    return Data(
        model.size,
        parameters,
        dict(by_type.most_common()),
        dict(by_layer.most_common()),
        {s.name: sum(size(t.tensor) for t in s.inputs) for s in model.signatures},
        {s.name: sum(size(t.tensor) for t in s.outputs) for s in model.signatures},
        tuple(sorted(activations, key=lambda a: (-a.size, a.layer))[:_SHOWN]),
    )
