"""What differs between two .tflite files: from the graph down to the numbers of a weight.

Tensors are matched by their names; where all of these are others and the graph is wired alike, by their places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from tflite_build.errors import Place

from . import archive, metadata, options, reader
from .flatbuffer import FormatError
from .reader import Contents, Model, Operator, Signature, Subgraph, Tensor
from .values import Stored, ValueChange, compare

_CHUNK = 1 << 20
_LONGEST_TEXT = 64  # of metadata that is shown as it is
_UNKNOWN = 1 << 61  # so many numbers that nobody knows how many

Part = Literal["file", "metadata", "operators", "signatures", "graphs", "tensors", "quantization", "weights"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs.

    Attributes:
        part: What kind of thing it is.
        name: The tensor, operator, signature or metadata; "" for the file or a graph as a whole.
        graph: The number of its subgraph; None where it belongs to none.
        before: What it is in the first file; "" where it is not there or is more than a few words.
        after: The same for the second.
        text: All of it in words, as people read it.
        values: For weights, how their numbers differ.
    """

    part: Part
    name: str
    text: str
    before: str = ""
    after: str = ""
    graph: int | None = None
    values: ValueChange | None = None


def differences(one: Path, other: Path, most: int = 8) -> tuple[str, ...]:
    """How the file `other` differs from the file `one` in words, the coarsest first; at most `most` phrases and a count.

    Files whose bytes are equal give nothing. A file that is no .tflite file is said to be none.
    """
    try:
        found = [change.text for change in changes(one, other)]
    except FormatError as error:
        found = [error.problems[0].message]
    if len(found) > most:
        found = [*found[:most], f"and {len(found) - most} more"]
    return tuple(found)


def changes(one: Path, other: Path) -> tuple[Change, ...]:
    """How the file `other` differs from the file `one`, the coarsest first. Files whose bytes are equal give nothing.

    Raises:
        FormatError: If one of them cannot be read or is no .tflite file.
    """
    with reader.opened(one) as before, reader.opened(other) as after:
        first, second = _parsed(one, before), _parsed(other, after)
        at = _first_difference(before, after)
        if at is None:
            return ()
        pair = _Pair(Contents(before, first), Contents(after, second))
        found = (*_model(pair), *_packed(one, other))
    text = f"the bytes differ from byte {at} on, in no part that this tool compares"
    return found or (Change("file", "", text),)


def _parsed(path: Path, data: memoryview) -> Model:
    try:
        model = reader.parse(data)
        for graph in model.subgraphs:
            for operator in graph.operators:
                options.options(operator)  # which are read late: what is damaged is told of its own file
        return model
    except FormatError as error:
        raise FormatError(error.problems[0].message, Place(path)) from None


@dataclass(frozen=True, slots=True)
class _Pair:
    one: Contents
    other: Contents


def _changed(part: Part, name: str, what: str, before: object, after: object, graph: int | None = None) -> Change:
    return Change(part, name, f"{what}: {before} -> {after}", str(before), str(after), graph)


def _model(pair: _Pair) -> Iterator[Change]:
    one, other = pair.one.model, pair.other.model
    if one.size != other.size:
        sizes = f"{one.size} bytes", f"{other.size} bytes"
        yield Change("file", "", " -> ".join(sizes), *sizes)
    if one.version != other.version:
        yield _changed("file", "", "schema version", one.version, other.version)
    if one.description != other.description:
        yield _changed("metadata", "description", "description", repr(one.description), repr(other.description))
    yield from _metadata(pair)
    yield from _external(one, other)
    counts = _operators(one), _operators(other)
    for name in sorted(counts[0].keys() | counts[1].keys()):
        before, after = counts[0][name], counts[1][name]
        if before != after:
            yield _changed("operators", name, f"operator {name}", before, after)
    yield from _signatures(one, other)
    if len(one.subgraphs) != len(other.subgraphs):
        yield _changed("graphs", "", "number of graphs", len(one.subgraphs), len(other.subgraphs))
    for number, graphs in enumerate(zip(one.subgraphs, other.subgraphs, strict=False)):
        yield from _Graphs(pair, *graphs, number, len(one.subgraphs) > 1).changes()


def _metadata(pair: _Pair) -> Iterator[Change]:
    one, other = ({name: _content(file, b) for name, b in file.model.metadata} for file in (pair.one, pair.other))
    for name in sorted(one.keys() | other.keys()):
        before, after = one.get(name), other.get(name)
        if before == after:
            continue
        what = "oldest runtime" if name == "min_runtime_version" else f"metadata '{name}'"
        if before is None or after is None:
            yield Change("metadata", name, f"{what} is {'new' if before is None else 'gone'}")
        elif name == metadata.NAME and (said := _said(before, after)):
            yield from said
        else:
            yield _changed("metadata", name, what, _shown(before), _shown(after))


def _said(before: bytes, after: bytes) -> list[Change]:
    """What two TFLite Metadata say otherwise, field by field; nothing where one is damaged, or only written otherwise."""
    try:
        one, other = (dict(_leaves(metadata.to_json(metadata.read(memoryview(data))))) for data in (before, after))
    except FormatError:
        return []
    changed = [key for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)]
    return [
        _changed("metadata", metadata.NAME, f"metadata {key}", _word(one.get(key)), _word(other.get(key)))
        for key in changed
    ]


def _leaves(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """The values in JSON by their places, such as `subgraphs.0.name`; lists of numbers and texts are one."""
    parts: list[tuple[object, object]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        parts = list(enumerate(value))
    if not parts:
        yield key, value
    for name, inner in parts:
        yield from _leaves(inner, f"{key}.{name}" if key else str(name))


def _word(value: object) -> str:
    text = "nothing" if value in (None, "", [], {}) else repr(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."


def _packed(one: Path, other: Path) -> Iterator[Change]:
    """How the files behind the models differ."""
    archives = archive.of(one), archive.of(other)
    before, after = ({m.name: m for m in found.members} if found else {} for found in archives)
    for name in sorted(before.keys() | after.keys()):
        what = f"file '{name}' that is packed with it"
        if name not in before or name not in after:
            yield Change("metadata", name, f"{what} is {'gone' if name in before else 'new'}")
        elif (before[name].size, before[name].crc) != (after[name].size, after[name].crc):
            sizes = f"{before[name].size} bytes", f"{after[name].size} bytes"
            yield _changed("metadata", name, what, *sizes)


def _content(file: Contents, buffer: int) -> bytes:
    buffers = file.model.buffers
    return bytes(file.bytes(buffers[buffer])) if buffer < len(buffers) else b""


def _shown(content: bytes) -> str:
    text = content.rstrip(b"\0").decode("ascii", "replace")
    if 0 < len(text) <= _LONGEST_TEXT and text.isascii() and text.isprintable():
        return repr(text)
    return f"{len(content)} bytes"


def _external(one: Model, other: Model) -> Iterator[Change]:
    if one.external != other.external:
        files = ", ".join(sorted({e.file for e in one.external})), ", ".join(sorted({e.file for e in other.external}))
        yield _changed("file", "", "values in other files", files[0] or "none", files[1] or "none")


def _signatures(one: Model, other: Model) -> Iterator[Change]:
    def described(signature: Signature, model: Model) -> tuple[list[str], list[str]]:
        ordered = model.ordered(signature)
        return [t.name for t in ordered.inputs], [t.name for t in ordered.outputs]

    first = {s.name: described(s, one) for s in one.signatures}
    second = {s.name: described(s, other) for s in other.signatures}
    for name in sorted(first.keys() | second.keys()):
        if name not in second or name not in first:
            yield Change("signatures", name, f"signature '{name}' is {'gone' if name in first else 'new'}")
        elif first[name] != second[name]:
            yield _changed("signatures", name, f"names of signature '{name}'", first[name], second[name])


@dataclass(frozen=True, slots=True)
class _Graphs:
    """Two subgraphs of one number."""

    pair: _Pair
    one: Subgraph
    other: Subgraph
    number: int
    named: bool

    def changes(self) -> Iterator[Change]:
        where = f"graph {self.number}: " if self.named else ""
        for change in self._changes():
            yield Change(
                change.part,
                change.name,
                where + change.text,
                change.before,
                change.after,
                self.number,
                change.values,
            )

    def _changes(self) -> Iterator[Change]:
        one, other = self.one, self.other
        if one.name != other.name:
            yield _changed("graphs", "", "name", repr(one.name), repr(other.name))
        if len(one.tensors) != len(other.tensors):
            yield _changed("tensors", "", "number of tensors", len(one.tensors), len(other.tensors))
        orders = [self.pair.one.name(o) for o in one.operators], [self.pair.other.name(o) for o in other.operators]
        alike = orders[0] == orders[1]
        if not alike and Counter(orders[0]) == Counter(orders[1]):
            yield Change("graphs", "", "the order of operators")
        matched = self._matched(alike)
        if alike:
            yield from self._same_order(orders[0], matched)
        else:
            yield from self._other_order()
        for side, first, second in (("inputs", one.inputs, other.inputs), ("outputs", one.outputs, other.outputs)):
            if [matched.get(i, -1) for i in first] != list(second):
                names = [one.tensors[i].name for i in first], [other.tensors[i].name for i in second]
                yield _changed("graphs", "", side, *names)
        taken = set(matched.values())
        for tensor in one.tensors:
            if tensor.index not in matched:
                yield Change("tensors", tensor.name, f"tensor '{tensor.name}' is gone", _described(tensor))
        for tensor in other.tensors:
            if tensor.index not in taken:
                yield Change("tensors", tensor.name, f"tensor '{tensor.name}' is new", "", _described(tensor))
        for first_index, second_index in matched.items():
            yield from self._tensor(one.tensors[first_index], other.tensors[second_index])

    def _matched(self, alike: bool) -> dict[int, int]:
        """Tensors of the first graph by index -> those of the second."""
        one, other = self.one, self.other
        if alike and len(one.tensors) == len(other.tensors):
            names, others = ([t.name for t in graph.tensors] for graph in (one, other))
            wired = all(
                (a.inputs, a.outputs) == (b.inputs, b.outputs)
                for a, b in zip(one.operators, other.operators, strict=True)
            )
            if wired and (names == others or set(names) != set(others)):
                return {t.index: t.index for t in one.tensors}
        return {a.index: b.index for a, b in _by_name(one.tensors, other.tensors)}

    def _same_order(self, names: list[str], matched: dict[int, int]) -> Iterator[Change]:
        for number, (first, second) in enumerate(zip(self.one.operators, self.other.operators, strict=True)):
            for a, b in ((first.inputs, second.inputs), (first.outputs, second.outputs)):
                if [matched.get(i, -1) for i in a] != list(b):
                    yield Change("graphs", names[number], f"what operator {number} ({names[number]}) takes or gives")
                    break
            yield from self._options(f"operator {number} ({names[number]})", first, second)

    def _other_order(self) -> Iterator[Change]:
        """Operators that make a tensor of the same name are the same one."""
        theirs = {_made(self.pair.other, self.other, o): o for o in self.other.operators}
        for operator in self.one.operators:
            made = _made(self.pair.one, self.one, operator)
            if made in theirs:
                yield from self._options(f"{made[0]} that makes '{made[1]}'", operator, theirs[made])

    def _options(self, what: str, first: Operator, second: Operator) -> Iterator[Change]:
        name = self.pair.one.name(first)
        if self.pair.one.model.codes[first.code].custom:
            own = (
                self.pair.one.bytes(first.custom_options) if first.custom_options else b"",
                self.pair.other.bytes(second.custom_options) if second.custom_options else b"",
            )
            if own[0] != own[1]:
                yield _changed("operators", name, f"options of {what}", f"{len(own[0])} bytes", f"{len(own[1])} bytes")
            return
        before, after = ({o.name: o for o in options.options(operator)} for operator in (first, second))
        for key in dict.fromkeys([*before, *after]):
            one, other = before.get(key), after.get(key)
            texts = one.text if one else f"no {key}", other.text if other else f"no {key}"
            if texts[0] != texts[1] or (one and other and one.raw and one.value != other.value):
                yield _changed("operators", name, f"options of {what}", *texts)

    def _tensor(self, tensor: Tensor, match: Tensor) -> Iterator[Change]:
        name = tensor.name
        for field in ("name", "dtype", "shape", "is_variable", "sparse", "sparsity", "external"):
            before, after = getattr(tensor, field), getattr(match, field)
            if before != after and not (field == "sparsity" and None in (before, after)):
                texts = (before, after) if field != "sparsity" else (_sparsity(tensor), _sparsity(match))
                yield _changed("tensors", name, f"{field} of '{name}'", *texts)
        if tensor.quantization != match.quantization:
            yield Change("quantization", name, f"quantization of '{name}'{_quantization(tensor, match)}",
                         _scale(tensor), _scale(match))  # fmt: skip
        yield from self._values(tensor, match)

    def _values(self, tensor: Tensor, match: Tensor) -> Iterator[Change]:
        first, second = self.pair.one.stored(tensor), self.pair.other.stored(match)
        if _equal(first, second) and (tensor.dtype, tensor.quantization) == (match.dtype, match.quantization):
            return
        if not len(first) and not len(second):
            return
        found = compare(Stored(tensor, first), Stored(match, second))
        sizes = f"{len(first)} bytes", f"{len(second)} bytes"
        what = f"values of '{tensor.name}'"
        if found is None:
            if not _equal(first, second):
                yield Change("weights", tensor.name, f"{what}: {' -> '.join(sizes)}", *sizes)
            return
        if not found.changed and found.real:
            return  # other numbers that stand for the same
        many = f" of {found.count}" if found.count < _UNKNOWN else ""
        largest = f", by {found.largest:.3g} at most" if found.changed and found.largest is not None else ""
        real = " as real numbers" if found.real else ""
        text = f"{what}{real}: {found.changed}{many} numbers differ{largest}"
        yield Change("weights", tensor.name, text, *sizes, values=found)


def _made(file: Contents, graph: Subgraph, operator: Operator) -> tuple[str, str]:
    names = [graph.tensors[i].name for i in operator.outputs if i >= 0]
    return file.name(operator), ", ".join(names)


def _by_name(one: Sequence[Tensor], other: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Tensors of the same name; of several called alike the first is the first."""
    theirs: dict[str, list[Tensor]] = {}
    for tensor in reversed(other):
        theirs.setdefault(tensor.name, []).append(tensor)
    for tensor in one:
        same = theirs.get(tensor.name)
        if same:
            yield tensor, same.pop()


def _described(tensor: Tensor) -> str:
    return f"{tensor.dtype} [{', '.join(map(str, tensor.shape))}]"


def _sparsity(tensor: Tensor) -> str:
    found = tensor.sparsity
    return f"order {list(found.order)}, blocks {list(found.blocks)}" if found else "dense"


def _scale(tensor: Tensor) -> str:
    q = tensor.quantization
    if q is None:
        return "none"
    if q.blockwise:
        return f"blocks of {q.block}"
    if len(q.scales) == 1:
        return f"scale {q.scales[0]:.6g}, zero point {q.zero_points[0] if q.zero_points else 0}"
    return f"{len(q.scales)} scales along axis {q.axis}"


def _quantization(tensor: Tensor, match: Tensor) -> str:
    one, other = tensor.quantization, match.quantization
    if one is None or other is None:
        return f": {_scale(tensor)} -> {_scale(match)}"
    changed = [f.name for f in fields(one) if getattr(one, f.name) != getattr(other, f.name)]
    if changed == ["scales"] and len(one.scales) == len(other.scales):
        pairs = [(a, b) for a, b in zip(one.scales, other.scales, strict=True) if a != b]
        if pairs:
            return f": {len(pairs)} of {len(one.scales)} scales, the first {pairs[0][0]!r} -> {pairs[0][1]!r}"
    if len(one.scales) == len(other.scales) == 1:
        return f": {_scale(tensor)} -> {_scale(match)}"
    return f": {', '.join(changed)}"


def _operators(model: Model) -> Counter[str]:
    return Counter(
        f"{model.codes[o.code].name} (version {model.codes[o.code].version})"
        for g in model.subgraphs
        for o in g.operators
    )


def _equal(one: memoryview, other: memoryview) -> bool:
    return len(one) == len(other) and _first_difference(one, other) is None


def _first_difference(one: memoryview, other: memoryview) -> int | None:
    shorter = min(len(one), len(other))
    for start in range(0, shorter, _CHUNK):
        end = min(start + _CHUNK, shorter)
        a, b = bytes(one[start:end]), bytes(other[start:end])  # whose comparison is many times that of views
        if a != b:
            return start + next(i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y)
    return None if len(one) == len(other) else shorter
