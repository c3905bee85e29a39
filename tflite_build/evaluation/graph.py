"""A subgraph as the figures look at it: operators with their tensors, and what of these lies in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from tflite_build.tflite import options
from tflite_build.tflite.options import Value
from tflite_build.tflite.reader import BITS, Model, Subgraph, Tensor


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
        options: By the names of schema.fbs, as specs/operator-options.toml has them.
        calls: The subgraphs that it runs, each with what for: "cond" and "body" of a loop.
    """

    index: int
    name: str
    custom: bool
    flex: bool
    version: int
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor | None, ...]
    options: Mapping[str, Value]
    calls: tuple[tuple[str, int], ...] = ()

    def input(self, index: int) -> Tensor | None:
        """An input; None where it is absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    def output(self, index: int = 0) -> Tensor | None:
        """An output; None where it is absent."""
        return self.outputs[index] if index < len(self.outputs) else None

    def tensors(self) -> Iterator[Tensor]:
        """All inputs and outputs that are there."""
        yield from (t for t in (*self.inputs, *self.outputs) if t is not None)

    def number(self, name: str) -> float:
        """An option that is a number or a switch; 0 where the operator does not say."""
        value = self.options.get(name, 0)
        return value if isinstance(value, int | float) else 0


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
        waiting += all_graphs[index].calls
    return tuple(found.values())


def _graph(model: Model, index: int) -> Graph:
    subgraph = model.subgraphs[index]

    def tensors(indices: tuple[int, ...]) -> tuple[Tensor | None, ...]:
        return tuple(subgraph.tensors[i] if i >= 0 else None for i in indices)

    nodes, calls = [], []
    for place, operator in enumerate(subgraph.operators):
        code = model.codes[operator.code]
        said = {} if code.custom else {o.name: o.value for o in options.options(operator)}
        called = tuple((call.role, call.subgraph) for call in options.calls(model, operator))
        calls += [subgraph for _, subgraph in called]
        given, made = tensors(operator.inputs), tensors(operator.outputs)
        nodes.append(Node(place, code.name, code.custom, code.flex, code.version, given, made, said, called))
    stored = (t.index for t in subgraph.tensors if t.buffer and model.buffers[t.buffer].size)
    return Graph(index, subgraph, tuple(nodes), frozenset(stored), tuple(dict.fromkeys(calls)))
