"""Reading the options of custom operators, which most write as a FlexBuffer: a map of names to numbers.

Source: FlatBuffers' page on FlexBuffers and flexbuffers.h. Knows whole numbers alone; anything else is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

_INT, _UINT, _BOOL, _MAP = 1, 2, 26, 9  # types
_MOST = 256  # entries of the map of any operator


def integers(data: memoryview) -> dict[str, int]:
    """Name -> whole number, of a map; empty for what is none."""
    try:
        return dict(_entries(bytes(data)))
    except (IndexError, ValueError):  # bytes that are no map, or no text
        return {}


def _entries(data: bytes) -> Iterator[tuple[str, int]]:
    # At the end: the root, its type, and how many bytes the root takes.
    size, kind = data[-1], data[-2]
    if kind >> 2 != _MAP:
        return
    width, root = 1 << (kind & 3), len(data) - 2 - size
    values = root - _number(data, root, size)
    keys = values - 3 * width - _number(data, values - 3 * width, width)
    key_width = _number(data, values - 2 * width, width)
    count = _number(data, values - width, width)
    for i in range(min(count, _MOST)):
        name = keys + i * key_width - _number(data, keys + i * key_width, key_width)
        own = data[values + count * width + i] >> 2
        if own in (_INT, _UINT, _BOOL):
            value = _number(data, values + i * width, width, signed=own == _INT)
            yield data[name : data.index(b"\0", name)].decode("utf-8"), value


def _number(data: bytes, at: int, size: int, *, signed: bool = False) -> int:
    if at < 0 or size not in (1, 2, 4, 8) or at + size > len(data):
        raise IndexError
    return int.from_bytes(data[at : at + size], "little", signed=signed)
