"""What an app calls, in no language: methods with arguments and results, the files of the variants, what runs them.

Made from the built files and from what only the spec knows; everything is decided here, so that a template only prints.
Names are people's own: a language makes its identifiers of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflite_build.engines.content import Content
from tflite_build.tflite.capabilities import Capability

if TYPE_CHECKING:
    from .kinds.base import ArgumentView, ResultView

Dimension = int | str
EXAMPLE = "example"  # the group of what is passed for each example of a batch


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
    def is_value(self) -> bool:
        """Whether callers pass and get one number, and no array."""
        return not self.shape and self.real != "uint8"  # which few languages have a number for

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
class StateView:
    """A value that a call gives and the next one takes.

    Attributes:
        input: The tensor that takes it.
        output: The tensor that gives it; None where a method leaves it as it is.
        initial: What its values are at first.
    """

    name: str
    input: TensorView
    output: TensorView | None
    initial: float


@dataclass(frozen=True, slots=True)
class SizedView:
    """What has a size of its own in each call of a method with several signatures.

    Attributes:
        argument: The argument whose size chooses.
        arguments: Those that are filled up -> values for each 1 of the size.
        results: Those that are cut -> the same.
        fills: Argument -> what it is filled up with.
    """

    argument: str
    arguments: Mapping[str, int]
    results: Mapping[str, int]
    fills: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MemberView:
    """A method that another one calls for calls of up to a size."""

    size: int
    method: MethodView


@dataclass(frozen=True, slots=True)
class MethodView:
    """A signature that can be called.

    Attributes:
        name: What it is called.
        signature: The signature's key; "" where the file has none.
        inputs: The tensors that it takes, in the order of the file, as the first variant has them.
        outputs: Those that it gives.
        arguments: What callers pass, of which `inputs` are made.
        results: What callers get, which is made of `outputs`.
        states: What it takes of the call before it, and gives to the next one.
        description: The spec's own words.
        members: Of several signatures under one name: the methods of each, the smallest first; else none.
        hidden: Whether it is a member of another method alone.
        sized: Of a method with members: what has the size of a call.
        role: What it is of a model that is trained: "train", "infer", "save" or "restore"; "" of another.
        batch: How many examples it learns from; 0 where it does not.
    """

    name: str
    signature: str
    inputs: tuple[TensorView, ...]
    outputs: tuple[TensorView, ...]
    arguments: tuple[ArgumentView, ...]
    results: tuple[ResultView, ...]
    states: tuple[StateView, ...] = ()
    description: str = ""
    members: tuple[MemberView, ...] = ()
    hidden: bool = False
    sized: SizedView | None = None
    role: str = ""
    batch: int = 0

    @property
    def signatures(self) -> tuple[str, ...]:
        """The signatures that it calls."""
        return tuple(m.method.signature for m in self.members) or (self.signature,)

    @property
    def dynamic(self) -> tuple[str, ...]:
        """The dynamic dimensions of its inputs, each once: callers say their sizes."""
        return tuple(dict.fromkeys(d for tensor in self.inputs for d in tensor.dynamic))

    @property
    def picture(self) -> ArgumentView | None:
        """The only argument, where that is a picture: there is a form for what the platform calls a picture."""
        only = self.arguments[0] if len(self.arguments) == 1 and not self.dynamic and not self.batch else None
        return only if only is not None and only.word == "image" and not only.group else None


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

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return self.file.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class RuntimeView:
    """What runs the model in an app that is linked to `target`.

    Attributes:
        artifact: The user's own runtime.
        fallback: Whether a runtime of the app's own stands in where Play services have none.
        select: Whether it needs TensorFlow's own kernels.
    """

    target: str
    capability: Capability
    accelerators: tuple[str, ...]
    artifact: str = ""
    fallback: bool = False
    select: bool = False


@dataclass(frozen=True, slots=True)
class AppView:
    """A model as an app sees it.

    Attributes:
        keeps_inside: Whether variables in the model keep values between calls.
    """

    model: str
    description: str
    version: str
    author: str
    license: str
    methods: tuple[MethodView, ...]
    variants: tuple[VariantView, ...]
    runtimes: tuple[RuntimeView, ...]
    keeps_inside: bool = False

    @property
    def states(self) -> tuple[StateView, ...]:
        """What methods hand on from call to call, each once."""
        return tuple({state.name: state for method in self.methods for state in method.states}.values())

    @property
    def keeps(self) -> bool:
        """Whether calls depend on those before them, so that an app has sessions."""
        return self.keeps_inside or bool(self.states)

    @property
    def trains(self) -> bool:
        """Whether the app trains it, so that what variables hold is to be had back."""
        return any(method.batch for method in self.methods)

    @property
    def reopens(self) -> bool:
        """Whether variables take their first values again, which opening the model does."""
        return self.keeps_inside or self.trains

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of arguments that there are."""
        return frozenset(a.word for m in self.methods for a in m.arguments)

    @property
    def needs(self) -> tuple[str, ...]:
        """What arguments and results need of the shared sources, in every language."""
        found = [name for m in self.methods for a in m.arguments for name in a.needs]
        found += ["FilledUp"] if any(m.members for m in self.methods) else []
        results = [r for m in self.methods for r in m.results]
        found += [name for r in results for name in r.needs]
        found += ["LanguageTags"] if any(len(r.labels) > 1 for r in results) else []
        return tuple(dict.fromkeys(found))

    @property
    def goldens(self) -> tuple[str, ...]:
        """The sources of tests that compare results."""
        return tuple(dict.fromkeys(r.golden for m in self.methods for r in m.results if r.golden))

    @property
    def labelled(self) -> bool:
        """Whether results have labels."""
        return any(r.labels for m in self.methods for r in m.results)

    @property
    def accelerators(self) -> tuple[str, ...]:
        """What to try, in this order."""
        return self.runtimes[0].accelerators
