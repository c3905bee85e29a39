"""The files of the user's that a spec names for metadata, each with its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .metadata import AssociatedFile, Graph, ProcessUnit, Tokenizer
from .tensors import Input, Output
from .types import ModelSpec


def tables(spec: ModelSpec) -> Iterator[tuple[str, str, Mapping[str, Input], Mapping[str, Output]]]:
    """Signature ("" for the only one), the prefix of its keys, its inputs and outputs."""
    if spec.input or spec.output:
        yield "", "", spec.input, spec.output
    for name, tensors in spec.signature.items():
        yield name, f'signature."{name}".', tensors.input, tensors.output


def named(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    """Key and path of each; those of custom metadata among them."""
    for _, prefix, inputs, outputs in tables(spec):
        for name, tensor in inputs.items():
            key = f'{prefix}input."{name}"'
            yield from _tensor(key, tensor)
            if tensor.tokenizer is not None:
                yield from _unit(f"{key}.tokenizer", tensor.tokenizer)
        for name, output in outputs.items():
            key = f'{prefix}output."{name}"'
            yield from _tensor(key, output)
            labels = output.labels or {}
            for locale, path in labels.items():
                yield (f"{key}.labels" if len(labels) == 1 else f'{key}.labels."{locale}"'), path
            if output.score_calibration is not None:
                yield f"{key}.score_calibration.file", output.score_calibration.file
    yield from _files("metadata", spec.metadata.files)
    yield from _graph("metadata.graph", spec.metadata.graph)
    for name, path in spec.metadata.custom.items():
        yield f'metadata.custom."{name}"', path


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
