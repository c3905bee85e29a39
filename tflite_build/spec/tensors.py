"""[input], [output] and [signature]: the tensors of a model, and what they stand for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from .base import SpecModel
from .kinds import Argument, Result
from .metadata import Box, Described, ImageSize, LabelOffset, Labels, Real, ScoreCalibration, Tokenizer
from .values import LARGEST, Deviations, Dtype, Means, Pixels, Range, Shape, Sizes, wrong


class Tensor(Described):
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
    channels: Annotated[int, Field(ge=1, le=64)] | None = None
    """Channels of a sound, as metadata says them. Default: 1."""
    default_size: ImageSize | None = None
    """`[width, height]` of a picture, as metadata says them. Default: those of the tensor."""
    tokenizer: Tokenizer | None = None
    """How an app makes ids of a text, as metadata says it."""
    hop: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """Samples from one frame of a longer sound to the next. Default: the first frame is taken alone."""

    @model_validator(mode="after")
    def _of_the_content(self) -> Input:
        image, audio = self.content == "image", self.content == "audio"
        for key in _OF_IMAGES:
            if getattr(self, key) is not None and not image:
                raise wrong(f"'{key}' is for pictures; {_content_said(self.content, 'image')}", key)
        if self.default_size is not None and not image:
            raise wrong(f"'default_size' is for pictures; {_content_said(self.content, 'image')}", "default_size")
        for key in ("sample_rate", "hop", "channels"):
            if getattr(self, key) is not None and not audio:
                raise wrong(f"'{key}' is for sounds; {_content_said(self.content, 'audio')}", key)
        for key in ("mean", "std"):
            if getattr(self, key) is not None and not (image or audio):
                raise wrong(f"'{key}' is for pictures and sounds; {_content_said(self.content, 'image')}", key)
        if audio and self.sample_rate is None:
            raise wrong("content = \"audio\" needs 'sample_rate', the samples a second that the model takes", "content")
        if self.antialias and self.resize not in (None, "bilinear"):
            raise wrong(f'\'antialias\' is for resize = "bilinear"; "{self.resize}" has no such choice', "antialias")
        if self.fill is not None and self.fit != "letterbox":
            raise wrong("'fill' is the border of fit = \"letterbox\"", "fill")
        return self

    @model_validator(mode="after")
    def _of_the_channels(self) -> Input:
        channels = {"rgb": 3, "bgr": 3, "grayscale": 1}.get(self.color_space or "", 0)
        inner = self.shape[1:] if self.shape and len(self.shape) == 4 else self.shape
        if self.content == "image" and inner and len(inner) == 3:
            possible = {d for d in (inner[0], inner[2]) if d in (1, 3)}
            if channels and channels not in possible:
                raise wrong(
                    f"color_space = \"{self.color_space}\" has {_channels(channels)}, and 'shape' has them neither last "
                    "nor before height and width",
                    "color_space",
                )
            if not channels and inner[2] in (1, 3):
                channels = int(inner[2])
        for key in ("mean", "std", "fill"):
            count = len(getattr(self, key) or ())
            if self.content == "audio" and count > 1:
                raise wrong(f"'{key}' has {count} numbers, and a sound has 1 channel", key)
            if channels and count not in (0, 1, channels):
                raise wrong(f"'{key}' has {count} numbers, and the picture {_channels(channels)}", key)
        if len({len(v) for v in (self.mean, self.std) if v is not None and len(v) > 1}) > 1:
            raise wrong(f"'std' has {len(self.std or ())} numbers, and 'mean' {len(self.mean or ())}", "std")
        return self

    @field_validator("range")
    @classmethod
    def _ordered(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise wrong(f"'range' is [lowest, highest], and {value[0]:g} is not below {value[1]:g}")
        return value

    @model_validator(mode="after")
    def _sizes_have_names(self) -> Input:
        names = [d for d in self.shape or () if isinstance(d, str)]
        for name in self.sizes:
            if self.shape is not None and name not in names:
                raise wrong(f"'sizes.{name}' names no dimension of 'shape'", "sizes")
        return self


class Output(Tensor):
    """An output tensor."""

    content: (
        Literal["classes", "boxes", "scores", "count", "keypoints", "mask", "image", "embedding", "feature"] | None
    ) = None
    """What it stands for. `classes` is one score for each class, or beside `boxes` the class of each; `boxes` has ymin,
    xmin, ymax and xmax of each, `scores` one number each, `count` how many there are."""
    labels: Labels | None = None
    """The names of classes, one in each line of a file; or a table of such files by language, where `default` is for any
    other: `{ default = "labels.txt", de = "labels_de.txt" }`."""
    label_offset: LabelOffset | None = None
    """Of `classes`: what is added to the place of a score, or to the number of a box's class, to find its label; -1 where
    the first class is a background that has none, and that an app does not get. Default: 0."""
    score_threshold: Real | None = None
    """Scores below it mean nothing: an app gets those at or above it, where it does not say another. Default: all; 0.5
    with `multi_label`."""
    score_calibration: ScoreCalibration | None = None
    """How scores are made comparable."""
    multi_label: bool | None = None
    """Of `classes`: whether several may be there at once, so that the app gets all that reach `score_threshold`, and not
    the best ones. Default: false."""
    box: Box | None = None
    """How boxes are written, where that is not ymin, xmin, ymax, xmax as shares of the picture."""
    color_space: Literal["rgb", "grayscale"] | None = None
    """The channels of a picture."""
    default_size: ImageSize | None = None
    """`[width, height]` of a picture. Default: those of the tensor."""
    activation: Literal["softmax", "sigmoid"] | None = None
    """What the app's code does to the values, where the model ends before it."""
    max_results: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """How many classes the app gets at most, the best first. Default: 10; all with `multi_label`."""
    normalize: Literal["l2"] | None = None
    """Of `embedding`: `l2` has the app divide the numbers by their length, the root of the sum of their squares."""

    @model_validator(mode="after")
    def _of_the_content(self) -> Output:
        if self.box is not None and self.content != "boxes":
            raise wrong(f"'box' is for boxes; {_content_said(self.content, 'boxes')}", "box")
        for key in ("color_space", "default_size"):
            if getattr(self, key) is not None and self.content not in ("image", "mask"):
                raise wrong(f"'{key}' is for pictures; {_content_said(self.content, 'image')}", key)
        for key in ("label_offset", "multi_label"):
            if getattr(self, key) is not None and self.content != "classes":
                raise wrong(f"'{key}' is for classes; {_content_said(self.content, 'classes')}", key)
        if self.normalize is not None and self.content != "embedding":
            raise wrong(f"'normalize' is for embeddings; {_content_said(self.content, 'embedding')}", "normalize")
        return self


class SignatureTensors(SpecModel):
    """The tensors of one signature, for a model with several."""

    input: dict[str, Input] = {}
    """Its inputs by name."""
    output: dict[str, Output] = {}
    """Its outputs by name."""
    argument: dict[str, Argument] = {}
    """What an app passes, where that is not one thing for each input."""
    result: dict[str, Result] = {}
    """What an app gets, where that is not one thing for each output."""
