"""What the metadata of a .tflite file says, as keys of a model.toml and as files beside it.

Only what keys say as well, and only where a build would take it: all else stays in the file, from where builds keep it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tflite_build.tflite import archive, reader, summary
from tflite_build.tflite.archive import Archive, Member
from tflite_build.tflite.flatbuffer import FormatError
from tflite_build.tflite.metadata import (
    AudioProperties,
    ImageProperties,
    ModelMetadata,
    Normalization,
    ProcessUnit,
    ScoreThreshold,
    TensorMetadata,
)
from tflite_build.tflite.reader import Model, Tensor

_LARGEST = 16 << 20  # of a file with labels
_LONGEST = 10_000  # of a text
_CHANNELS = {"rgb": 3, "grayscale": 1}
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


@dataclass(frozen=True, slots=True)
class Lifted:
    """Lines of model.toml.

    Attributes:
        signature: The signature that `inputs` and `outputs` are of.
        model: Those of [model].
        inputs: Those of inputs by name.
        outputs: Those of outputs by name.
        files: Files beside model.toml that they name.
    """

    signature: str = ""
    model: tuple[str, ...] = ()
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def of(path: Path) -> Lifted:
    """What the file at `path` says.

    Raises:
        FormatError: If it is no whole .tflite file.
    """
    with reader.opened(path) as data:
        model = reader.parse(data)
        said = summary.described(data, model)
    return Lifted() if said is None else _lifted(said, model, archive.of(path))


def _lifted(said: ModelMetadata, model: Model, packed: Archive | None) -> Lifted:
    texts = {key: getattr(said, key) for key in ("version", "description", "author", "license")}
    own = tuple(f"{key} = {_text(text)}" for key, text in texts.items() if 0 < len(text) <= _LONGEST)
    signature = next((s for s in model.signatures if s.subgraph == 0), None)
    if signature is None or not said.subgraphs:
        return Lifted(model=own)
    graph = model.subgraphs[0]
    files: dict[str, bytes] = {}

    def named(
        indices: Sequence[int], names: Mapping[int, str], tensors: Sequence[TensorMetadata]
    ) -> Iterator[tuple[str, Tensor, TensorMetadata]]:
        if len(indices) == len(tensors):
            for index, tensor in zip(indices, tensors, strict=True):
                if index in names:
                    yield names[index], graph.tensors[index], tensor

    inputs = {t.tensor.index: t.name for t in signature.inputs}
    outputs = {t.tensor.index: t.name for t in signature.outputs}
    described = said.subgraphs[0]
    return Lifted(
        signature.name,
        own,
        {n: tuple(_input(t, about)) for n, t, about in named(graph.inputs, inputs, described.inputs)},
        {
            n: tuple(_output(t, about, packed, files))
            for n, t, about in named(graph.outputs, outputs, described.outputs)
        },
        files,
    )


def _input(tensor: Tensor, said: TensorMetadata) -> Iterator[str]:
    yield from _description(said)
    properties = said.content.properties if said.content else None
    if isinstance(properties, ImageProperties):
        channels = tensor.shape[3] if len(tensor.shape) == 4 else 0
        normalization = _normalization(said.process_units, channels)
        if channels not in (1, 3) or normalization is None:
            return
        yield 'content = "image"'
        if _CHANNELS.get(properties.color_space) == channels:
            yield f"color_space = {_text(properties.color_space)}"
        yield f"mean = {_numbers(normalization.mean)}"
        yield f"std = {_numbers(normalization.std)}"
    elif isinstance(properties, AudioProperties) and properties.channels == 1 and 0 < properties.sample_rate <= 10**7:
        yield 'content = "audio"'
        yield f"sample_rate = {properties.sample_rate}"


def _output(tensor: Tensor, said: TensorMetadata, packed: Archive | None, files: dict[str, bytes]) -> Iterator[str]:
    yield from _description(said)
    labels: dict[str, str] = {}
    for file in said.files:
        member = next((m for m in packed.members if m.base == file.name), None) if packed else None
        if file.type == "tensor-axis-labels" and member is not None and file.locale not in labels:
            content = _labels(member, tensor.shape[-1] if tensor.shape else 0)
            if content is not None:
                labels[file.locale] = file.name
                files[file.name] = content
    if set(labels) == {""}:
        yield f"labels = {_text(labels[''])}"
    elif labels:
        pairs = ", ".join(f"{_text(locale or 'default')} = {_text(name)}" for locale, name in labels.items())
        yield f"labels = {{ {pairs} }}"
    threshold = next((u.options for u in said.process_units if isinstance(u.options, ScoreThreshold)), None)
    if threshold is not None and abs(threshold.threshold) <= 3e38:
        yield f"score_threshold = {_number(threshold.threshold)}"


def _description(said: TensorMetadata) -> Iterator[str]:
    if 0 < len(said.description) <= _LONGEST:
        yield f"description = {_text(said.description)}"


def _normalization(units: Sequence[ProcessUnit], channels: int) -> Normalization | None:
    """What is said, or that there is none; None where the spec cannot say it."""
    found = next((u.options for u in units if isinstance(u.options, Normalization)), Normalization((0.0,), (1.0,)))
    fits = len(found.mean) == len(found.std) and len(found.mean) in (1, channels)
    good = all(abs(v) <= 1e30 for v in found.mean) and all(1e-30 <= v <= 1e30 for v in found.std)
    return found if fits and good else None


def _labels(member: Member, classes: int) -> bytes | None:
    """The content of a file of labels; None where a build would refuse it."""
    if not member.base or not set(member.base) <= _SAFE or member.base.startswith(".") or member.size > _LARGEST:
        return None
    try:
        content = member.read(_LARGEST)
        lines = content.decode("utf-8").split("\n")
    except (FormatError, UnicodeDecodeError):
        return None
    return content if classes <= 0 or len(lines) - (lines[-1] == "") == classes else None


def _numbers(values: tuple[float, ...]) -> str:
    return _number(values[0]) if len(set(values)) == 1 else f"[{', '.join(map(_number, values))}]"


def _number(value: float) -> str:
    """The shortest decimals that are this number of 32 bits."""
    texts = (f"{value:.{digits}g}" for digits in range(1, 10))
    shortest = next((t for t in texts if struct.pack("<f", float(t)) == struct.pack("<f", value)), repr(value))
    return repr(float(shortest))


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # which TOML wants escaped
