"""Peak memory of activations, planned as the runtime's own arena planner does.

Source: ArenaPlanner (arena_planner.cc) and SimpleMemoryArena::Allocate (simple_memory_arena.cc) under tflite/ of
LiteRT (2026): greedy by size, offsets aligned to 64 bytes, operators that may work in place share a tensor. Scratch
memory that kernels ask for themselves (such as im2col) is not in the file and not counted; neither is what a delegate
takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from .graph import Graph, size

_ALIGNMENT = 64  # kDefaultTensorAlignment
_SMALLEST_SHARED = 4  # kScalarTensorBytes: a tensor that large is not shared
# Operator -> the inputs that its output may share memory with, and whether the values stay as they are. Source:
# `inplace_operator` of the registrations in tflite/kernels.
_IN_PLACE: Mapping[str, tuple[tuple[int, ...], bool]] = {
    "ADD": ((0, 1), False),
    "BITCAST": ((0,), True),
    "DIV": ((0, 1), False),
    "DYNAMIC_UPDATE_SLICE": ((0,), False),
    "EXPAND_DIMS": ((0,), True),
    "MUL": ((0, 1), False),
    "RESHAPE": ((0,), True),
    "SOFTMAX": ((0,), False),
    "SQUEEZE": ((0,), True),
    "SUB": ((0, 1), False),
}


@dataclass(frozen=True, slots=True)
class Arena:
    """A plan of one subgraph.

    Attributes:
        size: Bytes of the arena: the peak of activations.
        persistent: Bytes of what stays between calls, which has an arena of its own: variables, and weights that are
            dequantized once.
        offsets: Where each tensor of the arena lies, by index.
    """

    size: int
    persistent: int
    offsets: Mapping[int, int]


@dataclass(frozen=True, order=True, slots=True)
class _Block:
    offset: int
    end: int


class _Memory:
    """One arena: tensors with the span of operators in which they are needed.

    The runtime looks at every tensor that it has placed; here only at those that are alive meanwhile, which are few.
    """

    def __init__(self, operators: int) -> None:
        self._alive: list[list[_Block]] = [[] for _ in range(max(1, operators))]
        self.size = 0

    def place(self, wanted: int, first: int, last: float) -> int:
        span = self._alive[first : int(min(last, len(self._alive) - 1)) + 1]
        best, best_fit = -1, inf
        current = 0
        for block in sorted({block for blocks in span for block in blocks}):
            aligned = _aligned(current)
            if aligned + wanted <= block.offset and block.offset - aligned < best_fit:
                best, best_fit = aligned, block.offset - current
            current = max(current, block.end)
            if best_fit == 0:
                break
        offset = best if best >= 0 else _aligned(current)
        self.size = max(self.size, offset + wanted)
        for blocks in span:
            blocks.append(_Block(offset, offset + wanted))
        return offset


def plan(graph: Graph) -> Arena:
    """The plan of a subgraph, with dynamic dimensions as 1."""
    sizes = {t.index: size(t) for t in graph.tensors}
    variables = [t.index for t in graph.tensors if t.is_variable]
    lasting = {*variables, *_dequantized(graph)}
    held = {*graph.constants, *(t.index for t in graph.tensors if not sizes[t.index])}
    shared = _shared(graph, sizes, held | lasting)
    first, last = _spans(graph, variables, shared)
    memory, persistent = _Memory(len(graph.nodes)), _Memory(1)
    for index in sorted(lasting - held):
        persistent.place(sizes[index], 0, inf)

    def order(index: int) -> tuple[bool, int, int]:
        whole = first[index] == 0 and last[index] == inf
        return (False, index, 0) if whole else (True, -sizes[index], first[index])

    wanted = [i for i in first if i not in held and i not in shared and i not in lasting]
    offsets = {i: memory.place(sizes[i], first[i], last[i]) for i in sorted(wanted, key=order)}
    for index, owner in shared.items():
        if owner in offsets:
            offsets[index] = offsets[owner]
    return Arena(memory.size, persistent.size, offsets)


def _dequantized(graph: Graph) -> set[int]:
    """What operators make of stored weights alone, once: Prepare in tflite/kernels/dequantize.cc."""
    return {
        output.index
        for node in graph.nodes
        if node.name == "DEQUANTIZE"
        and (given := node.input(0)) is not None
        and graph.is_constant(given)
        and (output := node.output()) is not None
    }


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def _uses(graph: Graph, shared: Mapping[int, int]) -> dict[int, int]:
    """How often each tensor is needed: as an input of an operator, and for good."""
    counts = dict.fromkeys(range(len(graph.tensors)), 0)
    variables = [t.index for t in graph.tensors if t.is_variable]
    for index in (*graph.subgraph.outputs, *variables, *graph.subgraph.inputs):
        counts[index] += 1
    for node in graph.nodes:
        for tensor in node.inputs:
            if tensor is not None:
                counts[shared.get(tensor.index, tensor.index)] += 1
    return counts


def _shared(graph: Graph, sizes: Mapping[int, int], held: set[int]) -> dict[int, int]:
    """Tensors that lie where another one does, which an operator in place overwrites or passes on."""
    uses = _uses(graph, {})
    shared: dict[int, int] = {}
    inputs, outputs = set(graph.subgraph.inputs), set(graph.subgraph.outputs)
    for node in graph.nodes:
        places, same = _IN_PLACE.get(node.name, ((), False))
        output = node.output()
        if output is None or node.custom:
            continue
        for tensor in (node.input(place) for place in places):
            if tensor is None or tensor.index in inputs or output.index in outputs:
                continue
            if tensor.index in held:
                continue
            equal = sizes[tensor.index] == sizes[output.index] and sizes[tensor.index] > _SMALLEST_SHARED
            if not same and (not equal or uses[tensor.index] > 1):
                continue
            owner = shared.get(tensor.index, tensor.index)
            if same or uses[owner] <= 1:
                shared[output.index] = owner
            break
    return {index: owner for index, owner in shared.items() if sizes[index] == sizes[owner]}


def _spans(graph: Graph, variables: list[int], shared: Mapping[int, int]) -> tuple[dict[int, int], dict[int, float]]:
    """The first and the last operator that needs each tensor; the last is infinite for what stays."""
    left = _uses(graph, shared)
    first = dict.fromkeys((*variables, *graph.subgraph.inputs), 0)
    last: dict[int, float] = {}
    for node in graph.nodes:
        for tensor in node.outputs:
            if tensor is not None:
                first.setdefault(tensor.index, node.index)
        for tensor in node.inputs:
            if tensor is None:
                continue
            index = shared.get(tensor.index, tensor.index)
            left[index] -= 1
            if left[index] == 0 and index in first:
                last[index] = node.index
    return first, {index: last.get(index, inf) for index in first}
