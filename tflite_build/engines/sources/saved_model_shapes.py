"""Writing shapes into a SavedModel: a copy whose signatures have the inputs' shapes that the app will pass.

The converter specializes on them: an LSTM with a fixed batch becomes builtin operators, with an open one it cannot. Only
saved_model.pb is rewritten; variables and assets are linked. Knows nothing of what the shapes should be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tflite_build.engines.native import protobuf_wire as wire

from .saved_model_file import MetaGraph
from .saved_model_folder import FILE

Shape = Sequence[int]  # -1 for a dimension that stays open
Shapes = Mapping[str, Mapping[str, Shape]]  # signature -> input -> shape

# Where these operators take the shape of a list's elements.
_LIST_SHAPES = {"TensorListReserve": 0, "EmptyTensorList": 0, "TensorListFromTensor": 1, "TensorListStack": 1}
_INT32 = 3

_Change = Callable[[memoryview], bytes | memoryview]


def specialize(folder: Path, meta: MetaGraph, shapes: Shapes, target: Path, batch: int | None = None) -> None:
    """Make `target` a copy of the SavedModel in `folder` with `shapes` as its inputs' shapes.

    Args:
        batch: Written into tensor lists whose elements have an open first dimension: tracing an LSTM with an open
            batch leaves -1 in constants, where the converter never looks again.
    """
    target.mkdir(parents=True)
    # fingerprint.pb speaks of the file as it was.
    for entry in sorted(folder.iterdir()):
        if entry.name not in (FILE, "fingerprint.pb"):
            (target / entry.name).symlink_to(entry.resolve(), target_is_directory=entry.is_dir())
    (target / FILE).write_bytes(rewritten((folder / FILE).read_bytes(), meta, shapes, batch))


def rewritten(data: bytes, meta: MetaGraph, shapes: Shapes, batch: int | None = None) -> bytes:
    """The bytes of a saved_model.pb with `shapes` in the graph that has the tags of `meta`."""
    nodes: dict[str, Shape] = {}
    for signature, inputs in shapes.items():
        for info in meta.signature(signature).inputs:
            if info.name in inputs and info.tensor.endswith(":0"):
                nodes[info.tensor.removesuffix(":0")] = inputs[info.name]

    def graph(message: memoryview) -> bytes | memoryview:
        tags = tuple(sorted(wire.string(tag) for tag in wire.messages(wire.message(message, 1), 4)))
        if tags != meta.tags:
            return message
        changed = _each(message, 2, lambda g: _each(g, 1, lambda n: _node(n, nodes)))
        if batch is not None:
            size = batch
            changed = _each(
                changed, 2, lambda g: _each(g, 2, lambda library: _each(library, 1, lambda f: _lists(f, size)))
            )
        return _entries(changed, 5, lambda name, s: _signature(s, shapes[name]) if name in shapes else s)

    return _each(data, 2, graph)


def _node(node: memoryview, shapes: Mapping[str, Shape]) -> bytes | memoryview:
    shape = shapes.get(wire.text(node, 1))
    if shape is None or not wire.text(node, 2).startswith("Placeholder"):
        return node
    attributes = {
        "shape": wire.pack([(7, wire.BYTES, _shape(shape))]),
        "_output_shapes": wire.pack([(1, wire.BYTES, wire.pack([(7, wire.BYTES, _shape(shape))]))]),
    }
    return _entries(node, 5, lambda name, value: attributes.get(name, value))


def _lists(function: memoryview, batch: int) -> bytes | memoryview:
    """The function with `batch` as the first dimension of the elements of its tensor lists."""
    shapes = {
        inputs[place].partition(":")[0]
        for node in wire.messages(function, 3)
        if (place := _LIST_SHAPES.get(wire.text(node, 2))) is not None
        and len(inputs := [wire.string(i) for i in wire.messages(node, 3)]) > place
    }
    if not shapes:
        return function

    def node(message: memoryview) -> bytes | memoryview:
        if wire.text(message, 1) not in shapes or wire.text(message, 2) != "Const":
            return message
        return _entries(message, 5, lambda name, value: _closed(value, batch) if name == "value" else value)

    return _each(function, 3, node)


def _closed(attribute: memoryview, batch: int) -> bytes | memoryview:
    """An attribute that holds an int32 vector: -1 at its start becomes `batch`."""

    def tensor(message: memoryview) -> bytes | memoryview:
        content = bytes(wire.message(message, 4))
        if wire.number(message, 1) != _INT32 or content[:4] != b"\xff\xff\xff\xff":
            return message
        start = batch.to_bytes(4, "little", signed=True)
        return _each(message, 4, lambda old: start + bytes(old[4:]))

    return _each(attribute, 8, tensor)


def _signature(signature: memoryview, shapes: Mapping[str, Shape]) -> bytes:
    def tensor(name: str, info: memoryview) -> bytes | memoryview:
        if name not in shapes:
            return info
        return wire.pack([*(f for f in wire.fields(info) if f[0] != 3), (3, wire.BYTES, _shape(shapes[name]))])

    return _entries(signature, 1, tensor)


def _shape(shape: Shape) -> bytes:
    return wire.pack((2, wire.BYTES, wire.pack([(1, wire.VARINT, size)])) for size in shape)


def _each(message: bytes | memoryview, number: int, change: _Change) -> bytes:
    """The message with every value of the field `number` changed."""
    return wire.pack(
        (n, kind, change(memoryview(value)) if n == number and not isinstance(value, int) else value)
        for n, kind, value in wire.fields(message)
    )


def _entries(
    message: bytes | memoryview, number: int, change: Callable[[str, memoryview], bytes | memoryview]
) -> bytes:
    """The message with every value of the map field `number` changed."""

    def entry(data: memoryview) -> bytes:
        key = wire.text(data, 1)
        return wire.pack([(1, wire.BYTES, key.encode()), (2, wire.BYTES, change(key, wire.message(data, 2)))])

    return _each(message, number, entry)
