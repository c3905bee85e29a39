"""Where a delegate cuts a graph: the pieces that it gets, given which operators it takes.

Source: PartitionGraphIntoIndependentNodeSubsets in tflite/graph_info.cc of LiteRT (2026), greedily, as the interpreter
calls it: operators of one kind join a piece as soon as their inputs are there. Those with side effects keep their order.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .graph import Graph

# Operators that the runtime says might have side effects: MightHaveSideEffect in tflite/core/subgraph.cc counts all
# that touch resources and all that call subgraphs.
_CALLS = frozenset({"CALL_ONCE", "IF", "WHILE"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Operators, by their places, that run one after another in one place."""

    delegated: bool
    nodes: tuple[int, ...]


def partition(graph: Graph, taken: Collection[int]) -> tuple[Piece, ...]:
    """The pieces of a graph in the order in which they run, where the operators at `taken` go to the delegate."""
    waiting = {t.index for node in graph.nodes for t in node.outputs if t is not None}
    left = {node.index for node in graph.nodes}
    before = _before(graph)
    wanted = set(taken)
    pieces: list[Piece] = []
    while left:
        delegated: bool | None = None
        nodes: list[int] = []
        while True:
            joined = False
            for index in sorted(left):
                node = graph.nodes[index]
                if any(t is not None and t.index in waiting for t in node.inputs) or before.get(index, -1) in left:
                    continue
                if delegated is None:
                    delegated = index in wanted
                if delegated == (index in wanted):
                    left.remove(index)
                    nodes.append(index)
                    waiting -= {t.index for t in node.outputs if t is not None}
                    joined = True
            if not joined:
                break
        if not nodes:  # a damaged file with a cycle: nothing of the rest could ever run
            break
        pieces.append(Piece(bool(delegated), tuple(nodes)))
    return tuple(pieces)


def _before(graph: Graph) -> dict[int, int]:
    """Operator with side effects -> the one that has to run before it."""
    found: dict[int, int] = {}
    last = -1
    for node in graph.nodes:
        if node.name in _CALLS or any(t.dtype == "resource" for t in node.tensors()):
            if last >= 0:
                found[node.index] = last
            last = node.index
    return found
