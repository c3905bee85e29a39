"""[metadata] and what tensors say for it: the words that go into a file as TFLite Metadata, for what reads that."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from tflite_build.tflite.metadata import MOST_NUMBERS

from .base import SpecModel
from .values import LARGEST, Deviations, Means, RelativePath, Strings, as_tuple, wrong

Text = Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
Real = Annotated[float, Field(ge=-3e38, le=3e38)]
Reals = Annotated[tuple[Real, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=MOST_NUMBERS)]
DEFAULT_LOCALE = "default"


def _labels(value: Any) -> Any:
    if isinstance(value, str) and value:
        return {DEFAULT_LOCALE: value}
    if not isinstance(value, dict) or not value:
        raise wrong(
            'labels are a file, or a table of files by language: { default = "labels.txt", de = "labels_de.txt" }'
        )
    return value


def _index(value: Any) -> Any:
    if not (isinstance(value, list | tuple) and len(value) == 4 and sorted(map(str, value)) == ["0", "1", "2", "3"]):
        raise wrong("an index has each of 0, 1, 2 and 3 once: where a box has left, top, right and bottom")
    return tuple(value)


def _dimensions(value: Any) -> Any:
    whole = isinstance(value, list) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
    if not whole or len(value) != 2 or not 0 <= value[0] <= value[1] <= 255:
        raise wrong("this is the first and the last dimension, such as [2, 2]")
    return tuple(value)


_PATH = {"type": "string", "minLength": 1}
Labels = Annotated[
    dict[str, RelativePath],
    BeforeValidator(_labels),
    WithJsonSchema({"anyOf": [_PATH, {"type": "object", "additionalProperties": _PATH, "minProperties": 1}]}),
]
Index = Annotated[
    tuple[int, ...],
    BeforeValidator(_index),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": 3},
            "minItems": 4,
            "maxItems": 4,
            "uniqueItems": True,
        }
    ),
]
Dimensions = Annotated[
    tuple[int, ...],
    BeforeValidator(_dimensions),
    WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 2}),
]
LabelOffset = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Pixel = Annotated[int, Field(ge=1, le=2**31 - 1)]
ImageSize = Annotated[tuple[Pixel, Pixel], BeforeValidator(as_tuple)]
FileType = Literal[
    "descriptions",
    "tensor-axis-labels",
    "tensor-value-labels",
    "tensor-axis-score-calibration",
    "vocabulary",
    "scann-index-file",
]
Transformation = Literal["identity", "log", "inverse-logistic"]


class AssociatedFile(SpecModel):
    """A file that is packed with the model, under its own name without folders."""

    file: RelativePath
    """The file."""
    type: FileType | None = None
    """What it is."""
    description: Text | None = None
    """What is in it."""
    locale: Text | None = None
    """The language that it is in, such as `"de"`."""
    version: Text | None = None
    """Its version."""


Files = Annotated[tuple[AssociatedFile, ...], BeforeValidator(as_tuple)]


class Stats(SpecModel):
    """What the values of a tensor lie between; one number for all channels or one for each."""

    min: Reals | None = None
    """The lowest."""
    max: Reals | None = None
    """The highest."""

    @model_validator(mode="after")
    def _in_order(self) -> Stats:
        low, high = self.min or (), self.max or ()
        if low and high and len(low) != len(high):
            raise wrong(f"'min' has {len(low)} numbers, and 'max' {len(high)}", "max")
        if any(a > b for a, b in zip(low, high, strict=False)):
            raise wrong("'min' is above 'max'", "min")
        return self


class Box(SpecModel):
    """How boxes are written."""

    index: Index | None = None
    """Where a box has left, top, right and bottom (`boundaries`), or x, y, width and height. Default: `[1, 0, 3, 2]`."""
    type: Literal["boundaries", "upper-left", "center"] = "boundaries"
    """Which point x and y are of; `boundaries` has two points instead of a size."""
    coordinates: Literal["ratio", "pixel"] = "ratio"
    """`ratio` has 0 to 1 for the whole picture."""


class ScoreCalibration(SpecModel):
    """How scores are made comparable, so that one threshold fits all classes."""

    file: RelativePath
    """A line for each class: scale, slope, offset and perhaps the lowest score, with commas between; or nothing."""
    transformation: Transformation = "identity"
    """What is done to a score first."""
    default: Real = 0.0
    """The score where the file has no parameters, or the score is below the lowest one."""


_UNITS = {
    "normalization": ("mean", "std"),
    "score-calibration": ("transformation", "default"),
    "score-threshold": ("threshold",),
    "bert": ("vocab",),
    "sentencepiece": ("model", "vocab"),
    "regex": ("pattern", "vocab"),
}
_NEEDED = {
    "normalization": ("mean", "std"),
    "score-threshold": ("threshold",),
    "bert": ("vocab",),
    "sentencepiece": ("model",),
    "regex": ("pattern", "vocab"),
}


class Tokenizer(SpecModel):
    """How a text becomes ids. `bert` needs `vocab`, `sentencepiece` needs `model`, `regex` needs `pattern` and `vocab`."""

    type: Literal["bert", "sentencepiece", "regex"]
    """Which one."""
    vocab: RelativePath | None = None
    """The vocabulary: a token in each line; for `regex` a token and its number."""
    model: RelativePath | None = None
    """The SentencePiece model."""
    pattern: Text | None = None
    """The regular expression that matches between two tokens."""

    @model_validator(mode="after")
    def _whole(self) -> Tokenizer:
        _check_unit(self, self.type)
        return self


class ProcessUnit(SpecModel):
    """A step before or after the model. Which keys one has depends on its `type`."""

    type: Literal["normalization", "score-calibration", "score-threshold", "bert", "sentencepiece", "regex"]
    """Which one."""
    mean: Means | None = None
    """Of `normalization`."""
    std: Deviations | None = None
    """Of `normalization`."""
    threshold: Real | None = None
    """Of `score-threshold`."""
    transformation: Transformation | None = None
    """Of `score-calibration`."""
    default: Real | None = None
    """Of `score-calibration`."""
    vocab: RelativePath | None = None
    """Of tokenizers."""
    model: RelativePath | None = None
    """Of `sentencepiece`."""
    pattern: Text | None = None
    """Of `regex`."""

    @model_validator(mode="after")
    def _whole(self) -> ProcessUnit:
        _check_unit(self, self.type)
        if self.mean and self.std and len(self.mean) != len(self.std):
            raise wrong(f"'mean' has {len(self.mean)} numbers, and 'std' {len(self.std)}", "std")
        return self


def _check_unit(unit: Tokenizer | ProcessUnit, kind: str) -> None:
    for key, value in unit:
        if key != "type" and value is not None and key not in _UNITS[kind]:
            raise wrong(f"'{key}' is no key of a unit with type = \"{kind}\"", key)
    for key in _NEEDED.get(kind, ()):
        if getattr(unit, key) is None:
            raise wrong(f"type = \"{kind}\" needs '{key}'", "type")


Units = Annotated[tuple[ProcessUnit, ...], BeforeValidator(as_tuple)]


class Described(SpecModel):
    """What metadata says of any tensor."""

    description: Text | None = None
    """What it holds, in words."""
    dimension_names: Strings = ()
    """A name for each of its dimensions."""
    stats: Stats | None = None
    """What its values lie between."""
    files: Files = ()
    """Files that belong to it, beyond those that other keys name."""
    process_units: Units = ()
    """Steps that belong to it, beyond those that other keys say."""
    content_range: Dimensions | None = None
    """The first and the last dimension that `content` is said of, such as `[2, 2]` where dimension 2 has the boxes."""


class Graph(SpecModel):
    """What metadata says of the graph behind the signature that it describes."""

    name: Text | None = None
    """Its name."""
    description: Text | None = None
    """What it does."""
    files: Files = ()
    """Files that belong to it."""
    input_process_units: Units = ()
    """Steps that all inputs take part in; a `tokenizer` of an input that is `bert` or `sentencepiece` is one by itself."""
    output_process_units: Units = ()
    """Steps that all outputs take part in."""
    input_groups: dict[str, Strings] = {}
    """Names of inputs that belong together, by the name of the group."""
    output_groups: dict[str, Strings] = {}
    """Names of outputs that belong together, by the name of the group."""


class Metadata(SpecModel):
    """What libraries that read TFLite Metadata are told, beyond what tensors say of themselves."""

    write: bool = True
    """Whether a build writes any; what the source has already stays."""
    signature: str | None = None
    """The signature that is described, since readers know one. Default: the first that runs the main graph. Others are
    described in custom metadata, as the metadata guide says."""
    name: Text | None = None
    """The model's name for people. Default: `name` of [model]."""
    files: Files = ()
    """Files that belong to the model as a whole."""
    graph: Graph = Graph()
    """What the graph does."""
    custom: dict[str, RelativePath] = {}
    """Files whose bytes become custom metadata, by its name."""
