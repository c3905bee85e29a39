"""Which operators TensorFlow Lite's GPU delegate takes, and where it cuts the graph: the rules of specs/gpu.toml.

How pieces come about: FP16GraphPartitionHelper in tflite/delegates/utils.cc of LiteRT (2026): weights that are stored as
float16 and dequantized go with the operators that use them where everything is delegated, and stay on the CPU else.
"""

from __future__ import annotations

from collections.abc import Mapping

from tflite_build.tflite.reader import Tensor

from . import rules
from .delegates import Coverage, NotTaken
from .graph import Graph, Node, dims, elements
from .layers import Layers
from .partition import partition


def gpu(graph: Graph, layers: Layers) -> Coverage:
    """What the GPU delegate gets of a graph."""
    table = rules.table("gpu")
    unpacked = _unpacked(graph)
    stored = graph.constants | {t.index for n in unpacked.values() for t in n.outputs if t is not None}
    reasons = {
        node.index: rules.refusal(node, graph, table, _CHECKS, stored)
        for node in graph.nodes
        if node.index not in unpacked
    }
    taken = {index for index, reason in reasons.items() if not reason}
    if len(taken) + len(unpacked) == len(graph.nodes):  # then nothing else needs what is dequantized
        whole = {node.index for node in graph.nodes}
        return Coverage(table.source, len(whole), len(whole), len(whole), (len(whole),) if whole else (), (), ())
    pieces = partition(graph, taken)
    sizes = tuple(len(piece.nodes) for piece in pieces if piece.delegated)
    largest = sorted(sizes, reverse=True)[: table.pieces or None]
    cuts = [graph.nodes[piece.nodes[0]] for piece in pieces[1:] if not piece.delegated]
    return Coverage(
        table.source,
        len(graph.nodes),
        len(taken),
        sum(largest),
        sizes,
        tuple(_named(node, layers) for node in cuts),
        tuple(
            NotTaken(graph.nodes[index].name, layers.of_node.get(index, ""), reason)
            for index, reason in reasons.items()
            if reason
        ),
    )


def _named(node: Node, layers: Layers) -> str:
    layer = layers.of_node.get(node.index, "")
    return f"{node.name} ({layer})" if layer else node.name


def _unpacked(graph: Graph) -> Mapping[int, Node]:
    """The operators that make float32 of stored float16 weights."""
    found = {}
    for node in graph.nodes:
        tensor = node.input(0)
        if node.name == "DEQUANTIZE" and tensor is not None and tensor.dtype == "float16" and graph.is_constant(tensor):
            found[node.index] = node
    return found


def _shape(node: Node, index: int) -> tuple[int, ...]:
    tensor = node.input(index)
    return dims(tensor) if tensor is not None else ()


def _broadcast(node: Node, _: Graph) -> str:
    """CheckAddMulBroadcastCompatibility, without the flag for more than that: what the delegate itself asks for."""
    first, second = _shape(node, 0), _shape(node, 1)
    if len(first) <= 1 or len(second) <= 1 or len(first) == len(second):
        return ""
    longer, shorter = sorted((first, second), key=len, reverse=True)
    known = ((len(longer), len(shorter)) == (4, 3) and longer[0] == 1) or (
        (len(longer), len(shorter)) == (4, 2)
        and ((longer[0] == 1 and shorter == (1, 1)) or (longer[0], longer[3]) == shorter)
    )
    return "" if known else f"it broadcasts {list(shorter)} to {list(longer)}"


def _mul(node: Node, graph: Graph) -> str:
    first, second = _shape(node, 0), _shape(node, 1)
    if len(first) != len(second):
        return _broadcast(node, graph)
    pairs = list(zip(first, second, strict=True))
    crossed = any(a < b for a, b in pairs) and any(b < a for a, b in pairs)
    return f"neither of {list(first)} and {list(second)} is as large as the other in all dimensions" if crossed else ""


def _cast(node: Node, _: Graph) -> str:
    given, output = node.input(0), node.output()
    kinds = (given.dtype if given else "", output.dtype if output else "")
    halves = ("float16", "float32")
    known = (
        (kinds[0] == "bool" and kinds[1] in halves)
        or (kinds[0] in halves and kinds[1] == "bool")
        or all(kind in ("float32", "int32") for kind in kinds)
    )
    return "" if known else f"it casts {kinds[0]} to {kinds[1]}"


def _depthwise(node: Node, _: Graph) -> str:
    given, kernel, output = _shape(node, 0), _shape(node, 1), node.output()
    out = dims(output) if output else ()
    if len(out) != 4 or given[0] != out[0] or kernel[3] != out[3]:
        return "its shapes do not fit each other"
    multiplier = int(node.number("depth_multiplier"))
    if out[3] != given[3] * multiplier:
        return "its outputs are not its inputs times the depth multiplier"
    bias = node.input(2)
    if bias is not None and elements(bias) != out[3]:
        return "its bias has not one value for each output"
    if multiplier != 1 and given[3] != 1:
        return f"a depth multiplier of {multiplier} over {given[3]} channels"
    return ""


def _fully_connected(node: Node, graph: Graph) -> str:
    given, output = node.input(0), node.output()
    if given is not None and graph.is_constant(given):
        return "its input is a constant"
    if node.number("keep_num_dims") and given and output and len(given.shape) != len(output.shape):
        return "its input and output differ in their number of dimensions"
    return ""


def _lstm(node: Node, _: Graph) -> str:
    basic = node.options.get("kernel_type") == "BASIC"
    if basic == (len(node.inputs) != 5):
        return f"it has {len(node.inputs)} inputs"
    if len(node.outputs) != (4 if basic else 1):
        return f"it has {len(node.outputs)} outputs"
    return "" if node.options.get("fused_activation_function") == "TANH" else "its activation is not TANH"


def _pad(node: Node, _: Graph) -> str:
    paddings = _shape(node, 1)
    known = len(paddings) == 2 and paddings[0] in (3, 4) and paddings[1] == 2
    return "" if known else f"it pads {paddings[0] if paddings else 0} dimensions, not 3 or 4"


def _corners(node: Node, _: Graph) -> str:
    both = node.number("align_corners") and node.number("half_pixel_centers")
    return "align_corners and half_pixel_centers are both on" if both else ""


def _one_hot(node: Node, graph: Graph) -> str:
    shape = _shape(node, 0)
    axis = node.number("axis")
    if axis != -1 and (not shape or axis != shape[-1]):
        return f"its axis is {axis:g}, not the last one"
    if any(d != 1 for place, d in enumerate(shape[:-1]) if not (len(shape) > 3 and place == 0)):
        return "more than the last dimension has a size"
    values = [node.input(2), node.input(3)]
    single = all(t is not None and graph.is_constant(t) and elements(t) == 1 for t in values)
    return "" if single else "its on and off values are not single constants"


def _logical(node: Node, graph: Graph) -> str:
    """A comparison is computed together with the one operator that reads it."""
    output = node.output()
    readers = [n for n in graph.nodes if output is not None and output in n.inputs]
    made = readers[0].output() if len(readers) == 1 and readers[0].name in ("CAST", "SELECT", "SELECT_V2") else None
    if made is None or made.dtype not in ("float16", "float32"):
        return "what it gives is not read by one CAST or SELECT of floats alone"
    return ""


def _select(node: Node, graph: Graph) -> str:
    output = node.output()
    out = dims(output) if output else ()
    condition = _shape(node, 0)
    if len(condition) > len(out) or any(c not in (o, 1) for c, o in zip(condition[::-1], out[::-1], strict=False)):
        return "its condition does not broadcast to its output"
    for place in (1, 2):
        tensor: Tensor | None = node.input(place)
        shape = _shape(node, place)
        if shape and shape != out and (len(shape) > 1 or shape[0] > 1):
            return f"input {place} has neither one value nor the shape of the output"
        if tensor is not None and not graph.is_constant(tensor) and len(shape) == 2:
            return f"input {place} has 2 dimensions and is computed"
    return ""


_CHECKS: Mapping[str, rules.Check] = {
    "broadcast": _broadcast,
    "cast": _cast,
    "corners": _corners,
    "depthwise": _depthwise,
    "fully_connected": _fully_connected,
    "logical": _logical,
    "lstm": _lstm,
    "mul": _mul,
    "one_hot": _one_hot,
    "pad": _pad,
    "select": _select,
    "window": rules.window,
}
