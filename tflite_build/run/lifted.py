"""What the metadata of a .tflite file says, as keys of a model.toml and as files beside it.

Only what keys say as well, and only where a build would take it: all else stays in the file, from where builds keep it.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tflite_build.engines.files import lines
from tflite_build.spec.metadata import DEFAULT_LOCALE
from tflite_build.tflite import archive, metadata, reader, summary
from tflite_build.tflite.archive import Archive
from tflite_build.tflite.flatbuffer import FormatError
from tflite_build.tflite.metadata import (
    AudioProperties,
    BoundingBoxProperties,
    ImageProperties,
    ModelMetadata,
    Normalization,
    ProcessUnit,
    ScoreThreshold,
    TensorMetadata,
)
from tflite_build.tflite.reader import Model, Tensor

_LONGEST = 10_000  # of a text
_CHANNELS = {"rgb": 3, "grayscale": 1}
_BOXES, _USUAL = ("boundaries", "upper-left", "center"), (1, 0, 3, 2)  # ymin, xmin, ymax, xmax
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


@dataclass(frozen=True, slots=True)
class Lifted:
    """Keys of model.toml and their values.

    Attributes:
        signature: The signature that `inputs` and `outputs` are of.
        model: Those of [model].
        inputs: Those of inputs by name.
        outputs: Those of outputs by name.
        names: What metadata calls tensors, by name.
        files: Files beside model.toml that they name.
    """

    signature: str = ""
    model: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def of(path: Path, taken: Collection[str] = ()) -> Lifted:
    """What the file at `path` says, with no file of a name that is `taken`.

    Raises:
        FormatError: If it is no whole .tflite file.
    """
    with reader.opened(path) as data:
        model = reader.parse(data)
        said = summary.described(data, model)
    return Lifted() if said is None else _lifted(said, model, _Files(archive.of(path), taken))


class _Files:
    """Files packed with a model that are to lie beside its model.toml, each name once whatever its case."""

    def __init__(self, packed: Archive | None, taken: Collection[str]) -> None:
        self._members = {m.base: m for m in reversed(packed.members)} if packed else {}
        self._taken = {name.casefold() for name in taken}
        self.found: dict[str, bytes] = {}

    def labels(self, name: str, classes: int) -> bool:
        """Whether a build takes the file of this name as labels of so many classes, and it can lie beside model.toml."""
        if name in self.found:
            return _are_labels(self.found[name], classes)
        member = self._members.get(name)
        if member is None or member.size > lines.LARGEST or name.casefold() in self._taken:
            return False
        if not set(name) <= _SAFE or name.startswith("."):
            return False
        try:
            content = member.read(lines.LARGEST)
        except FormatError:
            return False
        if not _are_labels(content, classes):
            return False
        self._taken.add(name.casefold())
        self.found[name] = content
        return True


def _are_labels(content: bytes, classes: int) -> bool:
    try:
        return classes <= 0 or len(lines.split(content)) == classes
    except UnicodeDecodeError:
        return False


def _lifted(said: ModelMetadata, model: Model, files: _Files) -> Lifted:
    texts = {key: getattr(said, key) for key in ("version", "description", "author", "license")}
    own = {key: text for key, text in texts.items() if 0 < len(text) <= _LONGEST}
    signature = next((s for s in model.signatures if s.subgraph == 0), None)
    if signature is None or not said.subgraphs:
        return Lifted(model=own)
    graph = model.subgraphs[0]

    described = said.subgraphs[0]
    boxes = any(t.content and isinstance(t.content.properties, BoundingBoxProperties) for t in described.outputs)

    def named(
        indices: Sequence[int], names: Mapping[int, str], tensors: Sequence[TensorMetadata]
    ) -> Iterator[tuple[str, Tensor, TensorMetadata]]:
        if len(indices) == len(tensors):
            for index, tensor in zip(indices, tensors, strict=True):
                if index in names:
                    yield names[index], graph.tensors[index], tensor

    inputs = {t.tensor.index: t.name for t in signature.inputs}
    outputs = {t.tensor.index: t.name for t in signature.outputs}
    about = [*named(graph.inputs, inputs, described.inputs), *named(graph.outputs, outputs, described.outputs)]
    return Lifted(
        signature.name,
        own,
        {n: dict(_input(t, about)) for n, t, about in named(graph.inputs, inputs, described.inputs)},
        {n: dict(_output(t, about, files, boxes)) for n, t, about in named(graph.outputs, outputs, described.outputs)},
        {name: tensor.name for name, _, tensor in about},
        files.found,
    )


def _input(tensor: Tensor, said: TensorMetadata) -> Iterator[tuple[str, Any]]:
    yield from _description(said)
    properties = said.content.properties if said.content else None
    if isinstance(properties, ImageProperties):
        channels = tensor.shape[3] if len(tensor.shape) == 4 else 0
        normalization = _normalization(said.process_units, channels)
        if channels not in (1, 3) or normalization is None:
            return
        yield "content", "image"
        if _CHANNELS.get(properties.color_space) == channels:
            yield "color_space", properties.color_space
        yield "mean", _numbers(normalization.mean)
        yield "std", _numbers(normalization.std)
    elif isinstance(properties, AudioProperties) and properties.channels == 1 and 0 < properties.sample_rate <= 10**7:
        yield "content", "audio"
        yield "sample_rate", properties.sample_rate


def _output(tensor: Tensor, said: TensorMetadata, files: _Files, boxes: bool) -> Iterator[tuple[str, Any]]:
    yield from _description(said)
    properties = said.content.properties if said.content else None
    if isinstance(properties, BoundingBoxProperties) and properties.type in _BOXES:
        yield "content", "boxes"
        index = properties.index if sorted(properties.index) == [0, 1, 2, 3] else _USUAL
        box = {"index": list(index), "type": properties.type, "coordinates": properties.coordinate_type}
        if box != {"index": list(_USUAL), "type": "boundaries", "coordinates": "ratio"}:
            yield "box", box
    labels: dict[str, str] = {}
    for file in said.files:
        locale = file.locale or DEFAULT_LOCALE
        wanted = file.type == ("tensor-value-labels" if boxes else "tensor-axis-labels") and locale not in labels
        if wanted and files.labels(file.name, tensor.shape[-1] if tensor.shape and not boxes else 0):
            labels[locale] = file.name
    if labels:
        yield "labels", labels[DEFAULT_LOCALE] if set(labels) == {DEFAULT_LOCALE} else labels
    threshold = next((u.options for u in said.process_units if isinstance(u.options, ScoreThreshold)), None)
    if threshold is not None and abs(threshold.threshold) <= 3e38:
        yield "score_threshold", _number(threshold.threshold)


def _description(said: TensorMetadata) -> Iterator[tuple[str, str]]:
    if 0 < len(said.description) <= _LONGEST:
        yield "description", said.description


def _normalization(units: Sequence[ProcessUnit], channels: int) -> Normalization | None:
    """What is said, or that there is none; None where the spec cannot say it."""
    found = metadata.normalization(units) or Normalization((0.0,), (1.0,))
    fits = len(found.mean) == len(found.std) and len(found.mean) in (1, channels)
    good = all(abs(v) <= 1e30 for v in found.mean) and all(1e-30 <= v <= 1e30 for v in found.std)
    return found if fits and good else None


def _numbers(values: tuple[float, ...]) -> float | list[float]:
    return _number(values[0]) if len(set(values)) == 1 else list(map(_number, values))


def _number(value: float) -> float:
    """The number with the fewest decimals that is this one of 32 bits."""
    texts = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next((n for n in texts if struct.pack("<f", n) == struct.pack("<f", value)), value)
