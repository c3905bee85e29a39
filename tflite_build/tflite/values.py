"""The numbers that tensors store: unpacked, as the real numbers that they stand for, and compared.

Without numpy, which the tool's own process never imports: a piece at a time, and pieces that are equal as bytes are not
unpacked. Knows nothing of files.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from operator import mul, sub

from .reader import BITS, Tensor

_PIECE = 1 << 18  # bytes that are compared at once
_REAL_PIECE = 1 << 14  # numbers
_ARRAYS = {
    "float32": "f",
    "float64": "d",
    "int8": "b",
    "uint8": "B",
    "bool": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "complex64": "f",  # each part counts
    "complex128": "d",
}
_SMALL = {"int4": (4, True), "uint4": (4, False), "int2": (2, True)}  # bits, and whether the highest is a sign
_REAL = frozenset({*_ARRAYS, *_SMALL, "float16", "bfloat16"} - {"bool", "complex64", "complex128"})


@dataclass(frozen=True, slots=True)
class ValueChange:
    """How the numbers of a tensor differ.

    Attributes:
        changed: How many of `count` differ; two that are no numbers do not.
        largest: The largest difference; None where one of two is no number, or the type is not unpacked.
        real: Whether what is compared is the real numbers that quantized ones stand for.
    """

    changed: int
    count: int
    largest: float | None
    real: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor and the bytes of its value."""

    tensor: Tensor
    data: memoryview


def compare(one: Stored, other: Stored) -> ValueChange | None:
    """How the values of two tensors differ, None where their types, shapes or sizes leave nothing to compare.

    Tensors of one type and quantization are compared as they are stored, others as the real numbers that they stand for.
    """
    a, b = one.tensor, other.tensor
    if not len(one.data) or not len(other.data) or a.sparsity != b.sparsity:
        return None
    if a.dtype == b.dtype and a.quantization == b.quantization:
        if len(one.data) != len(other.data) or a.dtype not in BITS:
            return None
        return _stored(a, one.data, other.data)
    if a.shape != b.shape or a.sparse or not (_is_real(one) and _is_real(other)):
        return None
    tally, numbers, others = _Tally(_count(a)), _real(one), _real(other)
    for piece, against in zip(numbers, others, strict=True):
        tally.add(piece, against)
    return tally.result(real=True)


def _stored(tensor: Tensor, one: memoryview, other: memoryview) -> ValueChange:
    bits = BITS[tensor.dtype]
    parts = 2 if tensor.dtype.startswith("complex") else 1
    total = len(one) * 8 // bits * parts
    if not tensor.sparse:
        total = min(total, _count(tensor) * parts)
    tally = _Tally(total)
    left = total  # what comes after them in the last byte are no numbers
    for start in range(0, len(one), _PIECE):
        first, second = bytes(one[start : start + _PIECE]), bytes(other[start : start + _PIECE])
        if first == second:
            left -= _PIECE * 8 // bits * parts
        elif bits == 8 and tensor.dtype in _ARRAYS:
            tally.add_bytes(first, second, signed=tensor.dtype == "int8")
        else:
            numbers, others = (_unpacked(tensor.dtype, piece) for piece in (first, second))
            tally.add(numbers[: max(0, left)], others[: max(0, left)])
            left -= len(numbers)
    return tally.result(known=tensor.dtype in _REAL or tensor.dtype in _ARRAYS)


class _Tally:
    """Counts differing numbers, a piece after another."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.changed = 0
        self.largest = 0.0
        self.known = True
        self._pairs: set[tuple[int, int]] = set()

    def add(self, one: Sequence[float], other: Sequence[float]) -> None:
        gaps = array("d", map(abs, map(sub, one, other)))
        total = sum(gaps)
        if total != total:  # something is no number, or both are infinite
            differing = [(a, b) for a, b in zip(one, other, strict=True) if a != b and not (a != a and b != b)]
            self.changed += len(differing)
            self.known &= all(a == a and b == b for a, b in differing)
            gaps = array("d", (abs(a - b) for a, b in differing))
        else:
            self.changed += len(gaps) - gaps.count(0.0)
        self.largest = max(self.largest, max(gaps, default=0.0))

    def add_bytes(self, one: bytes, other: bytes, *, signed: bool) -> None:
        """The same for numbers of a byte each, whose pairs are few."""
        both = int.from_bytes(one, "little") ^ int.from_bytes(other, "little")
        self.changed += len(one) - both.to_bytes(len(one), "little").count(0)
        code = "b" if signed else "B"
        self._pairs.update(zip(array(code, one), array(code, other), strict=True))

    def result(self, *, known: bool = True, real: bool = False) -> ValueChange:
        largest = max(self.largest, max((abs(a - b) for a, b in self._pairs), default=0))
        return ValueChange(self.changed, self.count, largest if known and self.known else None, real)


def _unpacked(dtype: str, data: bytes) -> Sequence[float]:
    """The numbers in `data`; the bytes themselves for types without arithmetic here."""
    if dtype in _ARRAYS:
        numbers = array(_ARRAYS[dtype])
        numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
        return numbers
    if dtype == "float16":
        return struct.unpack(f"<{len(data) // 2}e", data[: len(data) // 2 * 2])
    if dtype == "bfloat16":
        data = data[: len(data) // 2 * 2]
        wide = bytearray(2 * len(data))
        wide[2::4], wide[3::4] = data[0::2], data[1::2]
        return _unpacked("float32", bytes(wide))
    if dtype in _SMALL:
        table = _small(*_SMALL[dtype])
        return [number for byte in data for number in table[byte]]
    return data


def _small(bits: int, signed: bool) -> list[tuple[int, ...]]:
    """For each byte the numbers in it, those of the lowest bits first."""
    half, full = 1 << (bits - 1), 1 << bits

    def number(value: int) -> int:
        return value - full if signed and value >= half else value

    return [tuple(number(byte >> at & (full - 1)) for at in range(0, 8, bits)) for byte in range(256)]


def _is_real(stored: Stored) -> bool:
    """Whether the real numbers of a tensor are known from it alone."""
    tensor, q = stored.tensor, stored.tensor.quantization
    if tensor.dtype not in _REAL or any(d < 0 for d in tensor.shape):
        return False
    if len(stored.data) * 8 < _count(tensor) * BITS[tensor.dtype]:
        return False
    if q is None or len(q.scales) == 1:
        return q is None or not q.blockwise
    fits = 0 <= q.axis < len(tensor.shape) and tensor.shape[q.axis] == len(q.scales)
    return not q.blockwise and fits and len(q.zero_points) in (0, 1, len(q.scales))


def _real(stored: Stored) -> Iterator[list[float]]:
    """The real numbers, so many at a time."""
    tensor, q = stored.tensor, stored.tensor.quantization
    total, step = _count(tensor), _REAL_PIECE * BITS[tensor.dtype] // 8
    for start in range(-(-total // _REAL_PIECE)):
        at = start * _REAL_PIECE
        data = bytes(stored.data[start * step : (start + 1) * step])
        numbers = list(_unpacked(tensor.dtype, data))[: total - at]
        if q is None:
            yield numbers
            continue
        inner = prod(tensor.shape[q.axis + 1 :]) if len(q.scales) > 1 else total
        if any(q.zero_points):
            points = q.zero_points if len(q.zero_points) > 1 else q.zero_points * len(q.scales)
            numbers = list(map(sub, numbers, _spread(points, inner, at, len(numbers))))
        yield list(map(mul, numbers, _spread(q.scales, inner, at, len(numbers))))


def _spread(values: tuple[float, ...], inner: int, start: int, count: int) -> list[float]:
    """What of `values`, each of which is for `inner` numbers and which come round again, is for `count` from `start` on."""
    spread: list[float] = []
    while len(spread) < count:
        run, at = divmod(start + len(spread), inner)
        spread += [values[run % len(values)]] * min(inner - at, count - len(spread))
    return spread


def _count(tensor: Tensor) -> int:
    return prod(tensor.shape) if all(d >= 0 for d in tensor.shape) else 1 << 62
