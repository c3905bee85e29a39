"""`audio`: a sound, of which one window becomes a tensor as docs/preprocessing.md defines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.preprocessing import layout
from tflite_build.engines.words import near_or_all
from tflite_build.wrap import telling
from tflite_build.wrap.names import ArgumentNames
from tflite_build.wrap.view import SoundView, TensorView
from tflite_build.wrap.writer import Writer

from .base import ArgumentView, Given, ResultView, content_of
from .classes import ClassesResult


@dataclass(frozen=True, slots=True)
class StreamView:
    """How a sound that comes in pieces is heard.

    Attributes:
        hop: Samples of the tensor's rate from one window to the next.
        windows: Of classes: how many windows' scores are averaged.
        refractory: Of classes: seconds in which one that was heard is not heard again.
        ignored: Of classes: labels of those that are never heard.
        spots: Whether classes are heard at all, and not only scored.
    """

    hop: int
    windows: int = 1
    refractory: float = 0.0
    ignored: tuple[str, ...] = ()
    spots: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioArgument(ArgumentView):
    """A sound."""

    word: ClassVar[str] = "audio"
    sources: ClassVar[tuple[str, ...]] = ("SoundPreprocessing",)
    sound: SoundView
    stream: StreamView | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        if self.stream is None:
            return self.sources
        return (*self.sources, "SoundStream", "Moment", *(["Spotting"] if self.stream.spots else []))

    def told(self) -> Iterator[str]:
        sound = self.sound
        yield (
            f"a sound of one channel; it is brought to {sound.sample_rate} samples a second, of which {sound.length} are "
            f"taken, {sound.length / sound.sample_rate:.3g} s"
        )
        yield f"its samples v from -1 to 1 are given as {telling.given(sound.content)}"

    def type(self, writer: Writer) -> str:
        return writer.sound

    def maker(self, writer: Writer) -> str:
        return writer.sound_maker(self.sound)

    def made(
        self, writer: Writer, own: ArgumentNames, info: Callable[[TensorView], str], start: str
    ) -> Mapping[str, str]:
        return {self.tensor.name: writer.of_sound(own, info(self.tensor))}


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> AudioArgument:
    """The argument that a binding says.

    Raises:
        Invalid: If no sound fits the tensor.
    """
    tensor = tensors["input"]
    content = content_of(tensor, given)
    _, length = layout.of_sound(tensor.shape, tensor.name, binding.at("content"))
    sound = SoundView(length, content.sample_rate or 0, content)
    stream = _stream(sound, binding.options["stream"]) if "stream" in binding.options else None
    return AudioArgument(
        name=binding.name, tensors=tensors, description=binding.description, sound=sound, stream=stream
    )


def _stream(sound: SoundView, said: Mapping[str, Any]) -> StreamView:
    hop = sound.content.hop or sound.length
    windows = max(1, round(said.get("average", 0.0) * sound.sample_rate / hop))
    ignored, refractory = tuple(said.get("ignore", ())), said.get("refractory", 0.0)
    return StreamView(hop, windows, refractory, ignored, bool({"average", "refractory"} & said.keys() or ignored))


def check_stream(binding_key: str, argument: AudioArgument, results: Sequence[ResultView]) -> None:
    """Hold what is said of a stream against what the model gives.

    Raises:
        Invalid: If it is about classes, and these are not all there is, or have no threshold or other labels.
    """
    stream = argument.stream
    if stream is None or not stream.spots:
        return
    key = f"{binding_key}.stream"
    classes = results[0] if len(results) == 1 and isinstance(results[0], ClassesResult) else None
    if classes is None:
        raise Invalid(
            "classes are heard in a stream, and the model gives other results", key, "leave `stream` empty: {}"
        )
    if classes.how.threshold is None:
        hint = f"say `score_threshold` of '{classes.name}'"
        raise Invalid("a class is heard where its score reaches a threshold, and there is none", key, hint)
    labels = classes.labels[""]
    for place, label in enumerate(stream.ignored):
        if label not in labels:
            raise Invalid(f"no class is called '{label}'", f"{key}.ignore.{place}", near_or_all(label, list(labels)))
