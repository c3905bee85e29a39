"""What a user may write in model.toml, as closed, frozen types: the one source of truth for its format.

The JSON Schema, the reference page and `init` are made from these classes, so their field descriptions are the
documentation. Only what one table tells of itself is checked here; what tables may not combine, and which files have to
exist, is in `rules`.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tflite_build.tflite.runtimes import PLATFORMS, release

SPEC_VERSION = 1

QUANTIZE_WORDS = (
    "none",
    "float16",
    "dynamic-int8",
    "dynamic-int4",
    "weight-only-int8",
    "weight-only-int4",
    "int8",
    "int16x8",
    "from-source",
)
RESERVED_TARGETS = ("android", "ios", "runtime", "check")


def _wrong(message: str, key: str = "") -> PydanticCustomError:
    """A rule of a table that is broken, at one of its keys where one is to blame."""
    return PydanticCustomError("spec", "{message}", {"message": message, "key": key})


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_LARGEST = 2**31 - 1
_WORD = "[A-Za-z_][A-Za-z0-9_]*"


def _dimension(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    word = isinstance(value, str) and re.fullmatch(_WORD, value)
    if number and value > _LARGEST:
        raise _wrong(f"a dimension is at most {_LARGEST}, which is what a .tflite file can hold")
    if not (number or word):
        shown = f'"{value}"' if isinstance(value, str) else str(value).lower()
        raise _wrong(f'a dimension is a number of at least 1, or a name such as "n" where it is dynamic, not {shown}')
    return value


def _pair(value: Any) -> Any:
    def number(v: Any) -> bool:
        return isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)

    if not (isinstance(value, list) and len(value) == 2 and all(map(number, value))):
        raise _wrong("a range is two numbers, [lowest, highest]")
    return float(value[0]), float(value[1])


def _per_channel(low: float, high: float, kind: str, *, whole: bool = False) -> Any:
    """Reads one number, or a list of one for all channels or of one each."""

    def good(v: Any) -> bool:
        number = isinstance(v, int if whole else int | float) and not isinstance(v, bool)
        return number and math.isfinite(v) and low <= v <= high

    def read(value: Any) -> Any:
        values = value if isinstance(value, list) else [value]
        wrong = [v for v in values if not good(v)]
        if not values or wrong:
            found = f", not {wrong[0]!r}" if wrong else ""
            raise _wrong(f"one {kind} for all channels or a list with one each is needed{found}")
        return tuple(v if whole else float(v) for v in values)

    return read


def _errors(value: Any) -> Any:
    def positive(v: Any) -> bool:
        return isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) and v > 0

    wrong = [v for v in (value.values() if isinstance(value, dict) else [value]) if not positive(v)]
    if wrong:
        raise _wrong(f"an error is a number above 0, or a table of output name to such numbers, not {wrong[0]!r}")
    return {k: float(v) for k, v in value.items()} if isinstance(value, dict) else float(value)


def _select_ops(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, list) and all(isinstance(v, str) and v for v in value):
        return tuple(dict.fromkeys(name.removeprefix("Flex") for name in value))
    raise _wrong('this is true, false, or a list of TensorFlow\'s names of operators, such as ["Lgamma"]')


def _oldest(value: Any) -> Any:
    if isinstance(value, dict) and not value:
        raise _wrong(f"an empty table names no platform: {' or '.join(PLATFORMS)}")
    for platform, text in value.items() if isinstance(value, dict) else [("", value)]:
        if platform and platform not in PLATFORMS:
            raise _wrong(f"'{platform}' is no platform: {' or '.join(PLATFORMS)}")
        if not isinstance(text, str):
            shown = "a table" if isinstance(text, dict) else "a list" if isinstance(text, list) else str(text).lower()
            text = str(text) if isinstance(text, int | float) and not isinstance(text, bool) else shown
        try:
            release(text)
        except ValueError as error:
            raise _wrong(str(error)) from None
    return value


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=64)]
RelativePath = Annotated[str, StringConstraints(min_length=1)]
Entry = Annotated[str, StringConstraints(pattern=r"^[^:]+\.py:[A-Za-z_][A-Za-z0-9_.]*$")]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6})? ?(MB|GB)$")]
Size = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6})? ?(B|KB|MB|GB)$")]
Abi = Literal["arm64-v8a", "armeabi-v7a", "x86", "x86_64"]
RuntimeTarget = Literal["standard", "play-services", "custom"]
Targets = Annotated[
    tuple[RuntimeTarget, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else _as_tuple(value)),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(get_args(RuntimeTarget))},
                {"type": "array", "items": {"enum": list(get_args(RuntimeTarget))}, "minItems": 1},
            ]
        }
    ),
]
SelectOps = Annotated[
    bool | tuple[str, ...],
    BeforeValidator(lambda value: _select_ops(value)),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}]}),
]
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
_OLDEST = {"type": "string", "pattern": r"^(litert|tflite) [0-9]+\.[0-9]+(\.[0-9]+)?$"}
Errors = Annotated[
    float | dict[str, float],
    BeforeValidator(lambda value: _errors(value)),
    WithJsonSchema({"anyOf": [_POSITIVE, {"type": "object", "additionalProperties": _POSITIVE}]}),
]
Oldest = Annotated[
    str | dict[str, str],
    BeforeValidator(lambda value: _oldest(value)),
    WithJsonSchema(
        {
            "anyOf": [
                _OLDEST,
                {"type": "object", "properties": dict.fromkeys(PLATFORMS, _OLDEST), "additionalProperties": False},
            ]
        }
    ),
]
Engine = Literal["auto", "litert", "tensorflow"]
Tolerance = Annotated[float, Field(gt=0, le=1)]
Cosine = Annotated[float, Field(ge=-1, le=1)]
Seconds = Annotated[int, Field(ge=1, le=10_000_000)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Dimension = Annotated[
    int | str,
    BeforeValidator(lambda value: _dimension(value)),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": _LARGEST}, {"type": "string", "pattern": f"^{_WORD}$"}]}
    ),
]
Dtype = Literal["float32", "float16", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"]
Paths = Annotated[tuple[RelativePath, ...], BeforeValidator(_as_tuple)]
Strings = Annotated[tuple[Annotated[str, StringConstraints(min_length=1)], ...], BeforeValidator(_as_tuple)]
Shape = Annotated[tuple[Dimension, ...], BeforeValidator(_as_tuple)]
Sizes = Annotated[tuple[Annotated[int, Field(ge=1, le=_LARGEST)], ...], BeforeValidator(_as_tuple), Field(min_length=1)]
Range = Annotated[tuple[float, float], BeforeValidator(lambda value: _pair(value))]


def _one_or_each(item: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


Means = Annotated[
    tuple[float, ...], BeforeValidator(_per_channel(-1e30, 1e30, "number")), _one_or_each({"type": "number"})
]
Deviations = Annotated[
    tuple[float, ...], BeforeValidator(_per_channel(1e-30, 1e30, "number above 0")), _one_or_each(_POSITIVE)
]
Pixels = Annotated[
    tuple[int, ...],
    BeforeValidator(_per_channel(0, 255, "whole number from 0 to 255", whole=True)),
    _one_or_each({"type": "integer", "minimum": 0, "maximum": 255}),
]


class SpecModel(BaseModel):
    """The base of all tables: closed, frozen, and without silent conversions."""

    # Descriptions of keys are read by `descriptions`: pydantic would do so whenever this is imported.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Model(SpecModel):
    """What the model is called."""

    name: Name
    """Names the outputs, and later the Kotlin class and the Swift type: letters, digits, `_` and `-`."""


class Download(SpecModel):
    """Keys that every source may have to be fetched instead of lying beside model.toml."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None
    """Where to fetch the model, or a .zip, .tar, .tar.gz (.tgz), .tar.xz or .tar.bz2 archive with it. Needs `sha256`."""
    sha256: Sha256 | None = None
    """The SHA-256 of what `url` gives, in 64 lower-case hexadecimal digits."""

    @model_validator(mode="after")
    def _both(self) -> Download:
        if self.url and not self.sha256:
            raise _wrong("'url' needs 'sha256', so that a build can be repeated", "url")
        if self.sha256 and not self.url:
            raise _wrong("'sha256' is only for a source with 'url'", "sha256")
        return self


class SignatureEntry(SpecModel):
    """One signature of a `function` or `jax` source."""

    entry: Entry
    """The function, as `FILE.py:NAME`."""


class KerasSource(Download):
    """A Keras model: a file, or a function that builds it."""

    format: Literal["keras"]
    """The source's format."""
    path: RelativePath | None = None
    """A `.keras` file (Keras 3), or an `.h5` or `.hdf5` file (Keras 2); with `url` the member of the archive."""
    entry: Entry | None = None
    """Instead of `path`: a function without arguments that returns the model, as `FILE.py:NAME`."""
    weights: RelativePath | None = None
    """A `.weights.h5` file, loaded into the model that `entry` returns."""
    imports: Paths = ()
    """Python files that register the model's custom layers; run before the model is loaded."""
    files: Paths = ()
    """Further files that the user's code opens below Python's sight (HDF5, shared libraries)."""
    allow_code: bool = False
    """Whether a `.keras` file with Lambda layers, which carry Python code, may be loaded."""

    @model_validator(mode="after")
    def _one_form(self) -> KerasSource:
        if self.entry and (self.path or self.url):
            raise _wrong("give either 'path' (or 'url') or 'entry', not both", "entry")
        if not (self.entry or self.path or self.url):
            raise _wrong("a keras source needs 'path', 'url' or 'entry'")
        if self.weights and not self.entry:
            raise _wrong("'weights' belongs to 'entry': a model file carries its own", "weights")
        if self.path and not self.path.endswith((".keras", ".h5", ".hdf5")):
            raise _wrong(f"'path' of a keras source ends in .keras, .h5 or .hdf5, not '{self.path}'", "path")
        return self


class SavedModelSource(Download):
    """A TensorFlow SavedModel folder, of any age."""

    format: Literal["saved_model"]
    """The source's format."""
    path: RelativePath | None = None
    """The folder that holds saved_model.pb; with `url` the member of the archive, `"."` for all of it."""
    tags: Strings | None = None
    """The tags of the meta graph to take; needed where the SavedModel has several. Default: `["serve"]`."""
    signatures: Strings | None = None
    """The signatures to convert. Default: all of them."""

    @model_validator(mode="after")
    def _one_form(self) -> SavedModelSource:
        if not (self.path or self.url):
            raise _wrong("a saved_model source needs 'path' or 'url'")
        return self


class FunctionSource(SpecModel):
    """TensorFlow functions in the user's own Python file."""

    format: Literal["function"]
    """The source's format."""
    entry: Entry | None = None
    """A tf.function, concrete function or callable, as `FILE.py:NAME`; it becomes the signature `serving_default`."""
    signature: dict[Name, SignatureEntry] = {}
    """Instead of `entry`: several signatures, each with its own `entry`."""
    files: Paths = ()
    """Further files that the user's code opens below Python's sight (HDF5, shared libraries)."""

    @model_validator(mode="after")
    def _one_form(self) -> FunctionSource:
        _entry_or_signatures(self.format, self.entry, self.signature)
        return self


class JaxSource(SpecModel):
    """JAX functions in the user's own Python file."""

    format: Literal["jax"]
    """The source's format."""
    entry: Entry | None = None
    """A function of arrays, as `FILE.py:NAME`; it becomes the signature `serving_default`."""
    signature: dict[Name, SignatureEntry] = {}
    """Instead of `entry`: several signatures, each with its own `entry`."""
    files: Paths = ()
    """Further files that the user's code opens below Python's sight (HDF5, shared libraries)."""

    @model_validator(mode="after")
    def _one_form(self) -> JaxSource:
        _entry_or_signatures(self.format, self.entry, self.signature)
        return self


class TfliteSource(Download):
    """An existing .tflite file, to quantize and check."""

    format: Literal["tflite"]
    """The source's format."""
    path: RelativePath | None = None
    """The .tflite file; with `url` the member of the archive."""

    @model_validator(mode="after")
    def _one_form(self) -> TfliteSource:
        if not (self.path or self.url):
            raise _wrong("a tflite source needs 'path' or 'url'")
        return self


def _entry_or_signatures(format_: str, entry: str | None, signatures: dict[str, SignatureEntry]) -> None:
    if entry and signatures:
        raise _wrong("give either 'entry' or [source.signature.NAME], not both", "entry")
    if not entry and not signatures:
        raise _wrong(f"a {format_} source needs 'entry' or [source.signature.NAME] tables")


Source = Annotated[
    KerasSource | SavedModelSource | FunctionSource | JaxSource | TfliteSource, Field(discriminator="format")
]


class TensorflowSwitches(SpecModel):
    """The TensorFlow converter's own switches: a closed list, since it ignores unknown ones without a word."""

    resource_variables: bool | None = None
    """Convert variables that change while the model runs (`experimental_enable_resource_variables`)."""
    lower_tensor_list_ops: bool | None = None
    """Turn tensor lists into builtin operators (`_experimental_lower_tensor_list_ops`)."""
    unfold_batch_matmul: bool | None = None
    """Replace BATCH_MATMUL by FULLY_CONNECTED operators (`unfold_batchmatmul`)."""
    guarantee_all_funcs_one_use: bool | None = None
    """Copy functions that are called several times (`_experimental_guarantee_all_funcs_one_use`)."""


class Convert(SpecModel):
    """How the source becomes a float .tflite file."""

    engine: Engine = "auto"
    """Who converts. `auto` takes the first engine whose file equals the source, and remembers it in model.lock."""
    tolerance: Tolerance = 1e-3
    """How far an output of a float file may be from the source's, as a share of that output's range."""
    tensorflow: TensorflowSwitches = TensorflowSwitches()
    """Switches of the TensorFlow converter."""


class Tensor(SpecModel):
    """A tensor of a signature, under the name that people should read."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Annotated[str, StringConstraints(min_length=1)] | None = Field(default=None, alias="from")
    """The model's own name of this tensor, where the table's name is a better one."""


_OF_IMAGES = ("color_space", "invert", "resize", "antialias", "fit", "fill")


def _content_said(content: str | None, wanted: str) -> str:
    return f'content is "{content}"' if content else f'say content = "{wanted}" with it'


def _channels(count: int) -> str:
    return f"{count} channel" + ("" if count == 1 else "s")


class Input(Tensor):
    """An input tensor: what the source leaves open, and what test data may be."""

    shape: Shape | None = None
    """Its shape, where the source leaves it open or a fixed one is wanted; a string names a dynamic dimension."""
    dtype: Dtype | None = None
    """Its type, where the source does not say it (functions without an input signature)."""
    range: Range | None = None
    """The lowest and the highest value that test inputs may have; for ids the size of the table matters."""
    sizes: dict[str, Sizes] = {}
    """For each named dimension the sizes to test, such as `sizes.n = [1, 16]`."""
    content: Literal["image", "audio", "feature", "text-ids"] | None = None
    """What it stands for: pictures and sounds are made into tensors as the preprocessing guide defines."""
    color_space: Literal["rgb", "bgr", "grayscale"] | None = None
    """The order of a picture's channels. Default: `rgb` for three channels, `grayscale` for one."""
    mean: Means | None = None
    """With `std`: the model takes (value - mean) / std, in pixel units (0 to 255) for pictures and in units of full scale
    (-1 to 1) for sounds. One number, or one for each channel in the tensor's order. Default: 0."""
    std: Deviations | None = None
    """See `mean`. Default: 1."""
    invert: bool | None = None
    """Take 255 - pixel, before mean and std: for models of light ink on dark. Default: false."""
    resize: Literal["nearest", "bilinear", "area"] | None = None
    """How a picture is brought to the tensor's size. Default: `bilinear`."""
    antialias: bool | None = None
    """Have `bilinear` average over all pixels when it makes a picture smaller, as Pillow does. Default: false."""
    fit: Literal["stretch", "crop", "letterbox"] | None = None
    """What becomes of a picture with another aspect ratio: pulled to fit, cut at its sides, or with a border. Default:
    `stretch`."""
    fill: Pixels | None = None
    """The pixel value of a letterbox's border, in the picture's own units, before `invert`. Default: 0, black."""
    sample_rate: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Samples a second that the model takes; sounds are resampled to it."""
    hop: Annotated[int, Field(ge=1, le=_LARGEST)] | None = None
    """Samples from one frame of a longer sound to the next. Default: the first frame is taken alone."""

    @model_validator(mode="after")
    def _of_the_content(self) -> Input:
        image, audio = self.content == "image", self.content == "audio"
        for key in _OF_IMAGES:
            if getattr(self, key) is not None and not image:
                raise _wrong(f"'{key}' is for pictures; {_content_said(self.content, 'image')}", key)
        for key in ("sample_rate", "hop"):
            if getattr(self, key) is not None and not audio:
                raise _wrong(f"'{key}' is for sounds; {_content_said(self.content, 'audio')}", key)
        for key in ("mean", "std"):
            if getattr(self, key) is not None and not (image or audio):
                raise _wrong(f"'{key}' is for pictures and sounds; {_content_said(self.content, 'image')}", key)
        if audio and self.sample_rate is None:
            raise _wrong(
                "content = \"audio\" needs 'sample_rate', the samples a second that the model takes", "content"
            )
        if self.antialias and self.resize not in (None, "bilinear"):
            raise _wrong(f'\'antialias\' is for resize = "bilinear"; "{self.resize}" has no such choice', "antialias")
        if self.fill is not None and self.fit != "letterbox":
            raise _wrong("'fill' is the border of fit = \"letterbox\"", "fill")
        return self

    @model_validator(mode="after")
    def _of_the_channels(self) -> Input:
        channels = {"rgb": 3, "bgr": 3, "grayscale": 1}.get(self.color_space or "", 0)
        inner = self.shape[1:] if self.shape and len(self.shape) == 4 else self.shape
        if self.content == "image" and inner and len(inner) == 3:
            possible = {d for d in (inner[0], inner[2]) if d in (1, 3)}
            if channels and channels not in possible:
                raise _wrong(
                    f"color_space = \"{self.color_space}\" has {_channels(channels)}, and 'shape' has them neither last "
                    "nor before height and width",
                    "color_space",
                )
            if not channels and inner[2] in (1, 3):
                channels = int(inner[2])
        for key in ("mean", "std", "fill"):
            count = len(getattr(self, key) or ())
            if self.content == "audio" and count > 1:
                raise _wrong(f"'{key}' has {count} numbers, and a sound has 1 channel", key)
            if channels and count not in (0, 1, channels):
                raise _wrong(f"'{key}' has {count} numbers, and the picture {_channels(channels)}", key)
        if len({len(v) for v in (self.mean, self.std) if v is not None and len(v) > 1}) > 1:
            raise _wrong(f"'std' has {len(self.std or ())} numbers, and 'mean' {len(self.mean or ())}", "std")
        return self

    @field_validator("range")
    @classmethod
    def _ordered(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise _wrong(f"'range' is [lowest, highest], and {value[0]:g} is not below {value[1]:g}")
        return value

    @model_validator(mode="after")
    def _sizes_have_names(self) -> Input:
        names = [d for d in self.shape or () if isinstance(d, str)]
        for name in self.sizes:
            if self.shape is not None and name not in names:
                raise _wrong(f"'sizes.{name}' names no dimension of 'shape'", "sizes")
        return self


class Output(Tensor):
    """An output tensor."""

    content: (
        Literal["classes", "boxes", "scores", "count", "keypoints", "mask", "image", "embedding", "feature"] | None
    ) = None
    """What it stands for. `classes` is one score for each class, or beside `boxes` the class of each; `boxes` has ymin,
    xmin, ymax and xmax of each, `scores` one number each, `count` how many there are."""


class SignatureTensors(SpecModel):
    """The tensors of one signature, for a model with several."""

    input: dict[str, Input] = {}
    """Its inputs by name."""
    output: dict[str, Output] = {}
    """Its outputs by name."""


class AccuracyLimits(SpecModel):
    """Limits of a measure against labelled data."""

    min: float | None = None
    """The lowest value that a variant may have; for a metric of which more is better."""
    max: float | None = None
    """The highest value that a variant may have; for a metric of which less is better, as `mae` and `mse`."""
    max_drop: Annotated[float, Field(ge=0)] | None = None
    """How much worse than the source model a variant may be, in the metric's own units."""


class Accuracy(AccuracyLimits):
    """A measure against labelled data, printed for every variant."""

    data: RelativePath
    """An .npz file with one array per input and `labels`, all with the samples as first axis; or a folder of pictures or
    sounds, which go through the input's own preprocessing."""
    labels: RelativePath | None = None
    """For a folder: a CSV file with the columns `file` and the label, see the guide to checks."""
    metric: Literal["top1", "top5", "mae", "mse", "iou", "f1", "mAP"] | None = None
    """What is measured, see the guide to checks for each. Default: `top1`."""
    entry: Entry | None = None
    """Instead of `metric`: a function of yours, as `FILE.py:NAME`, of outputs (a dict of arrays) and labels."""
    files: Paths = ()
    """Further files that `entry` opens below Python's sight."""
    better: Literal["higher", "lower"] | None = None
    """Which values of `entry` are good. Default: `higher`."""

    @property
    def name(self) -> str:
        """What the measure is called in tables."""
        return self.entry.rpartition(":")[2] if self.entry else self.metric or "top1"

    @property
    def lower_is_better(self) -> bool:
        """Whether smaller values are better ones."""
        return self.better == "lower" or self.metric in ("mae", "mse")

    @property
    def is_share(self) -> bool:
        """Whether it is a share, from 0 to 1."""
        return not self.entry and not self.lower_is_better

    @model_validator(mode="after")
    def _possible(self) -> Accuracy:
        if self.metric and self.entry:
            raise _wrong("give either 'metric' or 'entry', not both", "entry")
        if not self.entry:
            for key in ("better", "files"):
                if getattr(self, key):
                    raise _wrong(f"'{key}' is for an 'entry' of your own", key)
        _is_data(self.data)
        if self.data.endswith(".npz") and self.labels:
            raise _wrong("'labels' is for a folder of files; an .npz file has an array 'labels'", "labels")
        if not self.data.endswith(".npz") and not self.labels:
            raise _wrong(
                "'data' is a folder, so 'labels' is needed: a CSV file with the columns file and label", "data"
            )
        return self


class FileLimits(SpecModel):
    """Limits of a file."""

    min_cosine: Cosine | None = None
    """The lowest cosine similarity of a variant's outputs: a float32 file's to those of the source, any other one's to
    those of the float32 file, which was compared with the source."""
    max_error: Errors | None = None
    """The largest error of an output, in the output's own units and against the same file as `min_cosine`: a number for
    every output, or a table of output name to number."""
    max_size: Size | None = None
    """The largest size of a file, such as `"200 KB"`."""
    max_arena: Size | None = None
    """The most memory for activations that the runtime plans, such as `"2 MB"`; of several signatures the largest."""


class VariantChecks(FileLimits):
    """Limits of one variant, which go before those of [checks]."""

    accuracy: AccuracyLimits = AccuracyLimits()
    """Limits of its accuracy, measured as [checks] says."""


class Variant(SpecModel):
    """One .tflite file to build."""

    quantize: str = "none"
    """`none`, `float16`, `dynamic-int8`, `dynamic-int4`, `weight-only-int8`, `weight-only-int4`, `int8`, `int16x8`,
    `from-source` (the model was trained with quantization), or the path of a recipe file that ends in `.json`."""
    io: Literal["float32", "int8", "uint8", "int16"] | None = None
    """The type of the file's inputs and outputs. int8: float32, int8 or uint8; int16x8: float32 or int16; all others
    float32."""
    granularity: Literal["channel", "tensor"] | None = None
    """One scale for each output channel of a weight, or one for the whole tensor."""
    keep_float: Strings = ()
    """What stays float: regular expressions on tensor names, or `op:NAME` for all operators of a kind."""
    checks: VariantChecks = VariantChecks()
    """Limits of this variant, which go before those of [checks]."""

    @field_validator("quantize")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in QUANTIZE_WORDS and not value.endswith(".json"):
            allowed = [*QUANTIZE_WORDS, "a recipe file (.json)"]
            raise PydanticCustomError("word", "{found}", {"found": value, "allowed": allowed})
        return value

    @field_validator("keep_float")
    @classmethod
    def _patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            if pattern.startswith("op:"):
                continue
            try:
                re.compile(pattern)
            except re.error as error:
                raise _wrong(f"'{pattern}' is not a regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _possible(self) -> Variant:
        integers = {"int8": ("float32", "int8", "uint8"), "int16x8": ("float32", "int16")}
        allowed = integers.get(self.quantize, ("float32",))
        if self.io is not None and self.io not in allowed and not self.quantize.endswith(".json"):
            raise _wrong(
                f'io = "{self.io}" does not go with quantize = "{self.quantize}": '
                f"inputs and outputs can be {' or '.join(allowed)}",
                "io",
            )
        if self.quantize == "from-source" and self.io is not None:
            raise _wrong("'io' does not go with quantize = \"from-source\", which keeps the types of the source", "io")
        if self.quantize in ("none", "float16", "from-source"):
            for key, value in (("granularity", self.granularity), ("keep_float", self.keep_float)):
                if value:
                    raise _wrong(
                        f"'{key}' does not go with quantize = \"{self.quantize}\": it is for those that give integers",
                        key,
                    )
        if self.granularity and self.quantize.endswith(".json"):
            raise _wrong("'granularity' does not go with a recipe, whose rules say it themselves", "granularity")
        return self


def _is_data(path: str | None) -> None:
    """Data is an .npz file or a folder, which one can tell from the path: a folder with a dot in its name ends in `/`."""
    if path and not path.endswith(("/", ".npz")) and "." in path.replace("\\", "/").rpartition("/")[2].lstrip("."):
        raise _wrong(f"'data' is an .npz file or a folder of pictures or sounds, not '{path}'", "data")


class Calibration(SpecModel):
    """The representative data that int8 and int16x8 take their ranges from."""

    data: RelativePath | None = None
    """An .npz file with one array per input, its first axis the samples; `SIGNATURE/INPUT` with several signatures. Or a
    folder of pictures or sounds, which go through the input's own preprocessing."""
    entry: Entry | None = None
    """Or a function that yields samples, as `FILE.py:NAME`: each a dict of input name to array."""
    files: Paths = ()
    """Further files that `entry` opens below Python's sight."""
    samples: Annotated[int, Field(ge=1, le=_LARGEST)] | None = None
    """How many samples to take; fewer are an error. Default: all of `data`, the first 200 of `entry`."""

    @model_validator(mode="after")
    def _one_form(self) -> Calibration:
        if bool(self.data) == bool(self.entry):
            raise _wrong("[calibration] needs 'data' or 'entry', one of the two")
        _is_data(self.data)
        return self


class Checks(FileLimits):
    """Limits: a variant that misses one fails the build, and nothing of it is published."""

    accuracy: Accuracy | None = None
    """A measure against labelled data."""


class Runtime(SpecModel):
    """The runtime that the app will meet."""

    target: Targets = ("standard",)
    """What the app is linked to: `standard` (the library as it is published), `play-services` (what Google Play services
    bring), `custom` (a library of your own with only the operators that are needed), or a list."""
    abis: Annotated[tuple[Abi, ...], BeforeValidator(_as_tuple), Field(min_length=1)] | None = None
    """The Android ABIs of a `custom` library. Default: `["arm64-v8a", "armeabi-v7a", "x86_64"]`."""
    oldest: Oldest | None = None
    """The oldest release that has to run the files: `"litert 2.1"` or `"tflite 2.16"`, or a table with one for each
    platform, `android` and `ios`. Default: the newest, which this tool runs files with."""


class Compatibility(SpecModel):
    """What the model may need of the app beyond the standard operators."""

    select_tf_ops: SelectOps = False
    """Whether the model may have operators that only TensorFlow's own kernels run, for which the app links one more
    library: `true`, or the names of those that it may have, such as `["Lgamma"]`."""
    gpu: Literal["allow", "require"] = "allow"
    """`require`: the GPU delegate has to take every operator of every variant."""


class Limits(SpecModel):
    """What one action may take. They do not change what is built, only whether a build gives up."""

    timeout: Seconds = 1800
    """Seconds after which an action counts as hanging and is stopped."""
    memory: Amount | None = None
    """The most memory that an action may take, such as `"4 GB"`. Default: what the machine has."""


class Toolchain(SpecModel):
    """The environment that the user's own code runs in."""

    packages: Strings = ()
    """Packages that the user's code imports, such as `einops==0.8.1`; pinned with hashes in model.lock."""


class ModelSpec(SpecModel):
    """The whole of model.toml."""

    spec: Literal[1]
    """The version of this format."""
    model: Model
    """What the model is called."""
    source: Source
    """Where the model comes from."""
    convert: Convert = Convert()
    """How the source becomes a float .tflite file."""
    input: dict[str, Input] = {}
    """Inputs by name, for a model with one signature."""
    output: dict[str, Output] = {}
    """Outputs by name, for a model with one signature."""
    signature: dict[str, SignatureTensors] = {}
    """Inputs and outputs by signature, for a model with several."""
    variant: dict[Name, Variant] = {}
    """The files to build, by name. Default: one called `float32`, unquantized."""
    calibration: Calibration | None = None
    """The representative data for int8 and int16x8."""
    checks: Checks = Checks()
    """Limits that every variant has to keep."""
    runtime: Runtime = Runtime()
    """The runtime that the app will meet."""
    compatibility: Compatibility = Compatibility()
    """What the model may need of the app beyond the standard operators."""
    limits: Limits = Limits()
    """What one action may take."""
    toolchain: Toolchain = Toolchain()
    """The environment that the user's own code runs in."""

    @field_validator("spec", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if isinstance(value, bool | float):  # which Python takes for equal to 1
            raise _wrong(f"'spec' is {str(value).lower()}; it must be the whole number {SPEC_VERSION}")
        return value

    @field_validator("variant")
    @classmethod
    def _no_reserved(cls, value: dict[str, Variant]) -> dict[str, Variant]:
        for name in value:
            if name in RESERVED_TARGETS:
                raise _wrong(f"a variant cannot be called '{name}': that word is a target of its own")
        return value

    @model_validator(mode="after")
    def _together(self) -> ModelSpec:
        if (self.input or self.output) and self.signature:
            raise _wrong(
                "give either [input]/[output] (one signature) or [signature.NAME.input] (several), not both",
                "signature",
            )
        return self
