"""`image`: a picture of any size, which becomes a tensor as docs/preprocessing.md defines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.content import Content
from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.preprocessing import layout
from tflite_build.wrap import telling
from tflite_build.wrap.names import ArgumentNames, Extra, Language
from tflite_build.wrap.view import ImageView, TensorView
from tflite_build.wrap.writer import Parameter, Writer

from .base import ArgumentView, Given, content_of

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


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> ImageArgument:
    """The argument that a binding says.

    Raises:
        Invalid: If no picture fits the tensor.
    """
    tensor, key = tensors["input"], _content_key(binding)
    content = content_of(tensor, given)
    place = layout.of_image(tensor.shape, content.color_space, tensor.name, key)
    image = ImageView(place.height, place.width, place.color_space, place.channels_first, content)
    _check_values(content, image.channels, tensor.name, key.removesuffix(".content"))
    return ImageArgument(name=binding.name, tensors=tensors, description=binding.description, image=image)


def picture_of(binding: Binding, given: Given) -> ImageArgument:
    """The argument whose picture a result tells places of; the rules of specs say that there is one."""
    wanted = binding.options.get("picture")
    return next(a for a in given.arguments if isinstance(a, ImageArgument) and wanted in (None, a.name))


def _content_key(binding: Binding) -> str:
    """Where an input says that it is a picture: its own table, or the argument's that binds it."""
    return binding.at("input" if binding.is_named else "content")


def _check_values(content: Content, channels: int, name: str, key: str) -> None:
    for word, values in (("mean", content.mean), ("std", content.std), ("fill", content.fill)):
        if len(values) not in (1, channels):
            raise Invalid(f"'{word}' of '{name}' has {len(values)} values, and the tensor {channels} channels", key)
