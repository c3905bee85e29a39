"""`audio`: a sound, of which one window becomes a tensor as docs/preprocessing.md defines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.preprocessing import layout
from tflite_build.wrap import telling
from tflite_build.wrap.names import ArgumentNames
from tflite_build.wrap.view import SoundView, TensorView
from tflite_build.wrap.writer import Writer

from .base import ArgumentView, Given


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioArgument(ArgumentView):
    """A sound."""

    word: ClassVar[str] = "audio"
    sources: ClassVar[tuple[str, ...]] = ("SoundPreprocessing",)
    sound: SoundView

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
        Invalid: If no sound fits the tensor, or the spec does not say how.
    """
    tensor = tensors["input"]
    said = given.declared.get(tensor.name)
    content = said.content if said else None
    if content is None or content.kind != "audio":
        raise Invalid(
            f"the input '{tensor.name}' is no sound",
            binding.at("input"),
            f'say content = "audio" in [input.{tensor.name}], and its sample_rate',
        )
    _, length = layout.of_sound(tensor.shape, tensor.name, binding.at("content"))
    sound = SoundView(length, content.sample_rate or 0, content)
    return AudioArgument(name=binding.name, tensors=tensors, description=binding.description, sound=sound)
