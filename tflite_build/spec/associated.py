"""The files of the user's that a spec names for metadata, each with its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .kinds.base import Kind
from .metadata import AssociatedFile, Graph, ProcessUnit, Tokenizer
from .signatures import tables
from .tensors import Input, Output
from .types import ModelSpec


def named(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    """Key and path of each; those of custom metadata among them."""
    for own in tables(spec):
        prefix = own.prefix
        for name, tensor in own.inputs.items():
            key = f'{prefix}input."{name}"'
            yield from _tensor(key, tensor)
            if tensor.tokenizer is not None:
                yield from _unit(f"{key}.tokenizer", tensor.tokenizer)
        for name, output in own.written.items():
            key = f'{prefix}output."{name}"'
            yield from _tensor(key, output)
            yield from _locales(f"{key}.labels", output.labels or {})
            if output.score_calibration is not None:
                yield f"{key}.score_calibration.file", output.score_calibration.file
        for table, kinds in (("argument", own.arguments), ("result", own.results)):
            for name, kind in kinds.items():
                yield from _kind(f'{prefix}{table}."{name}"', kind)
    yield from _files("metadata", spec.metadata.files)
    yield from _graph("metadata.graph", spec.metadata.graph)
    for name, path in spec.metadata.custom.items():
        yield f'metadata.custom."{name}"', path


def _kind(key: str, kind: Kind) -> Iterator[tuple[str, str]]:
    for own in kind.FILES:
        value = getattr(kind, own)
        if isinstance(value, str):
            yield f"{key}.{own}", value
        elif isinstance(value, Mapping):
            yield from _locales(f"{key}.{own}", value)


def _locales(key: str, paths: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for locale, path in paths.items():
        yield (key if len(paths) == 1 else f'{key}."{locale}"'), path


def _tensor(key: str, tensor: Input | Output) -> Iterator[tuple[str, str]]:
    yield from _files(key, tensor.files)
    for i, unit in enumerate(tensor.process_units):
        yield from _unit(f"{key}.process_units.{i}", unit)


def _graph(key: str, graph: Graph) -> Iterator[tuple[str, str]]:
    yield from _files(key, graph.files)
    for side in ("input_process_units", "output_process_units"):
        units: tuple[ProcessUnit, ...] = getattr(graph, side)
        for i, unit in enumerate(units):
            yield from _unit(f"{key}.{side}.{i}", unit)


def _files(key: str, files: tuple[AssociatedFile, ...]) -> Iterator[tuple[str, str]]:
    for i, file in enumerate(files):
        yield f"{key}.files.{i}.file", file.file


def _unit(key: str, unit: Tokenizer | ProcessUnit) -> Iterator[tuple[str, str]]:
    for part in ("vocab", "model"):
        path: str | None = getattr(unit, part)
        if path:
            yield f"{key}.{part}", path
