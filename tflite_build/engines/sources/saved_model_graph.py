"""The graph of a SavedModel: which nodes it has, what they depend on and which operators they run.

Source of the field numbers: tensorflow/core/framework/graph.proto, function.proto and attr_value.proto of TensorFlow 2.21.
Standard library only. Knows nothing of signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tflite_build.engines.native import protobuf_wire as wire

_VARIABLE_OPS = frozenset({"VarHandleOp", "Variable", "VariableV2"})
_TABLE_OPS = frozenset({"HashTable", "HashTableV2"})
_FROM_FILE_OPS = frozenset({"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"})


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the graph: inputs are names of nodes, without their output numbers; `calls` are functions."""

    op: str
    inputs: tuple[str, ...]
    calls: tuple[str, ...] = ()
    shared_name: str = ""


@dataclass(frozen=True)
class Graph:
    """The nodes by name, and for each function what it runs and calls."""

    nodes: Mapping[str, Node]
    functions: Mapping[str, tuple[Mapping[str, int], tuple[str, ...]]]

    def operators(self) -> dict[str, int]:
        """How often each operator stands in the graph and in all functions."""
        counts: dict[str, int] = {}
        for node in self.nodes.values():
            counts[node.op] = counts.get(node.op, 0) + 1
        for inner, _ in self.functions.values():
            for op, count in inner.items():
                counts[op] = counts.get(op, 0) + count
        return dict(sorted(counts.items()))

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """The nodes `names` and all that they depend on."""
        found: set[str] = set()
        waiting = [name for name in names if name in self.nodes]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += [i for i in self.nodes[name].inputs if i in self.nodes]
        return found

    def variables(self, names: Iterable[str]) -> set[str]:
        """The variables among the nodes `names`, by shared name."""
        nodes = ((name, self.nodes[name]) for name in names)
        return {node.shared_name or name for name, node in nodes if node.op in _VARIABLE_OPS}

    def tables_from_files(self) -> set[str]:
        """The nodes of the tables that are filled from a file."""
        found: set[str] = set()
        for name, node in self.nodes.items():
            if (node.calls or node.op in _FROM_FILE_OPS) and self.runs(name) & _FROM_FILE_OPS:
                found |= {n for n in self.ancestors([name]) if self.nodes[n].op in _TABLE_OPS}
        return found

    def runs(self, name: str) -> set[str]:
        """The operators that the node `name` runs, those of the functions that it calls included."""
        node = self.nodes[name]
        operators = {node.op}
        seen: set[str] = set()
        waiting = list(node.calls)
        while waiting:
            function = waiting.pop()
            if function not in seen and function in self.functions:
                seen.add(function)
                inner, calls = self.functions[function]
                operators.update(inner)
                waiting += calls
        return operators


def node_name(tensor: str) -> str:
    """`node` of `node:0` and of `^node`."""
    return tensor.removeprefix("^").partition(":")[0]


def parse(data: memoryview) -> Graph:
    """The bytes of a GraphDef.

    Raises:
        DamagedError: They are none.
    """
    nodes: dict[str, Node] = {}
    for message in wire.messages(data, 1):
        name, node = _node(message)
        nodes[name] = node
    functions = {}
    for function in wire.messages(wire.message(data, 2), 1):
        counts: dict[str, int] = {}
        calls: list[str] = []
        for message in wire.messages(function, 3):
            _, node = _node(message)
            counts[node.op] = counts.get(node.op, 0) + 1
            calls += node.calls
        functions[wire.text(wire.message(function, 1), 1)] = (counts, tuple(calls))
    return Graph(nodes, functions)


def _node(data: memoryview) -> tuple[str, Node]:
    name = op = shared_name = ""
    inputs: list[str] = []
    calls: list[str] = []
    for number, _, value in wire.fields(data):
        if number == 1:
            name = wire.string(value)
        elif number == 2:
            op = wire.string(value)
        elif number == 3:
            inputs.append(node_name(wire.string(value)))
        elif number == 5 and not isinstance(value, int):
            key, attribute = wire.text(value, 1), wire.message(value, 2)
            if key == "shared_name":
                shared_name = wire.text(attribute, 2)
            else:
                calls += _called(attribute)
    return name, Node(op, tuple(inputs), tuple(calls), shared_name)


def _called(attribute: memoryview) -> Iterator[str]:
    """The functions that an attribute names: one, or a list of branches."""
    for number, kind, value in wire.fields(attribute):
        if kind == wire.BYTES and not isinstance(value, int):
            if number == 10:
                yield wire.text(value, 1)
            elif number == 1:
                for function in wire.messages(value, 9):
                    yield wire.text(function, 1)
