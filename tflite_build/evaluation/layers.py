"""The layer that an operator or a tensor comes from, as the user named it, from the names that converters give tensors.

litert-converter joins the scopes of what it fused: `max;jit(model)/digits/conv2d/add;jit(model)/digits/conv2d/...`;
TensorFlow does the same with `model/conv2d/Relu;model/conv2d/BiasAdd`. Knows nothing of what operators compute.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from .graph import Graph, Node

# What computes with weights is what people think of as the layer, where something was fused with it.
_MAIN = re.compile(r"conv|dot_general|matmul|depthwise|einsum|lstm|gru|gather|embedding", re.IGNORECASE)
_CALLER = re.compile(r"(jit\(.*\)|jvp\(.*\)|StatefulPartitionedCall.*|PartitionedCall.*)$")


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of one subgraph.

    Attributes:
        of_node: Of each operator, by its place.
        of_constant: Of each constant that an operator reads, by its index.
        producer: The operator that gives each tensor, by the tensor's index.
    """

    of_node: Mapping[int, str]
    of_constant: Mapping[int, str]
    producer: Mapping[int, int]


def layers(graph: Graph, known: Collection[str] = ()) -> Layers:
    """Which layer each operator and constant of a graph comes from; "" where no name tells it.

    Args:
        graph: The graph.
        known: The names of the model's layers, where something else tells them.
    """
    paths = {t.index: [_from(known, path) for path in _paths(t.name)] for t in graph.tensors}
    above = _model_name(path for found in paths.values() for path in found)
    of_node: dict[int, str] = {}
    of_constant: dict[int, str] = {}
    producer: dict[int, int] = {}
    for node in graph.nodes:
        name = _layer(_names(node, paths, graph), above)
        if not name:  # such as the last softmax, whose output has the signature's name
            before = next((t.index for t in node.inputs if t is not None and not graph.is_constant(t)), -1)
            name = of_node.get(producer.get(before, -1), "")
        of_node[node.index] = name
        producer |= {t.index: node.index for t in node.outputs if t is not None}
        for tensor in node.inputs:
            if tensor is not None and graph.is_constant(tensor):
                of_constant.setdefault(tensor.index, name)
    return Layers(of_node, of_constant, producer)


def _names(node: Node, paths: Mapping[int, list[list[str]]], graph: Graph) -> list[list[str]]:
    """The paths that tell the most first: of the weights, then of the output."""
    weights = [t.index for t in node.inputs if t is not None and graph.is_constant(t) and len(t.shape) > 1]
    outputs = [t.index for t in node.outputs if t is not None]
    return [path for index in (*weights, *outputs) for path in paths[index]]


def _paths(name: str) -> list[list[str]]:
    """The scopes in a tensor's name, without who called the model."""
    found = []
    for part in name.split(";"):
        scopes = [scope for scope in part.split("/") if scope and not _CALLER.match(scope)]
        if len(scopes) > 1:
            found.append(scopes)
    return found


def _from(known: Collection[str], path: list[str]) -> list[str]:
    """`path` from the first layer in it on, where one is known."""
    start = next((i for i, scope in enumerate(path[:-1]) if scope in known), 0)
    return path[start:]


def _model_name(paths: Iterable[list[str]]) -> str:
    """The first scope, where all paths share it and it is no layer itself."""
    all_paths = list(paths)
    first = {path[0] for path in all_paths}
    shared = len(first) == 1 and len({tuple(p[:2]) for p in all_paths if len(p) > 2}) > 1
    return first.pop() if shared else ""


def _layer(paths: list[list[str]], above: str) -> str:
    main = next((p for p in paths if _MAIN.search(p[-1])), paths[0] if paths else [])
    scopes = main[1:-1] if main and main[0] == above else main[:-1]
    return "/".join(scopes)
