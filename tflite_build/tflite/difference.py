"""What differs between two .tflite files, in words: from the graph down to the numbers of a weight."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from . import reader
from .flatbuffer import FormatError
from .reader import Buffer, Model, Operator, Signature, Subgraph, Tensor

_MOST_NUMBERS = 1_000_000  # of a weight that are compared one by one
_FORMATS = {"float32": "f", "float64": "d", "int8": "b", "uint8": "B", "int16": "h", "int32": "i", "int64": "q"}
_CHUNK = 1 << 20


def differences(one: Path, other: Path, most: int = 8) -> tuple[str, ...]:
    """How the file `other` differs from the file `one`, the coarsest first; at most `most` phrases and a count.

    Files whose bytes are equal give nothing. A file that is no .tflite file is said to be none.
    """
    with reader.opened(one) as before, reader.opened(other) as after:
        at = _first_difference(before, after)
        if at is None:
            return ()
        try:
            found = list(_model(before, reader.parse(before), after, reader.parse(after)))
        except FormatError as error:
            found = [error.problems[0].message]
        found = found or [f"the bytes differ from byte {at} on, in no part that this tool compares"]
    if len(found) > most:
        found = [*found[:most], f"and {len(found) - most} more"]
    return tuple(found)


def _model(before: memoryview, one: Model, after: memoryview, other: Model) -> Iterator[str]:
    if one.size != other.size:
        yield f"{one.size} bytes -> {other.size} bytes"
    if one.description != other.description:
        yield f"description: {one.description!r} -> {other.description!r}"
    if one.min_runtime_version != other.min_runtime_version:
        yield f"oldest runtime: {one.min_runtime_version!r} -> {other.min_runtime_version!r}"
    if _metadata(before, one) != _metadata(after, other):
        yield "metadata"
    counts = _operators(one), _operators(other)
    for name in sorted(counts[0].keys() | counts[1].keys()):
        if counts[0][name] != counts[1][name]:
            yield f"operator {name}: {counts[0][name]} -> {counts[1][name]}"
    yield from _signatures(one, other)
    if len(one.subgraphs) != len(other.subgraphs):
        yield f"{len(one.subgraphs)} graphs -> {len(other.subgraphs)} graphs"
    for number, graphs in enumerate(zip(one.subgraphs, other.subgraphs, strict=False)):
        where = f"graph {number}: " if len(one.subgraphs) > 1 else ""
        yield from (where + text for text in _graph(before, one, graphs[0], after, other, graphs[1]))


def _signatures(one: Model, other: Model) -> Iterator[str]:
    def described(signature: Signature, model: Model) -> tuple[list[str], list[str]]:
        ordered = model.ordered(signature)
        return [t.name for t in ordered.inputs], [t.name for t in ordered.outputs]

    first = {s.name: described(s, one) for s in one.signatures}
    second = {s.name: described(s, other) for s in other.signatures}
    for name in sorted(first.keys() | second.keys()):
        if name not in second or name not in first:
            yield f"signature '{name}' is {'gone' if name in first else 'new'}"
        elif first[name] != second[name]:
            yield f"names of signature '{name}': {first[name]} -> {second[name]}"


def _graph(
    before: memoryview, one: Model, graph: Subgraph, after: memoryview, other: Model, another: Subgraph
) -> Iterator[str]:
    if len(graph.tensors) != len(another.tensors):
        yield f"{len(graph.tensors)} tensors -> {len(another.tensors)} tensors"
    orders = [[model.codes[o.code].name for o in g.operators] for model, g in ((one, graph), (other, another))]
    if Counter(orders[0]) == Counter(orders[1]) and orders[0] != orders[1]:
        yield "the order of operators"
    elif orders[0] == orders[1]:
        for number, (first, second) in enumerate(zip(graph.operators, another.operators, strict=True)):
            if _wiring(graph, first) != _wiring(another, second):
                yield f"what operator {number} ({orders[0][number]}) takes or gives"
    theirs = {t.name: t for t in another.tensors}
    for tensor in graph.tensors:
        match = theirs.get(tensor.name)
        if match is None:
            if len(graph.tensors) == len(another.tensors):
                yield f"tensor '{tensor.name}' is gone"
            continue
        yield from _tensor(before, one.buffers, tensor, after, other.buffers, match)


def _tensor(
    before: memoryview,
    buffers: tuple[Buffer, ...],
    tensor: Tensor,
    after: memoryview,
    others: tuple[Buffer, ...],
    match: Tensor,
) -> Iterator[str]:
    for field in ("dtype", "shape", "is_variable", "sparse"):
        if getattr(tensor, field) != getattr(match, field):
            yield f"{field} of '{tensor.name}': {getattr(tensor, field)} -> {getattr(match, field)}"
    if tensor.quantization != match.quantization:
        yield f"quantization of '{tensor.name}'{_quantization(tensor, match)}"
    first, second = _bytes(before, buffers[tensor.buffer]), _bytes(after, others[match.buffer])
    if tensor.dtype == match.dtype and first != second:
        yield f"values of '{tensor.name}'{_values(tensor, first, second)}"


def _quantization(tensor: Tensor, match: Tensor) -> str:
    one, other = tensor.quantization, match.quantization
    if one is None or other is None:
        return f": {'none' if one is None else 'some'} -> {'none' if other is None else 'some'}"
    changed = [f.name for f in fields(one) if getattr(one, f.name) != getattr(other, f.name)]
    if changed == ["scales"] and len(one.scales) == len(other.scales):
        pairs = [(a, b) for a, b in zip(one.scales, other.scales, strict=True) if a != b]
        return f": {len(pairs)} of {len(one.scales)} scales, the first {pairs[0][0]!r} -> {pairs[0][1]!r}"
    return f": {', '.join(changed)}"


def _values(tensor: Tensor, first: memoryview, second: memoryview) -> str:
    code = _FORMATS.get(tensor.dtype)
    if code is None or len(first) != len(second) or not len(first):
        return f": {len(first)} bytes -> {len(second)} bytes"
    one, other = array(code), array(code)
    one.frombytes(first[: _MOST_NUMBERS * one.itemsize])
    other.frombytes(second[: _MOST_NUMBERS * one.itemsize])
    numbers = list(zip(one, other, strict=True))
    gaps = [abs(a - b) for a, b in numbers if a != b and not (a != a and b != b)]
    largest = f", by {max(gaps):.3g} at most" if gaps else ""
    return f": {len(gaps)} of {len(numbers)} numbers differ{largest}"


def _wiring(graph: Subgraph, operator: Operator) -> tuple[tuple[str, ...], ...]:
    def names(indices: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(graph.tensors[i].name if i >= 0 else "" for i in indices)

    return names(operator.inputs), names(operator.outputs)


def _operators(model: Model) -> Counter[str]:
    return Counter(
        f"{model.codes[o.code].name} (version {model.codes[o.code].version})"
        for g in model.subgraphs
        for o in g.operators
    )


def _metadata(data: memoryview, model: Model) -> list[tuple[str, bytes]]:
    return sorted((name, bytes(_bytes(data, model.buffers[buffer]))) for name, buffer in model.metadata)


def _bytes(data: memoryview, buffer: Buffer) -> memoryview:
    return data[buffer.offset : buffer.offset + buffer.size]


def _first_difference(one: memoryview, other: memoryview) -> int | None:
    shorter = min(len(one), len(other))
    for start in range(0, shorter, _CHUNK):
        a, b = one[start : start + _CHUNK], other[start : start + _CHUNK]
        if a[: shorter - start] != b[: shorter - start]:
            return start + next(i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y)
    return None if len(one) == len(other) else shorter
