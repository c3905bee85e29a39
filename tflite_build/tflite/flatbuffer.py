"""Reading FlatBuffers with every offset and length checked, so that a damaged file is an error and nothing worse.

Source: FlatBuffers' internals page: tables with vtables, vectors, strings; little-endian; unsigned 32-bit offsets point
forward. Knows nothing of any schema.

Offsets may share what they point to, so a small file can say a great deal: a thousand tables with one vector of a million
numbers. A `Meter` bounds what is read by the size of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tflite_build.errors import BuildError, ExitCode, Place, Problem

_LONGEST_STRING = 1 << 20
_LONGEST_ODD = 4096  # bytes of a name that is not UTF-8
_MANY = 1 << 62
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_FORMATS = {
    "bool": "<?",
    "u8": "<B",
    "i8": "<b",
    "u16": "<H",
    "i32": "<i",
    "u32": "<I",
    "i64": "<q",
    "u64": "<Q",
    "f32": "<f",
}
_SCALARS = {name: struct.Struct(text) for name, text in _FORMATS.items()}


class FormatError(BuildError):
    """The bytes are not what they should be."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(Problem(message, place), ExitCode.SPEC_WRONG)


class Meter:
    """How much may still be read from a file.

    Whatever writes such files shares strings at most, so that tables, vectors and strings together are no more bytes than
    the file has. A few times that are granted, since a reader may look at a part more than once.
    """

    __slots__ = ("left",)

    def __init__(self, size: int) -> None:
        self.left = 8 * size + 65536

    def take(self, size: int) -> None:
        """Note that `size` bytes are read.

        Raises:
            FormatError: If a file of its size cannot hold so much.
        """
        self.left -= size
        if self.left < 0:
            raise FormatError("the file is damaged: its parts overlap, and are larger than the file together")


@dataclass(frozen=True, slots=True)
class Table:
    """A table at a position of a buffer. Fields are named by their number in the schema."""

    data: memoryview
    at: int
    vtable: int
    vtable_size: int
    meter: Meter

    @staticmethod
    def root(data: memoryview, at: int = 0) -> Table:
        """The table that the offset at `at` points to."""
        return _table(data, at + _u32(data, at), Meter(len(data)))

    def _field(self, number: int) -> int:
        """The position of a field's value, or 0 where it is absent."""
        slot = 4 + 2 * number
        if slot + 2 > self.vtable_size:
            return 0
        offset = int(_U16.unpack_from(self.data, self.vtable + slot)[0])
        return self.at + offset if offset else 0

    def position(self, number: int) -> int:
        """Where the value of a field stands, or 0 where the field is absent."""
        return self._field(number)

    def scalar(self, number: int, kind: str, default: int = 0) -> int:
        """An integer field."""
        return int(self.number(number, kind, default))

    def number(self, number: int, kind: str, default: float = 0) -> float:
        """A field that holds a number of any kind; a truth value for "bool"."""
        at = self._field(number)
        if not at:
            return default
        form = _SCALARS[kind]
        _check(self.data, at, form.size)
        value: float = form.unpack_from(self.data, at)[0]
        return value

    def table(self, number: int) -> Table | None:
        """A table field."""
        at = self._field(number)
        return _table(self.data, at + _u32(self.data, at), self.meter) if at else None

    def string(self, number: int) -> str | None:
        """A string field; bytes that are not UTF-8 are shown as escapes.

        Raises:
            FormatError: If it lies outside of the file, is longer than any name or text (1 MB), or is long and no UTF-8.
        """
        at = self._field(number)
        return self._string(at) if at else None

    def _string(self, at: int) -> str:
        start, count = _vector(self.data, at, 1)
        if count > _LONGEST_STRING:
            raise FormatError(f"the file is damaged: a text at byte {start} has {count} bytes")
        self.meter.take(count)
        raw = bytes(self.data[start : start + count])
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            if count > _LONGEST_ODD:  # so much of it is no text
                raise FormatError(f"the file is damaged: a text of {count} bytes at byte {start} is none") from None
            return raw.decode("utf-8", "backslashreplace")

    def strings(self, number: int) -> tuple[str, ...]:
        """A vector of strings."""
        return tuple(self._string(at) for at in self.slots(number))

    def span(self, number: int) -> tuple[int, int]:
        """Where a vector of bytes stands and how long it is; (0, 0) where it is absent."""
        return self.extent(number, 1)

    def extent(self, number: int, size: int) -> tuple[int, int]:
        """Where a vector of items of `size` bytes stands and how many they are; (0, 0) where it is absent."""
        at = self._field(number)
        return _vector(self.data, at, size) if at else (0, 0)

    def scalars(self, number: int, kind: str, most: int = _MANY) -> tuple[float, ...]:
        """A vector of numbers.

        Raises:
            FormatError: If it lies outside of the file, or has more than `most`.
        """
        at = self._field(number)
        if not at:
            return ()
        form = _FORMATS[kind]
        size = struct.calcsize(form)
        start, count = _vector(self.data, at, size)
        if count > most:
            raise FormatError(
                f"the file is damaged: {count} numbers stand at byte {start}, where {most} can be at most"
            )
        self.meter.take(count * size)
        return struct.unpack_from(f"<{count}{form[1]}", self.data, start)

    def integers(self, number: int, kind: str = "i32", most: int = _MANY) -> tuple[int, ...]:
        """A vector of integers, as `scalars` gives it."""
        return tuple(map(int, self.scalars(number, kind, most)))

    def indices(self, number: int, count: int, lowest: int, what: str) -> tuple[int, ...]:
        """A vector of int32 that number one of `count` things each; `lowest` is -1 where they may name none.

        Raises:
            FormatError: If one of them is out of range; that is found before they take any memory.
        """
        at = self._field(number)
        if not at:
            return ()
        start, length = _vector(self.data, at, 4)
        self.meter.take(4 * length)
        for value in struct.iter_unpack("<i", self.data[start : start + 4 * length]):
            if not lowest <= value[0] < count:
                raise FormatError(f"the file is damaged: {what} {value[0]} is named, and there are {count}")
        return struct.unpack_from(f"<{length}i", self.data, start)

    def tables(self, number: int) -> Iterator[Table]:
        """A vector of tables."""
        for at in self.slots(number):
            yield _table(self.data, at + _u32(self.data, at), self.meter)

    def separate_tables(self, number: int) -> Iterator[Table]:
        """A vector of tables, which are large once read; nobody writes one twice.

        Raises:
            FormatError: If two of them are one.
        """
        seen: set[int] = set()
        for table in self.tables(number):
            if table.at in seen:
                raise FormatError(f"the file is damaged: two of its parts are the same one, at byte {table.at}")
            seen.add(table.at)
            yield table

    def slots(self, number: int) -> range:
        """Where the offsets of a vector of tables or strings stand."""
        at = self._field(number)
        if not at:
            return range(0)
        start, count = _vector(self.data, at, 4)
        self.meter.take(4 * count)
        return range(start, start + 4 * count, 4)


def _check(data: memoryview, at: int, size: int) -> None:
    if at < 0 or at + size > len(data):
        raise FormatError(f"the file is damaged or cut off: it points to byte {at}, and has {len(data)}")


def _u32(data: memoryview, at: int) -> int:
    _check(data, at, 4)
    return int(_U32.unpack_from(data, at)[0])


def _vector(data: memoryview, at: int, size: int) -> tuple[int, int]:
    start = at + _u32(data, at)
    count = _u32(data, start)
    _check(data, start + 4, count * size)
    return start + 4, count


def _table(data: memoryview, at: int, meter: Meter) -> Table:
    _check(data, at, 4)
    vtable = at - int(_I32.unpack_from(data, at)[0])
    _check(data, vtable, 4)
    size = int(_U16.unpack_from(data, vtable)[0])
    if size < 4 or size % 2:
        raise FormatError(f"the file is damaged: the table at byte {at} has a description of {size} bytes")
    _check(data, vtable, size)
    meter.take(4)
    return Table(data, at, vtable, size, meter)
