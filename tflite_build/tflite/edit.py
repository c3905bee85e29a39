"""Changing a .tflite file without building it anew: names of signature tensors, versions of operators, shapes, metadata.

FlatBuffer offsets are unsigned and point forward. So what is new is appended and the old reference turned to it; where a
vector has to grow, which leads back to what it had, a new root table and the new vector are put before the old file.
Everything else keeps its bytes, and the same edits give the same file. Nothing is copied here: the outcome is `Patches`.

Buffers that lie behind the FlatBuffer, as quantizers write them, are brought inside where the file is small enough: only
runtimes since 2.13 look for them outside, and older ones take such weights for absent without a word. Otherwise they stay
the last part of the file, behind what is new, so that no offset of the FlatBuffer has to reach over them.
Source: schema.fbs of LiteRT for field numbers, FlatBuffers' internals page for the layout.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import building, metadata
from .building import Fields
from .flatbuffer import FormatError, Table
from .patches import Patches, Span
from .reader import IDENTIFIER, Model, parse

_MIN_RUNTIME = "min_runtime_version"
_LARGEST_INSIDE = 2**31 - 2**20  # FlatBuffers end at 2 GB
_ALIGNMENT = 16  # of buffers, as the runtime wants it
_SHIFT = 64  # what the old file may move by: a multiple of what anything in it is aligned to
_LARGE = 1 << 24  # bytes of a file that is moved by whole pages, so that the filesystem can share them
_PAGE = 4096
_BUFFERS, _METADATA, _ROOT_FIELDS = 4, 6, 10  # fields of the Model table, and how many of these are known here
_SHAPES = (0, 7)  # of the Tensor table: the shape, and that with dynamic dimensions


@dataclass(frozen=True, slots=True)
class Edits:
    """What to change; an empty one changes nothing.

    Attributes:
        inputs: Signature -> old input name -> new one.
        outputs: The same for outputs.
        versions: Operator code by index -> version.
        min_runtime: The text of the `min_runtime_version` metadata, where the file has it; at most 15 characters.
        metadata: The bytes of the TFLITE_METADATA buffer, which is added where the file has none.
        shapes: Subgraph and tensor -> its shape, where the file says one.
    """

    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Mapping[int, int] = field(default_factory=dict)
    min_runtime: str = ""
    metadata: bytes | None = None
    shapes: Mapping[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)


def plan(data: memoryview, edits: Edits, end: int | None = None) -> Patches:
    """How the file with the bytes `data` gets these `edits`.

    Args:
        data: The whole file.
        edits: What to change.
        end: Where the model ends and an archive begins, which is left out.

    Raises:
        FormatError: If `data` is no whole .tflite file.
        KeyError: If an edit names what the file does not have.
    """
    model = parse(data)
    size = len(data) if end is None else end
    options = _external_options(data)
    inside = model.external_buffers and len(data) < _LARGEST_INSIDE and not options
    behind = _offsets(data) if (model.external_buffers or options) and not inside else {}
    first = min([b.offset for b in model.buffers if b.external] + [*behind.values()], default=size)
    draft = _Draft(data, first)
    _rename(draft, edits)
    _versions(draft, edits.versions)
    _shapes(draft, edits.shapes)
    _buffers(draft, model, _contents(model, edits), bring=inside)
    if edits.metadata is not None and model.metadata_buffer(metadata.NAME) is None:
        _list_metadata(draft, edits.metadata)
    return draft.finished(Span(first, size - first), behind) if behind else draft.finished()


class _Draft:
    """The new file; places count from the start of the old one, so that those of the prefix are below zero."""

    def __init__(self, data: memoryview, kept: int) -> None:
        self.data = data
        self.prefix = b""
        self.writes: dict[int, bytes] = {}
        self._kept = kept
        self._tail: list[bytes | Span] = []
        self._size = kept

    @property
    def root(self) -> Table:
        """The root table of the old file."""
        return Table.root(self.data)

    @property
    def grown(self) -> bool:
        """Whether anything was put before or behind the old file."""
        return bool(self.prefix or self._tail)

    def overwrite(self, at: int, value: bytes) -> None:
        """Have `value` stand at a place of the old file or of the tail."""
        if at >= self._kept or bytes(self.data[at : at + len(value)]) != value:
            self.writes[at] = value

    def append(self, *value: bytes | Span, alignment: int = 4, prefix: int = 0) -> int:
        """Put `value` at the end so that the byte behind its first `prefix` bytes is aligned; where it starts."""
        self._pad(-(self._size + prefix) % alignment)
        start = self._size
        self._tail += value
        self._size += sum(map(len, value))
        return start

    def _pad(self, count: int) -> None:
        if count:
            self._tail.append(bytes(count))
            self._size += count

    def point(self, slot: int, target: int) -> None:
        """Turn the offset at `slot` to `target`.

        Raises:
            FormatError: If that is too far away for an offset.
        """
        if target - slot >= 1 << 32:
            raise FormatError("the file has over 4 GB before its last part, so nothing can be added to it")
        self.overwrite(slot, struct.pack("<I", target - slot))

    def target(self, slot: int) -> int:
        """What the offset at a `slot` of the old file leads to by now."""
        return slot + int.from_bytes(self.writes.get(slot) or self.data[slot : slot + 4], "little")

    def finished(self, behind: Span | None = None, offsets: Mapping[int, int] | None = None) -> Patches:
        """All of it, with the bytes `behind` last; `offsets` into these, by their places, are moved with them."""
        moved = len(self.prefix)
        if behind is not None and behind.size and self.grown:
            shift = _PAGE if behind.size >= _LARGE else _SHIFT
            self._pad((behind.start - moved - self._size) % shift)
        shift = moved + self._size - (behind.start if behind is not None else 0)
        if shift:
            for slot, at in (offsets or {}).items():
                self.overwrite(slot, struct.pack("<Q", at + shift))
        writes = tuple(sorted((at + moved, value) for at, value in self.writes.items()))
        pieces = (self.prefix, Span(0, self._kept), *self._tail, behind or b"")
        return Patches(tuple(p for p in pieces if len(p)), writes)


def _external_options(data: memoryview) -> bool:
    graphs = Table.root(data).tables(2)
    return any(operator.scalar(9, "u64") > 1 for graph in graphs for operator in graph.tables(3))


def _offsets(data: memoryview) -> dict[int, int]:
    """Offsets to what lies behind the FlatBuffer, by the places where they stand."""
    root = Table.root(data)
    tables = [(buffer, 1) for buffer in root.tables(4)]
    tables += [(operator, 9) for graph in root.tables(2) for operator in graph.tables(3)]
    found = {table.position(number): table.scalar(number, "u64") for table, number in tables}
    return {slot: at for slot, at in found.items() if at > 1}


def _contents(model: Model, edits: Edits) -> dict[int, bytes]:
    """What buffers are to hold, by their numbers."""
    wanted: dict[int, bytes] = {}
    if edits.min_runtime:
        text = edits.min_runtime.encode("ascii").ljust(16, b"\0")
        for name, number in model.metadata:
            if name != _MIN_RUNTIME:
                continue
            if number >= len(model.buffers):
                count = len(model.buffers)
                raise FormatError(f"the file is damaged: buffer {number} is named, and there are {count}")
            size = model.buffers[number].size
            if size:
                wanted[number] = text.ljust(size, b"\0") if size >= len(text) else text
    about = model.metadata_buffer(metadata.NAME)
    if edits.metadata is not None and about is not None:
        wanted[about] = edits.metadata
    return wanted


def _buffers(draft: _Draft, model: Model, wanted: Mapping[int, bytes], *, bring: bool) -> None:
    """Give buffers what is `wanted`, and with `bring` have all of them inside the FlatBuffer."""
    if not wanted and not bring:
        return
    vtable = 0
    places = zip(draft.root.slots(4), draft.root.tables(4), model.buffers, strict=True)
    for number, (slot, table, buffer) in enumerate(places):
        value = wanted.get(number)
        if not buffer.external and value is None:
            continue
        if value is not None and bytes(draft.data[buffer.offset : buffer.offset + buffer.size]) == value:
            value = None
        if value is None and not (buffer.external and bring):
            continue
        if value is not None and not buffer.external and len(value) == buffer.size:
            draft.overwrite(buffer.offset, value)
            continue
        place = 0 if buffer.external else table.position(0)
        if not place:
            vtable = vtable or draft.append(struct.pack("<3H", 6, 8, 4))  # of a Buffer with `data` alone
            new = draft.append(bytes(8))
            draft.overwrite(new, struct.pack("<i", new - vtable))
            draft.point(slot, new)
            place = new + 4
        size = buffer.size if value is None else len(value)
        content = Span(buffer.offset, size) if value is None else value
        draft.point(place, draft.append(struct.pack("<I", size), content, alignment=_ALIGNMENT, prefix=4))


def _list_metadata(draft: _Draft, content: bytes) -> None:
    """Add the metadata and a buffer for it, by a root table and vectors of its own before the old file."""
    root = draft.root
    fields = {number: at for number in range((root.vtable_size - 4) // 2) if (at := root.position(number))}
    if any(number >= _ROOT_FIELDS for number in fields):
        raise FormatError("the file has parts that are newer than what this tool knows, so metadata cannot be added")
    entries = [
        draft.target(slot)
        for slot, entry in zip(root.slots(_METADATA), root.tables(_METADATA), strict=True)
        if entry.string(0) != metadata.NAME
    ]
    buffers = [draft.target(slot) for slot in root.slots(_BUFFERS)]
    first: tuple[Fields, ...] = () if buffers else ({},)  # buffer 0 is the one without content
    entry: Fields = {0: metadata.NAME, 1: building.Number("I", len(buffers) + len(first))}
    own = building.built({_BUFFERS: (*first, {0: content}), _METADATA: (entry,)}, IDENTIFIER)
    inner = Table.root(memoryview(own))

    used = sorted({*fields, _BUFFERS, _METADATA})
    places = {number: 4 + 4 * i for i, number in enumerate(used)}
    vtable = struct.pack(f"<{2 + _ROOT_FIELDS}H", 4 + 2 * _ROOT_FIELDS, 4 + 4 * len(used),
                         *(places.get(number, 0) for number in range(_ROOT_FIELDS)))  # fmt: skip
    out = bytearray(struct.pack("<I4s", 0, IDENTIFIER)) + vtable
    at = len(out)
    out += struct.pack("<i", len(vtable)) + bytes(4 * len(used))
    building.point(out, 0, at)
    old: dict[int, int] = {}  # places in the prefix -> what they lead to in the old file
    new: dict[int, int] = {}  # the same for `own`
    for number in used:
        slot = at + places[number]
        if number == 0:
            out[slot : slot + 4] = draft.data[fields[0] : fields[0] + 4]
        elif number not in (_BUFFERS, _METADATA):
            old[slot] = draft.target(fields[number])
    for number, targets in ((_BUFFERS, buffers), (_METADATA, entries)):
        added = [_target(own, slot) for slot in inner.slots(number)]
        start = len(out)
        building.point(out, at + places[number], start)
        out += struct.pack("<I", len(targets) + len(added)) + bytes(4 * (len(targets) + len(added)))
        old.update({start + 4 + 4 * i: target for i, target in enumerate(targets)})
        new.update({start + 4 + 4 * (len(targets) + i): target for i, target in enumerate(added)})
    out += bytes(-len(out) % _ALIGNMENT)
    base = len(out)
    out += own
    out += bytes(-len(out) % (_PAGE if len(draft.data) >= _LARGE else _SHIFT))
    for slot, target in new.items():
        building.point(out, slot, base + target)
    for slot, target in old.items():
        building.point(out, slot, len(out) + target)
    draft.prefix = bytes(out)


def _target(data: bytes, slot: int) -> int:
    return slot + int.from_bytes(data[slot : slot + 4], "little")


def _rename(draft: _Draft, edits: Edits) -> None:
    left = {(side, s, n) for side in ("inputs", "outputs") for s, t in getattr(edits, side).items() for n in t}
    turned: list[tuple[int, str]] = []
    if left:
        for signature in draft.root.tables(7):
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
        draft.point(slot, draft.append(building.text(name)))
    if left:
        raise KeyError(sorted(left)[0][2])


def _shapes(draft: _Draft, shapes: Mapping[tuple[int, int], tuple[int, ...]]) -> None:
    for number, graph in enumerate(draft.root.tables(2) if shapes else ()):
        for index, tensor in enumerate(graph.tables(0)):
            shape = shapes.get((number, index))
            slots = [slot for slot in map(tensor.position, _SHAPES) if slot] if shape is not None else []
            if shape is not None and slots:
                vector = draft.append(struct.pack(f"<{1 + len(shape)}i", len(shape), *shape))
                for slot in slots:
                    draft.point(slot, vector)


def _versions(draft: _Draft, versions: Mapping[int, int]) -> None:
    without_room: list[tuple[int, int, int, int, str | None]] = []
    for index, (slot, code) in enumerate(zip(draft.root.slots(1), draft.root.tables(1), strict=True)):
        wanted = versions.get(index)
        if wanted is None or wanted == code.scalar(2, "i32", 1):
            continue
        at = code.position(2)
        if at:
            draft.overwrite(at, struct.pack("<i", wanted))
            continue
        without_room.append((slot, wanted, code.scalar(3, "i32"), code.scalar(0, "i8"), code.string(1)))
    # The version is left out when it is 1, so the table has no room for it: a new one takes its place.
    for slot, wanted, builtin, short, custom in without_room:
        draft.point(slot, _operator_code(draft, wanted, builtin, short, custom))


def _operator_code(draft: _Draft, version: int, builtin: int, short: int, custom: str | None) -> int:
    # The vtable of four fields, then the table: vtable offset, custom_code, version, builtin_code and the old byte.
    vtable = struct.pack("<6H", 12, 20, 16, 4 if custom is not None else 0, 8, 12)
    start = draft.append(vtable)
    table = start + len(vtable)
    draft.append(struct.pack("<iIiib3x", len(vtable), 0, version, builtin, short), alignment=1)
    if custom is not None:
        draft.point(table + 4, draft.append(building.text(custom)))
    return table
