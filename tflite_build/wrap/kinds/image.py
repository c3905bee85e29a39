"""`image`: a picture of any size, which becomes a tensor as docs/preprocessing.md defines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.wrap import telling
from tflite_build.wrap.names import ArgumentNames, Extra, Language
from tflite_build.wrap.view import ImageView, TensorView
from tflite_build.wrap.writer import Parameter, Writer

from .base import ArgumentView

_TURNED, _REGION = "turned", "region"
_FIT = {"stretch": "pulled to", "crop": "cut at its sides to fit", "letterbox": "fitted with a border into"}
_CHANNELS = {"rgb": "red, green and blue", "bgr": "blue, green and red", "grayscale": "grey"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArgument(ArgumentView):
    """A picture."""

    word: ClassVar[str] = "image"
    sources: ClassVar[tuple[str, ...]] = ("PicturePreprocessing",)
    preparable: ClassVar[bool] = True
    image: ImageView

    def extras(self, language: Language) -> tuple[Extra, ...]:
        return Extra(_TURNED, (language.turned,)), Extra(_REGION, ("region",))

    def told(self) -> Iterator[str]:
        image, content = self.image, self.image.content
        yield f"a picture of any size; it is {_FIT[content.fit]} {image.width} x {image.height} pixels, {content.resize}"
        yield f"its {_CHANNELS[image.color_space]} values v from 0 to 255 are given as {telling.given(content)}"

    def type(self, writer: Writer) -> str:
        return writer.picture

    def maker(self, writer: Writer) -> str:
        return writer.image_maker(self.image)

    def prepared(self, writer: Writer, own: ArgumentNames) -> str:
        return writer.prepared(own)

    def made(
        self, writer: Writer, own: ArgumentNames, info: Callable[[TensorView], str], start: str
    ) -> Mapping[str, str]:
        return {self.tensor.name: writer.of_prepared(start or writer.prepared(own), info(self.tensor))}

    def parameters(self, writer: Writer, own: ArgumentNames) -> Iterator[Parameter]:
        yield Parameter(own.extras[_TURNED], *writer.upright)
        told = f"The part of the upright picture to look at; `{writer.nothing}` for all of it."
        yield Parameter(own.extras[_REGION], writer.region, writer.nothing, told)
