"""How often the parts of a graph run in one call: the bodies of loops as often as their counters say.

A loop whose count is in the file has the form that Keras and JAX give it: its condition holds while a counter is below a
number, the body adds one to the counter, and both the number and the counter's start are constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tflite_build.tflite.reader import Contents, Tensor

from .graph import Graph, Node, reached

_LOOPS = frozenset({"WHILE", "STABLEHLO_WHILE"})
_JOINED = frozenset({"LOGICAL_AND", "LOGICAL_OR", "CAST", "RESHAPE", "SQUEEZE"})
_INTEGERS = {"int32": 4, "int64": 8}


@dataclass(frozen=True, slots=True)
class Runs:
    """How often each subgraph runs in one call of a signature.

    Attributes:
        times: Subgraph -> how often; of several branches each once.
        open: Loops whose number of steps is not in the file: their bodies count once.
    """

    times: Mapping[int, int]
    open: int


def runs(file: Contents, graphs: tuple[Graph, ...], start: int) -> Runs:
    """How often the subgraphs run that a call of `start` reaches."""
    calls = {}
    unknown = 0
    for graph in reached(graphs, start):
        own = calls[graph.index] = list[tuple[int, int]]()
        for node in graph.nodes:
            steps: int | None = 1
            if node.name in _LOOPS and not node.custom:
                steps = _steps(file, graphs, graph, node)
                unknown += steps is None
            own += [(called, 1 if role == "cond" or steps is None else steps) for role, called in node.calls]
    times = dict.fromkeys(calls, 0) | {start: 1}
    order = _callers_first(calls, start)
    place = {index: number for number, index in enumerate(order)}
    for index in order:
        for called, count in calls[index]:
            if place[called] > place[index]:  # else the file is damaged: what calls itself would never end
                times[called] += times[index] * count
    return Runs(times, unknown)


def _callers_first(calls: Mapping[int, Sequence[tuple[int, int]]], start: int) -> list[int]:
    """The subgraphs in an order in which each comes before those that it calls."""
    done: dict[int, None] = {}
    seen = {start}
    waiting = [(start, iter(calls[start]))]
    while waiting:
        index, left = waiting[-1]
        called = next((c for c, _ in left if c not in seen), None)
        if called is None:
            done[index] = None
            waiting.pop()
        else:
            seen.add(called)
            waiting.append((called, iter(calls[called])))
    return list(done)[::-1]


def _steps(file: Contents, graphs: tuple[Graph, ...], graph: Graph, node: Node) -> int | None:
    """How many steps a loop has; None where the file does not say."""
    called = dict(node.calls)
    if "cond" not in called or "body" not in called:
        return None
    condition, body = graphs[called["cond"]], graphs[called["body"]]
    limits = []
    for comparison in condition.nodes:
        if comparison.custom or comparison.name in _JOINED:
            continue
        counter, limit = comparison.input(0), comparison.input(1)
        if comparison.name != "LESS" or counter is None or limit is None:
            return None
        place = _place(condition, counter)
        end = _constant(file, condition, limit)
        if end is None:  # handed around the loop as it is
            other = _place(condition, limit)
            end = None if other is None or not _kept(body, other) else _given(file, graph, node, other)
        if place is None or end is None:
            return None
        begin = _given(file, graph, node, place)
        if begin is None or not _counts(file, body, place):
            return None
        limits.append(max(0, end - begin))
    joined = any(n.name == "LOGICAL_OR" for n in condition.nodes)
    return None if not limits or joined else min(limits)


def _place(graph: Graph, tensor: Tensor) -> int | None:
    """Which of the inputs of `graph` a tensor is."""
    inputs = graph.subgraph.inputs
    return inputs.index(tensor.index) if tensor.index in inputs else None


def _kept(body: Graph, place: int) -> bool:
    """Whether a step hands on an input as it is."""
    given, made = body.subgraph.inputs, body.subgraph.outputs
    return place < min(len(given), len(made)) and given[place] == made[place]


def _counts(file: Contents, body: Graph, place: int) -> bool:
    """Whether a step adds one to an input."""
    if place >= len(body.subgraph.outputs):
        return False
    for node in body.nodes:
        made = node.output()
        if made is not None and made.index == body.subgraph.outputs[place]:
            terms = [t for t in node.inputs if t is not None]
            own = [t for t in terms if _place(body, t) == place]
            ones = [t for t in terms if _constant(file, body, t) == 1]
            return node.name == "ADD" and not node.custom and len(terms) == 2 and bool(own) and bool(ones)
    return False


def _given(file: Contents, graph: Graph, node: Node, place: int) -> int | None:
    """The whole number that a loop starts with in one of its places."""
    tensor = node.input(place)
    return None if tensor is None else _constant(file, graph, tensor)


def _constant(file: Contents, graph: Graph, tensor: Tensor) -> int | None:
    """The single whole number that the file holds of a tensor."""
    size = _INTEGERS.get(tensor.dtype)
    if size is None or not graph.is_constant(tensor):
        return None
    stored = file.stored(tensor)
    return int.from_bytes(stored, "little", signed=True) if len(stored) == size else None
