"""What TFLite Metadata says of a model: its authors' words, what tensors mean, and the files packed behind it.

A FlatBuffer of its own (identifier M001) in the buffer that the model lists as TFLITE_METADATA; associated files are a zip
archive behind the last byte of the model. Source: metadata_schema.fbs of TFLite Support. Extracts nothing.
"""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .flatbuffer import FormatError, Table

NAME = "TFLITE_METADATA"
IDENTIFIER = b"M001"

_CONTENT = ("", "feature", "image", "bounding box", "audio")
_COLOURS = ("", "RGB", "grayscale")
_FILE_TYPES = (
    "",
    "descriptions",
    "axis labels",
    "value labels",
    "score calibration",
    "vocabulary",
    "ScaNN index",
)
_NORMALIZATION = 1  # of the union ProcessUnitOptions
_MOST_CHANNELS = 4096


@dataclass(frozen=True, slots=True)
class AssociatedFile:
    """A file that a tensor or the model refers to, by its base name in the archive, and what it is for."""

    name: str
    kind: str
    description: str


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """What an input or output means.

    Attributes:
        content: "image RGB", "audio 16000 Hz", "bounding box", "feature", or "" where nothing is said.
        mean: Of the normalization that the app has to do: (value - mean) / std; empty without one.
        std: As many as `mean`.
        lowest: The lowest values; empty where nothing is said.
        highest: The highest ones.
    """

    name: str
    description: str
    content: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    files: tuple[AssociatedFile, ...]


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What the metadata of a file says; inputs and outputs in the order of the main subgraph's."""

    name: str
    description: str
    version: str
    author: str
    license: str
    min_parser_version: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]
    files: tuple[AssociatedFile, ...]


def read(data: memoryview) -> ModelMetadata:
    """The metadata in the bytes of its buffer.

    Raises:
        FormatError: If they are damaged.
    """
    if len(data) < 8 or bytes(data[4:8]) != IDENTIFIER:
        raise FormatError(f"{NAME} is damaged: it does not begin as such metadata does")
    root = Table.root(data)
    graph = next(root.tables(3), None)
    inputs, outputs = (tuple(_tensor(t) for t in graph.tables(n)) if graph else () for n in (2, 3))
    own = tuple(_file(t) for t in root.tables(6))
    if graph is not None:
        own += tuple(_file(t) for t in graph.tables(4))
    name, description, version, author, license_, parser = (root.string(n) or "" for n in (0, 1, 2, 4, 5, 7))
    return ModelMetadata(name, description, version, author, license_, parser, inputs, outputs, own)


def _tensor(table: Table) -> TensorMetadata:
    mean, std = (), ()  # type: tuple[float, ...], tuple[float, ...]
    for unit in table.tables(4):
        options = unit.table(1)
        if unit.scalar(0, "u8") == _NORMALIZATION and options is not None:
            mean, std = (options.scalars(n, "f32", _MOST_CHANNELS) for n in (0, 1))
    stats = table.table(5)
    highest, lowest = (stats.scalars(n, "f32", _MOST_CHANNELS) if stats else () for n in (0, 1))
    files = tuple(_file(t) for t in table.tables(6))
    return TensorMetadata(
        table.string(0) or "", table.string(1) or "", _content(table.table(3)), mean, std, lowest, highest, files
    )


def _content(table: Table | None) -> str:
    if table is None:
        return ""
    kind = _word(_CONTENT, table.scalar(0, "u8"))
    properties = table.table(1)
    if properties is None:
        return kind
    if kind == "image":
        return f"{kind} {_word(_COLOURS, properties.scalar(0, 'i8'))}".rstrip()
    if kind == "audio":
        rate, channels = properties.scalar(0, "u32"), properties.scalar(1, "u32")
        return f"{kind} {rate} Hz, {channels} channel{'' if channels == 1 else 's'}"
    return kind


def _file(table: Table) -> AssociatedFile:
    return AssociatedFile(table.string(0) or "", _word(_FILE_TYPES, table.scalar(2, "i8")), table.string(1) or "")


def _word(words: tuple[str, ...], number: int) -> str:
    return words[number] if 0 <= number < len(words) else f"type {number}"


def packed(path: Path) -> tuple[tuple[str, int], ...]:
    """Names and sizes of the files in the archive behind a model; nothing where there is none, or a damaged one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple((member.filename, member.file_size) for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, OverflowError, NotImplementedError, struct.error):
        return ()
