"""Which operators XNNPACK computes on the CPU, and in how many pieces: the rules of specs/xnnpack.toml.

Which stored weights are unpacked ahead of time: PrepareOpsToDelegate in xnnpack_delegate.cc of LiteRT (2026): an operator
that dequantizes stored weights goes with those that use them, where all of them are taken.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import rules
from .delegates import Coverage, NotTaken
from .graph import Graph, Node
from .layers import Layers
from .partition import partition

_SPLITS = (2, 3, 4)


def xnnpack(graph: Graph, layers: Layers) -> Coverage:
    """What XNNPACK gets of a graph."""
    table = rules.table("xnnpack")
    unpacked = _unpacked(graph)
    stored = graph.constants | set(unpacked)
    reasons: dict[int, str] = {}
    unpacking = set(unpacked.values())
    for node in graph.nodes:
        if node.index in unpacking:
            continue
        reasons[node.index] = rules.refusal(node, graph, table, _CHECKS, stored)
        if reasons[node.index]:
            unpacking -= {unpacked[t.index] for t in node.inputs if t is not None and t.index in unpacked}
    for index in set(unpacked.values()) - unpacking:
        reasons[index] = "what it makes is needed by an operator that is not taken"
    taken = {index for index, reason in reasons.items() if not reason} | unpacking
    pieces = partition(graph, taken)
    sizes = tuple(len(piece.nodes) for piece in pieces if piece.delegated)
    return Coverage(
        table.source,
        len(graph.nodes),
        len(taken),
        len(taken),
        sizes,
        (),
        tuple(
            NotTaken(graph.nodes[index].name, layers.of_node.get(index, ""), reason)
            for index, reason in sorted(reasons.items())
            if reason
        ),
    )


def _unpacked(graph: Graph) -> Mapping[int, int]:
    """Tensors that are made of stored weights alone -> the operator that makes them."""
    found: dict[int, int] = {}
    for node in graph.nodes:
        given, output = node.input(0), node.output()
        if given is None or output is None or len(node.inputs) != 1 or len(node.outputs) != 1 or given.sparse:
            continue
        int8 = given.dtype == "int8" and given.quantization is not None
        stored = graph.is_constant(given) or given.index in found
        if node.name == "DEQUANTIZE" and stored and (int8 or given.dtype == "float16") and output.dtype == "float32":
            found[output.index] = node.index
    return found


def _split(node: Node, _: Graph) -> str:
    return "" if len(node.outputs) in _SPLITS else f"it splits into {len(node.outputs)}, not 2, 3 or 4"


def _window(node: Node, graph: Graph) -> str:
    sizes = [(node.number(size), node.number(stride)) for size, stride in rules.WINDOW]
    if any(stride > size for size, stride in sizes):
        return "its strides are larger than its window"
    return rules.window(node, graph)


_CHECKS: Mapping[str, rules.Check] = {"split": _split, "window": _window}
