"""What an app calls, in no language: methods with arguments and results, the files of the variants, what runs them.

Made from the built files and from what only the spec knows; everything is decided here, so that a template only prints.
Names are people's own: a language makes its identifiers of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tflite_build.engines.content import Content
from tflite_build.tflite.capabilities import Capability

ArgumentKind = Literal["image", "audio", "tensor"]
ResultKind = Literal["classes", "tensor"]
Dimension = int | str


@dataclass(frozen=True, slots=True)
class TensorView:
    """A tensor of a file.

    Attributes:
        name: As callers of the signature say it.
        dtype: As numpy names it.
        shape: A name for each dynamic dimension.
        scale: Of the quantization; None where the values are what they are.
        zero_point: What stands for zero.
    """

    name: str
    dtype: str
    shape: tuple[Dimension, ...]
    scale: float | None
    zero_point: int

    @property
    def real(self) -> str:
        """The type that callers pass and get: real numbers where the tensor stands for such."""
        return "float32" if self.scale is not None else self.dtype

    @property
    def dynamic(self) -> tuple[str, ...]:
        """The names of the dynamic dimensions, each once."""
        return tuple(dict.fromkeys(d for d in self.shape if isinstance(d, str)))

    @property
    def elements(self) -> int:
        """How many values it has, a dynamic dimension counting as one."""
        count = 1
        for d in self.shape:
            count *= d if isinstance(d, int) else 1
        return count


@dataclass(frozen=True, slots=True)
class ImageView:
    """How a picture becomes a tensor (docs/preprocessing.md).

    Attributes:
        color_space: "rgb", "bgr" or "grayscale".
        channels_first: Whether the channels stand before height and width.
    """

    height: int
    width: int
    color_space: str
    channels_first: bool
    content: Content

    @property
    def channels(self) -> int:
        """1 or 3."""
        return 1 if self.color_space == "grayscale" else 3


@dataclass(frozen=True, slots=True)
class SoundView:
    """How a sound becomes a tensor (docs/preprocessing.md).

    Attributes:
        length: Samples of one window.
    """

    length: int
    sample_rate: int
    content: Content


@dataclass(frozen=True, slots=True)
class ArgumentView:
    """What a caller passes.

    Attributes:
        range: The lowest and the highest value, where the spec says them.
    """

    name: str
    kind: ArgumentKind
    tensor: TensorView
    description: str = ""
    range: tuple[float, float] | None = None
    image: ImageView | None = None
    sound: SoundView | None = None


@dataclass(frozen=True, slots=True)
class ResultView:
    """What a caller gets.

    Attributes:
        labels: Locale ("" for the default) -> the label of each class; empty where there are none.
        activation: "softmax", "sigmoid" or "", what is to be done to the values first.
        threshold: The least score of what is given; None gives all.
        most: How many classes are given at most; None gives all.
        classes: How many there are.
    """

    name: str
    kind: ResultKind
    tensor: TensorView
    description: str = ""
    labels: Mapping[str, Sequence[str]] | None = None
    activation: str = ""
    threshold: float | None = None
    most: int | None = None
    classes: int = 0


@dataclass(frozen=True, slots=True)
class MethodView:
    """A signature that can be called.

    Attributes:
        name: What it is called.
        signature: The signature's key; "" where the file has none.
        arguments: In the order of the file.
        results: In the order of the file.
    """

    name: str
    signature: str
    arguments: tuple[ArgumentView, ...]
    results: tuple[ResultView, ...]

    @property
    def dynamic(self) -> tuple[str, ...]:
        """The dynamic dimensions of its inputs, each once."""
        return tuple(dict.fromkeys(d for a in self.arguments for d in a.tensor.dynamic))


@dataclass(frozen=True, slots=True)
class VariantView:
    """One file, and its tensors in the order of the methods' arguments and results.

    Attributes:
        tensors: Signature -> its input tensors and its output tensors.
    """

    name: str
    file: str
    sha256: str
    size: int
    quantization: str
    tensors: Mapping[str, tuple[tuple[TensorView, ...], tuple[TensorView, ...]]]


@dataclass(frozen=True, slots=True)
class RuntimeView:
    """What runs the model in an app that is linked to `target`."""

    target: str
    capability: Capability
    accelerators: tuple[str, ...]
    artifact: str = ""
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class AppView:
    """A model as an app sees it."""

    model: str
    description: str
    version: str
    license: str
    methods: tuple[MethodView, ...]
    variants: tuple[VariantView, ...]
    runtimes: tuple[RuntimeView, ...]

    @property
    def accelerators(self) -> tuple[str, ...]:
        """What to try, in this order."""
        return self.runtimes[0].accelerators
