"""A small writer of .tflite files field by field, for what no converter at hand writes any more, or never wrote.

A table is a dict of field number to value: `Scalar`, `Vector`, text, bytes, another table, or a list of tables. Field
numbers are those of schema.fbs. Everything is written forward, as FlatBuffers' unsigned offsets want it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tflite_build.tflite.opcodes import BUILTIN_OPERATORS
from tflite_build.tflite.reader import TENSOR_TYPES

Fields = Mapping[int, Any]


@dataclass(frozen=True)
class Scalar:
    """A number and the character that `struct` has for its type."""

    kind: str
    value: float


@dataclass(frozen=True)
class Vector:
    """Numbers of one type."""

    kind: str
    values: Sequence[float]


def i8(value: int) -> Scalar:
    return Scalar("b", value)


def u8(value: int) -> Scalar:
    return Scalar("B", value)


def i32(value: int) -> Scalar:
    return Scalar("i", value)


def u32(value: int) -> Scalar:
    return Scalar("I", value)


def u64(value: int) -> Scalar:
    return Scalar("Q", value)


def ints(*values: int) -> Vector:
    return Vector("i", values)


def floats(*values: float) -> Vector:
    return Vector("f", values)


def longs(*values: int) -> Vector:
    return Vector("q", values)


def written(root: Fields, identifier: bytes = b"TFL3") -> bytes:
    """The bytes of a file with this root table."""
    out = bytearray(struct.pack("<I4s", 0, identifier))
    _point(out, 0, _table(out, root))
    return bytes(out)


def _point(out: bytearray, slot: int, target: int) -> None:
    out[slot : slot + 4] = struct.pack("<I", target - slot)


def _align(out: bytearray, size: int, ahead: int = 0) -> None:
    out += bytes(-(len(out) + ahead) % size)


def _table(out: bytearray, fields: Fields) -> int:
    count = max(fields, default=-1) + 1
    offsets = [0] * count
    body = bytearray(4)
    children = []
    for number, value in sorted(fields.items()):
        kind = value.kind if isinstance(value, Scalar) else "I"
        size = struct.calcsize(f"<{kind}")
        body += bytes(-len(body) % size)
        offsets[number] = len(body)
        if isinstance(value, Scalar):
            body += struct.pack(f"<{kind}", value.value)
        else:
            children.append((len(body), value))
            body += bytes(4)
    vtable = struct.pack(f"<{count + 2}H", 4 + 2 * count, len(body), *offsets)
    _align(out, 8, len(vtable))
    at = len(out) + len(vtable)
    body[:4] = struct.pack("<i", len(vtable))
    out += vtable + body
    for slot, value in children:
        _point(out, at + slot, _child(out, value))
    return at


def _child(out: bytearray, value: Any) -> int:
    if isinstance(value, Mapping):
        return _table(out, value)
    if isinstance(value, str):
        value = value.encode()
        _align(out, 4)
        at = len(out)
        out += struct.pack("<I", len(value)) + value + b"\0"
        return at
    if isinstance(value, bytes):
        _align(out, 16, 4)
        at = len(out)
        out += struct.pack("<I", len(value)) + value
        return at
    if isinstance(value, Vector):
        _align(out, max(4, struct.calcsize(f"<{value.kind}")), 4)
        at = len(out)
        out += struct.pack(f"<I{len(value.values)}{value.kind}", len(value.values), *value.values)
        return at
    _align(out, 4)
    at = len(out)
    out += struct.pack("<I", len(value)) + bytes(4 * len(value))
    for number, item in enumerate(value):
        _point(out, at + 4 + 4 * number, _child(out, item))
    return at


def tensor(name: str, dtype: str, shape: Sequence[int], buffer: int = 0, more: Fields | None = None) -> Fields:
    """A Tensor table; `more` are further fields by number."""
    return {
        0: ints(*shape),
        1: i8(TENSOR_TYPES.index(dtype)),
        2: u32(buffer),
        3: name,
        **(more or {}),
    }


def operator(code: int, inputs: Sequence[int], outputs: Sequence[int], more: Fields | None = None) -> Fields:
    """An Operator table of the operator code with that index."""
    return {0: u32(code), 1: ints(*inputs), 2: ints(*outputs), **(more or {})}


def options(kind: int, fields: Fields) -> Fields:
    """The fields of an Operator for options of BuiltinOptions number `kind`."""
    return {3: u8(kind), 4: fields}


def code(name: str, version: int = 1) -> Fields:
    """An OperatorCode table, as files since 2020 have it."""
    number = BUILTIN_OPERATORS.index(name)
    return {0: i8(min(number, 127)), 2: i32(version), 3: i32(number)}


def graph(
    tensors: Sequence[Fields],
    operators: Sequence[Fields],
    inputs: Sequence[int],
    outputs: Sequence[int],
    name: str = "main",
) -> Fields:
    """A SubGraph table."""
    return {0: tensors, 1: ints(*inputs), 2: ints(*outputs), 3: operators, 4: name}


def signature(name: str, graph: int, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> Fields:
    """A SignatureDef table; tensors by their names in it. A Model's field 7 has a list of these."""
    sides = [[{0: tensor, 1: u32(index)} for tensor, index in side.items()] for side in (inputs, outputs)]
    return {0: sides[0], 1: sides[1], 2: name, 4: u32(graph)}


def model(
    codes: Sequence[Fields],
    graphs: Sequence[Fields],
    buffers: Sequence[bytes | Fields] = (),
    more: Fields | None = None,
) -> Fields:
    """A Model table; its first buffer is the empty one, a constant's follow."""
    tables = [{}, *({0: b} if isinstance(b, bytes) else b for b in buffers)]
    return {0: u32(3), 1: codes, 2: graphs, 3: "made by hand", 4: tables, **(more or {})}
