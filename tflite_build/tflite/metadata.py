"""What TFLite Metadata says of a model: its authors' words, what tensors mean, and the files packed behind it.

A FlatBuffer of its own (identifier M001) in the buffer that the model lists as TFLITE_METADATA; associated files are a zip
archive behind the last byte of the model. Every table, field and enum of the schema is here, once, in the order of its
field numbers, and what is read is what would be written. A number of an enum that the schema does not have stays a number.
Source: metadata_schema.fbs of TFLite Support, version 1.5.0. Knows nothing of models or of specs, and extracts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import building
from .building import Fields, Number, Numbers, Value
from .flatbuffer import FormatError, Table

NAME = "TFLITE_METADATA"
IDENTIFIER = b"M001"

MOST_NUMBERS = 1 << 16  # of one vector
MOST_DATA = 64 << 20  # bytes of custom metadata


@dataclass(frozen=True, slots=True)
class AssociatedFile:
    """A file that a tensor or the model refers to, by its base name in the archive, and what it is for.

    Attributes:
        type: A word of `FILE_TYPES`.
        locale: Of labels, the language that they are in, as BCP 47 has it; "" for any.
    """

    name: str = ""
    description: str = ""
    type: str = "unknown"
    locale: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class FeatureProperties:
    """Numbers of no further meaning."""


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Pixels."""

    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class ImageProperties:
    """A picture; `color_space` is a word of `COLOR_SPACES`, `default_size` for where the shape leaves it open."""

    color_space: str = "unknown"
    default_size: ImageSize | None = None


@dataclass(frozen=True, slots=True)
class BoundingBoxProperties:
    """Boxes.

    Attributes:
        index: Where left, top, right, bottom of `boundaries` (or x, y, width, height of others) stand in a box.
        type: A word of `BOX_TYPES`.
        coordinate_type: A word of `COORDINATES`.
    """

    index: tuple[int, ...] = ()
    type: str = "unknown"
    coordinate_type: str = "ratio"


@dataclass(frozen=True, slots=True)
class AudioProperties:
    """A sound: samples a second, and channels."""

    sample_rate: int = 0
    channels: int = 0


ContentProperties = FeatureProperties | ImageProperties | BoundingBoxProperties | AudioProperties


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The first and the last dimension that the content properties are said of."""

    min: int = 0
    max: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """What a tensor holds."""

    properties: ContentProperties | None = None
    range: ValueRange | None = None


@dataclass(frozen=True, slots=True)
class Normalization:
    """The tensor takes (value - mean) / std; one number of each for all channels, or one for each channel."""

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """How a score is made comparable; `transformation` is a word of `TRANSFORMATIONS`."""

    transformation: str = "identity"
    default_score: float = 0.0


@dataclass(frozen=True, slots=True)
class ScoreThreshold:
    """Scores below `threshold` are dropped."""

    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class BertTokenizer:
    """WordPiece, with a token in each line of its vocabulary."""

    vocab: tuple[AssociatedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class SentencePieceTokenizer:
    """SentencePiece, with its model."""

    model: tuple[AssociatedFile, ...] = ()
    vocab: tuple[AssociatedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class RegexTokenizer:
    """Texts are split where `pattern` matches; each line of the vocabulary is a token and its number."""

    pattern: str = ""
    vocab: tuple[AssociatedFile, ...] = ()


Options = Normalization | ScoreCalibration | ScoreThreshold | BertTokenizer | SentencePieceTokenizer | RegexTokenizer


@dataclass(frozen=True, slots=True)
class ProcessUnit:
    """A step before or after the model; None where a newer schema has a kind that is unknown here."""

    options: Options | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """The highest and the lowest values, one for all or one for each channel."""

    max: tuple[float, ...] = ()
    min: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """What an input or output means."""

    name: str = ""
    description: str = ""
    dimension_names: tuple[str, ...] = ()
    content: Content | None = None
    process_units: tuple[ProcessUnit, ...] = ()
    stats: Stats | None = None
    files: tuple[AssociatedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """Tensors that belong together, by their names in the metadata."""

    name: str = ""
    tensor_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomMetadata:
    """Bytes that only an app understands."""

    name: str = ""
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class SubgraphMetadata:
    """What a graph means; inputs and outputs in the order of the graph's."""

    name: str = ""
    description: str = ""
    inputs: tuple[TensorMetadata, ...] = ()
    outputs: tuple[TensorMetadata, ...] = ()
    files: tuple[AssociatedFile, ...] = ()
    input_process_units: tuple[ProcessUnit, ...] = ()
    output_process_units: tuple[ProcessUnit, ...] = ()
    input_groups: tuple[TensorGroup, ...] = ()
    output_groups: tuple[TensorGroup, ...] = ()
    custom: tuple[CustomMetadata, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What the metadata of a file says. Readers want exactly one of `subgraphs`."""

    name: str = ""
    description: str = ""
    version: str = ""
    subgraphs: tuple[SubgraphMetadata, ...] = ()
    author: str = ""
    license: str = ""
    files: tuple[AssociatedFile, ...] = ()
    min_parser_version: str = ""


FILE_TYPES = (
    "unknown",
    "descriptions",
    "tensor-axis-labels",
    "tensor-value-labels",
    "tensor-axis-score-calibration",
    "vocabulary",
    "scann-index-file",
)
COLOR_SPACES = ("unknown", "rgb", "grayscale")
BOX_TYPES = ("unknown", "boundaries", "upper-left", "center")
COORDINATES = ("ratio", "pixel")
TRANSFORMATIONS = ("identity", "log", "inverse-logistic")
CONTENTS: tuple[type, ...] = (FeatureProperties, ImageProperties, BoundingBoxProperties, AudioProperties)
OPTIONS: tuple[type, ...] = (
    Normalization,
    ScoreCalibration,
    ScoreThreshold,
    BertTokenizer,
    SentencePieceTokenizer,
    RegexTokenizer,
)


# How a field is written: each kind reads a value from a table's field, gives the fields that write it, and its JSON.
@dataclass(frozen=True, slots=True)
class _Kind:
    read: Callable[[Table, int], Any]
    write: Callable[[int, Any], Fields]
    to_json: Callable[[Any], Any]
    from_json: Callable[[Any], Any]
    slots: int = 1


def _same(value: Any) -> Any:
    return value


def _text() -> _Kind:
    return _Kind(lambda t, n: t.string(n) or "", lambda n, v: {n: v} if v else {}, _same, str)


def _texts() -> _Kind:
    return _Kind(lambda t, n: t.strings(n), lambda n, v: {n: v} if v else {}, list, tuple)


def _integer(kind: str, code: str) -> _Kind:
    return _Kind(lambda t, n: t.scalar(n, kind), lambda n, v: {n: Number(code, v)} if v else {}, _same, int)


def _real() -> _Kind:
    return _Kind(lambda t, n: float(t.number(n, "f32")), lambda n, v: {n: Number("f", v)} if v else {}, _finite, float)


def _reals() -> _Kind:
    return _Kind(
        lambda t, n: tuple(map(float, t.scalars(n, "f32", MOST_NUMBERS))),
        lambda n, v: {n: Numbers("f", v)} if v else {},
        lambda v: [_finite(one) for one in v],
        lambda v: tuple(map(float, v)),
    )


def _whole_numbers() -> _Kind:
    return _Kind(
        lambda t, n: t.integers(n, "u32", MOST_NUMBERS), lambda n, v: {n: Numbers("I", v)} if v else {}, list, tuple
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _data() -> _Kind:
    def read(table: Table, number: int) -> bytes:
        start, count = table.span(number)
        if count > MOST_DATA:
            raise FormatError(
                f"the file is damaged: custom metadata of {count} bytes, where {MOST_DATA} can be at most"
            )
        table.meter.take(count)
        return bytes(table.data[start : start + count])

    return _Kind(read, lambda n, v: {n: v} if v else {}, bytes.hex, bytes.fromhex)


def _word(words: tuple[str, ...]) -> _Kind:
    def read(table: Table, number: int) -> str:
        value = table.scalar(number, "i8")
        return words[value] if 0 <= value < len(words) else str(value)

    def write(number: int, word: str) -> Fields:
        value = words.index(word) if word in words else int(word)
        return {number: Number("b", value)} if value else {}

    return _Kind(read, write, _same, str)


def _one(kind: type) -> _Kind:
    def read(table: Table, number: int) -> Any:
        inner = table.table(number)
        return None if inner is None else _read(kind, inner)

    return _Kind(
        read,
        lambda n, v: {} if v is None else {n: _fields(v)},
        lambda v: None if v is None else to_json(v),
        lambda v: None if v is None else from_json(kind, v),
    )


def _many(kind: type) -> _Kind:
    return _Kind(
        lambda t, n: tuple(_read(kind, inner) for inner in t.tables(n)),
        lambda n, v: {n: tuple(_fields(one) for one in v)} if v else {},
        lambda v: [to_json(one) for one in v],
        lambda v: tuple(from_json(kind, one) for one in v),
    )


def _union(kinds: tuple[type, ...]) -> _Kind:
    """A union: the number of its member, then the member's table."""
    names = {kind.__name__: kind for kind in kinds}

    def read(table: Table, number: int) -> Any:
        which, inner = table.scalar(number, "u8"), table.table(number + 1)
        return _read(kinds[which - 1], inner) if inner is not None and 1 <= which <= len(kinds) else None

    def write(number: int, value: Any) -> Fields:
        if value is None:
            return {}
        return {number: Number("B", 1 + kinds.index(type(value))), number + 1: _fields(value)}

    def parse(value: Any) -> Any:
        if value is None:
            return None
        return from_json(names[value["kind"]], {k: v for k, v in value.items() if k != "kind"})

    return _Kind(read, write, lambda v: v if v is None else {"kind": type(v).__name__, **to_json(v)}, parse, 2)


_LAYOUT: Mapping[type, Mapping[str, _Kind]] = {
    AssociatedFile: {
        "name": _text(), "description": _text(), "type": _word(FILE_TYPES), "locale": _text(), "version": _text(),
    },
    FeatureProperties: {},
    ImageSize: {"width": _integer("u32", "I"), "height": _integer("u32", "I")},
    ImageProperties: {"color_space": _word(COLOR_SPACES), "default_size": _one(ImageSize)},
    BoundingBoxProperties: {
        "index": _whole_numbers(), "type": _word(BOX_TYPES), "coordinate_type": _word(COORDINATES),
    },
    AudioProperties: {"sample_rate": _integer("u32", "I"), "channels": _integer("u32", "I")},
    ValueRange: {"min": _integer("i32", "i"), "max": _integer("i32", "i")},
    Content: {"properties": _union(CONTENTS), "range": _one(ValueRange)},
    Normalization: {"mean": _reals(), "std": _reals()},
    ScoreCalibration: {"transformation": _word(TRANSFORMATIONS), "default_score": _real()},
    ScoreThreshold: {"threshold": _real()},
    BertTokenizer: {"vocab": _many(AssociatedFile)},
    SentencePieceTokenizer: {"model": _many(AssociatedFile), "vocab": _many(AssociatedFile)},
    RegexTokenizer: {"pattern": _text(), "vocab": _many(AssociatedFile)},
    ProcessUnit: {"options": _union(OPTIONS)},
    Stats: {"max": _reals(), "min": _reals()},
    TensorMetadata: {
        "name": _text(), "description": _text(), "dimension_names": _texts(), "content": _one(Content),
        "process_units": _many(ProcessUnit), "stats": _one(Stats), "files": _many(AssociatedFile),
    },
    TensorGroup: {"name": _text(), "tensor_names": _texts()},
    CustomMetadata: {"name": _text(), "data": _data()},
    SubgraphMetadata: {
        "name": _text(), "description": _text(), "inputs": _many(TensorMetadata), "outputs": _many(TensorMetadata),
        "files": _many(AssociatedFile), "input_process_units": _many(ProcessUnit),
        "output_process_units": _many(ProcessUnit), "input_groups": _many(TensorGroup),
        "output_groups": _many(TensorGroup), "custom": _many(CustomMetadata),
    },
    ModelMetadata: {
        "name": _text(), "description": _text(), "version": _text(), "subgraphs": _many(SubgraphMetadata),
        "author": _text(), "license": _text(), "files": _many(AssociatedFile), "min_parser_version": _text(),
    },
}  # fmt: skip


def read(data: memoryview) -> ModelMetadata:
    """The metadata in the bytes of its buffer.

    Raises:
        FormatError: If they are damaged.
    """
    if len(data) < 8 or bytes(data[4:8]) != IDENTIFIER:
        raise FormatError(f"{NAME} is damaged: it does not begin as such metadata does")
    found: ModelMetadata = _read(ModelMetadata, Table.root(data))
    return found


def write(said: ModelMetadata) -> bytes:
    """The bytes of its buffer, the same for the same metadata."""
    return building.built(_fields(said), IDENTIFIER)


def _read(kind: type, table: Table) -> Any:
    values, number = {}, 0
    for name, field in _LAYOUT[kind].items():
        values[name] = field.read(table, number)
        number += field.slots
    return kind(**values)


def _fields(value: Any) -> Fields:
    fields: dict[int, Value] = {}
    number = 0
    for name, field in _LAYOUT[type(value)].items():
        fields.update(field.write(number, getattr(value, name)))
        number += field.slots
    return fields


def to_json(value: Any) -> dict[str, Any]:
    """Any of these classes as JSON values; bytes in hexadecimal digits, numbers that are none as null."""
    return {name: field.to_json(getattr(value, name)) for name, field in _LAYOUT[type(value)].items()}


def from_json(kind: type, value: Mapping[str, Any]) -> Any:
    """The inverse of `to_json` for a `kind`; keys that are missing have their defaults."""
    layout = _LAYOUT[kind]
    return kind(**{name: layout[name].from_json(inner) for name, inner in value.items()})


# The first version of a parser that understands what a field says. Source: metadata_version.cc of TFLite Support.
_SINCE_UNITS: Mapping[type, tuple[int, int, int]] = {
    BertTokenizer: (1, 1, 0),
    SentencePieceTokenizer: (1, 1, 0),
    RegexTokenizer: (1, 2, 1),
}
_SINCE_TYPES = {"vocabulary": (1, 0, 1), "scann-index-file": (1, 4, 0)}


def parser_version(said: ModelMetadata) -> str:
    """The oldest parser that understands all of it, which `min_parser_version` has to say."""
    return ".".join(map(str, max(_versions(said))))


def _versions(said: ModelMetadata) -> Iterator[tuple[int, int, int]]:
    yield (1, 0, 0)
    for file in all_files(said):
        yield _SINCE_TYPES.get(file.type, (1, 0, 0))
        if file.version:
            yield (1, 4, 1)
    for graph in said.subgraphs:
        tensors = (*graph.inputs, *graph.outputs)
        graph_units = (*graph.input_process_units, *graph.output_process_units)
        if graph_units:
            yield (1, 1, 0)
        for unit in (*graph_units, *(u for t in tensors for u in t.process_units)):
            yield _SINCE_UNITS.get(type(unit.options), (1, 0, 0))
        if graph.input_groups or graph.output_groups:
            yield (1, 2, 0)
        if any(t.content is not None and isinstance(t.content.properties, AudioProperties) for t in tensors):
            yield (1, 3, 0)
        if graph.custom:
            yield (1, 5, 0)


def all_files(said: ModelMetadata) -> Iterator[AssociatedFile]:
    """Every file that is referred to, wherever that is; for further signatures, too."""
    yield from said.files
    for graph in (g for found in said.subgraphs for g in (found, *signatures(found).values())):
        yield from graph.files
        units = [*graph.input_process_units, *graph.output_process_units]
        for tensor in (*graph.inputs, *graph.outputs):
            yield from tensor.files
            units += tensor.process_units
        for unit in units:
            yield from files_of(unit)


def normalization(units: Sequence[ProcessUnit]) -> Normalization | None:
    """The normalization among process units."""
    return next((u.options for u in units if isinstance(u.options, Normalization)), None)


def files_of(unit: ProcessUnit) -> tuple[AssociatedFile, ...]:
    """The files that a process unit refers to."""
    match unit.options:
        case BertTokenizer(vocab) | RegexTokenizer(_, vocab):
            return vocab
        case SentencePieceTokenizer(model, vocab):
            return model + vocab
    return ()


_SIGNATURE = "signature:"


def with_signature(graph: SubgraphMetadata, name: str, described: SubgraphMetadata) -> SubgraphMetadata:
    """`graph` with what is said of another signature of the model, which readers have no place for: custom metadata."""
    data = write(ModelMetadata(name, subgraphs=(described,)))
    kept = without_signature(graph, name).custom
    return replace(graph, custom=(*kept, CustomMetadata(_SIGNATURE + name, data)))


def without_signature(graph: SubgraphMetadata, name: str) -> SubgraphMetadata:
    """`graph` without what `with_signature` has put there for this one."""
    return replace(graph, custom=tuple(c for c in graph.custom if c.name != _SIGNATURE + name))


def signatures(graph: SubgraphMetadata) -> dict[str, SubgraphMetadata]:
    """What `with_signature` has put there, by the signature's name; damaged ones are left out."""
    found: dict[str, SubgraphMetadata] = {}
    for custom in graph.custom:
        if custom.name.startswith(_SIGNATURE):
            try:
                inner = read(memoryview(custom.data)).subgraphs
            except FormatError:
                continue
            if inner:
                found[custom.name.removeprefix(_SIGNATURE)] = inner[0]
    return found
