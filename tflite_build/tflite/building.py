"""Writing FlatBuffers: a tree of fields as bytes, the same tree always as the same ones.

Source: FlatBuffers' internals page. Everything is written forward, each table behind its own vtable, so that what verifies
a buffer finds every number at a multiple of its size and every string closed by a zero. Knows nothing of any schema.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True, slots=True)
class Number:
    """A number, and the character that `struct` has for its type."""

    kind: str
    value: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """A vector of numbers of one type."""

    kind: str
    values: Sequence[float]


# A table is its fields by number, a vector of tables or of texts a tuple, and bytes a vector of 16-byte alignment.
Fields = Mapping[int, "Value"]
Value = Union[Number, Numbers, str, bytes, tuple[str, ...], tuple[Fields, ...], Fields]  # noqa: UP007 - Fields is not whole yet


def built(root: Fields, identifier: bytes) -> bytes:
    """The bytes of a FlatBuffer with this root table; they have to stand at a multiple of 16."""
    out = bytearray(struct.pack("<I4s", 0, identifier))
    point(out, 0, _table(out, root))
    return bytes(out)


def point(out: bytearray, slot: int, target: int) -> None:
    """Have the offset at `slot` lead to `target`, which is behind it."""
    out[slot : slot + 4] = struct.pack("<I", target - slot)


def text(value: str) -> bytes:
    """A string as FlatBuffers have it."""
    raw = value.encode("utf-8")
    return struct.pack("<I", len(raw)) + raw + b"\0"


def _align(out: bytearray, size: int, ahead: int = 0) -> None:
    out += bytes(-(len(out) + ahead) % size)


def _table(out: bytearray, fields: Fields) -> int:
    offsets = [0] * (max(fields, default=-1) + 1)
    body = bytearray(4)  # of the offset to the vtable
    children: list[tuple[int, Value]] = []
    for number, value in sorted(fields.items()):
        form = f"<{value.kind}" if isinstance(value, Number) else "<I"
        _align(body, struct.calcsize(form))
        offsets[number] = len(body)
        if isinstance(value, Number):
            body += struct.pack(form, value.value)
        else:
            children.append((len(body), value))
            body += bytes(4)
    vtable = struct.pack(f"<{2 + len(offsets)}H", 4 + 2 * len(offsets), len(body), *offsets)
    _align(out, 8, len(vtable))  # a number of 8 bytes may be among the fields
    at = len(out) + len(vtable)
    body[:4] = struct.pack("<i", len(vtable))
    out += vtable + body
    for slot, value in children:
        point(out, at + slot, _child(out, value))
    return at


def _child(out: bytearray, value: Value) -> int:
    if isinstance(value, Mapping):
        return _table(out, value)
    if isinstance(value, str):
        return _block(out, text(value), 4)
    if isinstance(value, bytes):
        return _block(out, struct.pack("<I", len(value)) + value, 16)
    if isinstance(value, Numbers):
        packed = struct.pack(f"<I{len(value.values)}{value.kind}", len(value.values), *value.values)
        return _block(out, packed, max(4, struct.calcsize(f"<{value.kind}")))
    assert isinstance(value, tuple)
    items: tuple[str | Fields, ...] = value
    at = _block(out, struct.pack("<I", len(items)) + bytes(4 * len(items)), 4)
    for number, item in enumerate(items):
        point(out, at + 4 + 4 * number, _child(out, item))
    return at


def _block(out: bytearray, block: bytes, alignment: int) -> int:
    """Append a length and what follows it, the latter aligned; where the length stands."""
    _align(out, alignment, 4)
    at = len(out)
    out += block
    return at
