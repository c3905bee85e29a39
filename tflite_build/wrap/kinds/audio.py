"""`audio`: a sound, of which one window becomes a tensor as docs/preprocessing.md defines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.wrap import telling
from tflite_build.wrap.names import ArgumentNames
from tflite_build.wrap.view import SoundView, TensorView
from tflite_build.wrap.writer import Writer

from .base import ArgumentView


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
