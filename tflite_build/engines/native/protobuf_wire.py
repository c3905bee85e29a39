"""Protocol buffers by their wire format: fields of a message, read with bounds and written back.

Source: https://protobuf.dev/programming-guides/encoding/. Standard library only, so that it serves every toolchain and
the tool's own process alike. Knows nothing of any message: the caller knows its field numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

VARINT = 0
FIXED64 = 1
BYTES = 2
FIXED32 = 5

_MASK = (1 << 64) - 1

Value = int | memoryview | bytes
Field = tuple[int, int, Value]


class DamagedError(ValueError):
    """The bytes are not a protocol buffer, or they end too early."""


def fields(data: memoryview | bytes) -> Iterator[Field]:
    """The fields of a message in the file's order: (number, wire type, value).

    A varint's value is an unsigned integer, every other one the bytes themselves, as a view.

    Raises:
        DamagedError: The message is damaged at the field that would come next.
    """
    view = memoryview(data)
    end = len(view)
    at = 0
    while at < end:
        tag, at = _varint(view, at, end)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise DamagedError("a field has the number 0")
        if kind == VARINT:
            value, at = _varint(view, at, end)
            yield number, kind, value
            continue
        if kind == BYTES:
            size, at = _varint(view, at, end)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise DamagedError(f"a field has the unknown wire type {kind}")
        if size > end - at:
            raise DamagedError("a field is longer than its message")
        yield number, kind, view[at : at + size]
        at += size


def messages(parent: memoryview | bytes, number: int) -> Iterator[memoryview]:
    """The values of the message, bytes or string field `number`, in order."""
    for found, _, value in fields(parent):
        if found == number:
            yield _bytes(value)


def message(parent: memoryview | bytes, number: int) -> memoryview:
    """The last value of field `number`, as protobuf takes it; empty where there is none."""
    found = memoryview(b"")
    for value in messages(parent, number):
        found = value
    return found


def text(parent: memoryview | bytes, number: int) -> str:
    """The string field `number`, or an empty string."""
    return string(message(parent, number))


def string(value: Value) -> str:
    """A string field's value."""
    try:
        return bytes(_bytes(value)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedError("a name is not UTF-8") from error


def number(parent: memoryview | bytes, field: int, default: int = 0) -> int:
    """The varint field `field`, or `default`."""
    found = default
    for key, kind, value in fields(parent):
        if key == field:
            if kind != VARINT or not isinstance(value, int):
                raise DamagedError("a number is missing")
            found = value
    return found


def integers(parent: memoryview | bytes, field: int) -> Iterator[int]:
    """The values of a repeated varint field, packed or not."""
    for key, kind, value in fields(parent):
        if key == field:
            if kind == VARINT and isinstance(value, int):
                yield value
            else:
                packed, at = memoryview(_bytes(value)), 0
                while at < len(packed):
                    item, at = _varint(packed, at, len(packed))
                    yield item


def signed(value: int) -> int:
    """An int64 or int32 varint as the signed number that it stands for."""
    return value - (1 << 64) if value >> 63 else value


def map_entries(parent: memoryview | bytes, number: int) -> Iterator[tuple[str, memoryview]]:
    """The entries of the map field `number` with string keys and message values, in the file's order."""
    for entry in messages(parent, number):
        yield text(entry, 1), message(entry, 2)


def pack(items: Iterable[Field]) -> bytes:
    """A message with these fields."""
    out = bytearray()
    for number, kind, value in items:
        _put_varint(out, number << 3 | kind)
        if isinstance(value, int):
            _put_varint(out, value & _MASK)
            continue
        if kind == BYTES:
            _put_varint(out, len(value))
        out += value
    return bytes(out)


def _bytes(value: Value) -> memoryview:
    if isinstance(value, int):
        raise DamagedError("a number stands where bytes are needed")
    return memoryview(value)


def _varint(view: memoryview, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK, at
        shift += 7
        if shift > 63:
            raise DamagedError("a number is too long")
    raise DamagedError("the message ends inside of a number")


def _put_varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
