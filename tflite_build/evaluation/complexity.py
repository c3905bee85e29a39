"""How involved a model is: operators, depth, control flow, what is open in its shapes, what it keeps between calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflite_build.tflite.reader import Model

from .graph import Graph, is_dynamic

_CONTROL = ("IF", "WHILE", "CALL_ONCE")


@dataclass(frozen=True, slots=True)
class Complexity:
    """Counts over the whole file.

    Attributes:
        kinds: How many kinds of operators there are.
        control_flow: The operators that call subgraphs, by name, as often as they are there.
        dynamic_inputs: The inputs with open dimensions, by name.
        dynamic_tensors: How many tensors have open dimensions.
        variables: How many tensors keep their values between calls.
    """

    operators: int
    kinds: int
    signatures: int
    subgraphs: int
    tensors: int
    control_flow: tuple[str, ...]
    dynamic_inputs: tuple[str, ...]
    dynamic_tensors: int
    variables: int


def complexity(model: Model, graphs: Sequence[Graph]) -> Complexity:
    """The counts of a file."""
    nodes = [node for graph in graphs for node in graph.nodes]
    tensors = [tensor for graph in graphs for tensor in graph.tensors]
    open_inputs = (t.name for s in model.signatures for t in s.inputs if is_dynamic(t.tensor))
    return Complexity(
        len(nodes),
        len({(node.name, node.custom) for node in nodes}),
        len(model.signatures),
        len(graphs),
        len(tensors),
        tuple(node.name for node in nodes if node.name in _CONTROL and not node.custom),
        tuple(dict.fromkeys(open_inputs)),
        sum(is_dynamic(tensor) for tensor in tensors),
        sum(t.is_variable for t in tensors) + sum(n.name == "VAR_HANDLE" for n in nodes),
    )


def depth(graph: Graph) -> int:
    """The operators on the longest way from an input to an output: what cannot run at the same time."""
    after: dict[int, int] = {}
    deepest = 0
    for node in graph.nodes:
        level = 1 + max((after.get(t.index, 0) for t in node.inputs if t is not None), default=0)
        deepest = max(deepest, level)
        after |= {t.index: level for t in node.outputs if t is not None}
    return deepest
