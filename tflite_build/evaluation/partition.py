"""Where a delegate cuts a graph: the pieces that it gets, given which operators it takes.

Source: PartitionGraphIntoIndependentNodeSubsets in tflite/graph_info.cc of LiteRT (2026), greedily, as the interpreter
calls it: operators of one kind join a piece as soon as their inputs are there. Those with side effects keep their order.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from heapq import heappop, heappush

from .graph import Graph

# Operators that might have side effects, beside those that touch resources: OpMightHaveSideEffect in
# tflite/core/subgraph.cc.
_CALLS = frozenset({"CALL_ONCE", "IF", "WHILE"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Operators, by their places, that run one after another in one place."""

    delegated: bool
    nodes: tuple[int, ...]


def partition(graph: Graph, taken: Collection[int]) -> tuple[Piece, ...]:
    """The pieces of a graph in the order in which they run, where the operators at `taken` go to the delegate.

    The runtime walks over all operators again and again; here those whose inputs are there wait in two heaps, which gives
    the same pieces. Operators of a damaged file that wait for each other are in none.
    """
    wanted = set(taken)
    after, missing = _edges(graph)
    ready: dict[bool, list[int]] = {True: [], False: []}
    for node in graph.nodes:
        if not missing[node.index]:
            heappush(ready[node.index in wanted], node.index)
    pieces: list[Piece] = []
    while ready[True] or ready[False]:
        delegated = not ready[False] or (bool(ready[True]) and ready[True][0] < ready[False][0])
        nodes: list[int] = []
        while ready[delegated]:
            index = heappop(ready[delegated])
            nodes.append(index)
            for follower in after[index]:
                missing[follower] -= 1
                if not missing[follower]:
                    heappush(ready[follower in wanted], follower)
        pieces.append(Piece(delegated, tuple(nodes)))
    return tuple(pieces)


def _edges(graph: Graph) -> tuple[list[list[int]], list[int]]:
    """The operators that wait for each one, and how many each waits for."""
    producers: dict[int, int] = {}
    for node in graph.nodes:
        producers |= {t.index: node.index for t in node.outputs if t is not None}
    before = _before(graph)
    after: list[list[int]] = [[] for _ in graph.nodes]
    missing = [0] * len(graph.nodes)
    for node in graph.nodes:
        needed = {producers[t.index] for t in node.inputs if t is not None and t.index in producers}
        if node.index in before:
            needed.add(before[node.index])
        for index in needed:
            after[index].append(node.index)
        missing[node.index] = len(needed)
    return after, missing


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
