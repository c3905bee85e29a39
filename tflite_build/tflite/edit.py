"""Changing a .tflite file without building it anew: names of signature tensors, operator versions, runtime version.

What is new is appended and the old reference turned to it: FlatBuffer offsets are unsigned and point forward, so a
reference can always reach the end of the file. Everything else keeps its bytes, and the same edits give the same file.

Buffers that lie behind the FlatBuffer, as quantizers write them, are brought inside where the file is small enough: only
runtimes since 2.13 look for them outside, and older ones take such weights for absent without a word.
Source: schema.fbs of LiteRT for field numbers, FlatBuffers' internals page for the layout.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .flatbuffer import FormatError, Table
from .reader import Model, parse

_MIN_RUNTIME = "min_runtime_version"
_LARGEST_INSIDE = 2**31 - 2**20  # FlatBuffers end at 2 GB
_ALIGNMENT = 16  # of buffers, as the runtime wants it


@dataclass(frozen=True, slots=True)
class Edits:
    """What to change; an empty one changes nothing.

    Attributes:
        inputs: Signature -> old input name -> new one.
        outputs: The same for outputs.
        versions: Operator code by index -> version.
        min_runtime: The text of the `min_runtime_version` metadata, where the file has it; at most 15 characters.
    """

    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Mapping[int, int] = field(default_factory=dict)
    min_runtime: str = ""


def rewrite(data: bytes, edits: Edits) -> bytes | bytearray:
    """`data` with `edits` made; one copy of it is held.

    Raises:
        FormatError: If `data` is no whole .tflite file.
        KeyError: If an edit names what the file does not have.
    """
    before = parse(memoryview(data))
    out = _Appender(data)
    if before.external_buffers and len(data) < _LARGEST_INSIDE and not _external_options(memoryview(data)):
        out = _inside(data, before)
    if edits.inputs or edits.outputs:
        _rename(out, edits)
    _versions(out, edits.versions)
    if edits.min_runtime:
        _min_runtime(out, edits.min_runtime)
    if not out.changed:
        return data
    parse(memoryview(out.data))
    return out.data


class _Appender:
    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.changed = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[Table]:
        """The root table as it stands; nothing can be appended inside."""
        with memoryview(self.data) as view:
            yield Table.root(view)

    def overwrite(self, at: int, value: bytes) -> None:
        if self.data[at : at + len(value)] != value:
            self.data[at : at + len(value)] = value
            self.changed = True

    def append(self, value: bytes, alignment: int = 4, prefix: int = 0) -> int:
        """Put `value` at the end so that the byte behind its first `prefix` bytes is aligned; where it starts."""
        while (len(self.data) + prefix) % alignment:
            self.data.append(0)
        start = len(self.data)
        self.data += value
        self.changed = True
        return start

    def point(self, slot: int, target: int) -> None:
        """Turn the offset at `slot` to `target`."""
        self.overwrite(slot, struct.pack("<I", target - slot))


def _external_options(data: memoryview) -> bool:
    graphs = Table.root(data).tables(2)
    return any(operator.scalar(9, "u64") > 1 for graph in graphs for operator in graph.tables(3))


def _inside(data: bytes, model: Model) -> _Appender:
    """The file with all of its buffers inside the FlatBuffer."""
    end = min(b.offset for b in model.buffers if b.external)
    out = _Appender(data[:end])
    out.changed = True
    slots = Table.root(memoryview(data)).slots(4)
    vtable = out.append(struct.pack("<3H", 6, 8, 4), alignment=4)  # of a Buffer with `data` alone
    for slot, buffer in zip(slots, model.buffers, strict=True):
        if not buffer.external:
            continue
        table = out.append(bytes(8))
        out.overwrite(table, struct.pack("<i", table - vtable))
        out.point(slot, table)
        value = struct.pack("<I", buffer.size) + data[buffer.offset : buffer.offset + buffer.size]
        out.point(table + 4, out.append(value, _ALIGNMENT, prefix=4))
    return out


def _string(text: str) -> bytes:
    raw = text.encode("utf-8")
    return struct.pack("<I", len(raw)) + raw + b"\0"


def _rename(out: _Appender, edits: Edits) -> None:
    left = {(side, s, n) for side in ("inputs", "outputs") for s, t in getattr(edits, side).items() for n in t}
    turned: list[tuple[int, str]] = []
    with out.reading() as root:
        for signature in root.tables(7):
            key = signature.string(2) or ""
            for number, side in ((0, "inputs"), (1, "outputs")):
                names = getattr(edits, side).get(key, {})
                for tensor in signature.tables(number):
                    own = tensor.string(0) or ""
                    if own in names:
                        left.discard((side, key, own))
                        if names[own] != own:
                            turned.append((tensor.position(0), names[own]))
    for slot, name in turned:
        out.point(slot, out.append(_string(name)))
    if left:
        raise KeyError(sorted(left)[0][2])


def _versions(out: _Appender, versions: Mapping[int, int]) -> None:
    without_room: list[tuple[int, int, int, int, str | None]] = []
    with out.reading() as root:
        for index, (slot, code) in enumerate(zip(root.slots(1), root.tables(1), strict=True)):
            wanted = versions.get(index)
            if wanted is None or wanted == code.scalar(2, "i32", 1):
                continue
            at = code.position(2)
            if at:
                out.overwrite(at, struct.pack("<i", wanted))
                continue
            without_room.append((slot, wanted, code.scalar(3, "i32"), code.scalar(0, "i8"), code.string(1)))
    # The version is left out when it is 1, so the table has no room for it: a new one takes its place.
    for slot, wanted, builtin, short, custom in without_room:
        out.point(slot, _operator_code(out, wanted, builtin, short, custom))


def _operator_code(out: _Appender, version: int, builtin: int, short: int, custom: str | None) -> int:
    # The vtable of four fields, then the table: vtable offset, custom_code, version, builtin_code and the old byte.
    vtable = struct.pack("<6H", 12, 20, 16, 4 if custom is not None else 0, 8, 12)
    start = out.append(vtable)
    table = start + len(vtable)
    out.append(struct.pack("<iIiib3x", len(vtable), 0, version, builtin, short), alignment=1)
    if custom is not None:
        out.point(table + 4, out.append(_string(custom)))
    return table


def _min_runtime(out: _Appender, text: str) -> None:
    value = text.encode("ascii").ljust(16, b"\0")
    found: list[tuple[int, int, int]] = []
    with out.reading() as root:
        for entry in root.tables(6):
            if entry.string(0) != _MIN_RUNTIME:
                continue
            buffers = list(root.tables(4))
            index = entry.scalar(1, "u32")
            if index >= len(buffers):
                raise FormatError(f"the file is damaged: buffer {index} is named, and there are {len(buffers)}")
            found.append((*buffers[index].span(0), buffers[index].position(0)))
    for start, count, slot in found:
        if count >= len(value):
            out.overwrite(start, value.ljust(count, b"\0"))
        elif start:
            at = out.append(struct.pack("<I", len(value)) + value, _ALIGNMENT, prefix=4)
            out.point(slot, at)
