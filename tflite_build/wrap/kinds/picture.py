"""`image` as a result: a picture that the model makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.preprocessing import picture_result
from tflite_build.engines.preprocessing.picture_result import PictureResult as How
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Writer

from .base import Given, Made, ResultView


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureResult(ResultView):
    """A picture.

    Attributes:
        how: How the output stands for it.
    """

    word: ClassVar[str] = "image"
    sources: ClassVar[tuple[str, ...]] = ("PixelDecoder",)
    golden: ClassVar[str] = "GoldenOutputPicture"
    verb: ClassVar[str] = "transform"
    decided: ClassVar[bool] = True
    how: How

    def told(self) -> Iterator[str]:
        place = self.how.place
        yield f"a picture of {place.width} x {place.height} pixels{', grey' if place.color_space == 'grayscale' else ''}"

    def returned(self) -> str:
        return "The picture."

    def type(self, writer: Writer) -> str:
        return "OutputPicture"

    def made(self, writer: Writer, of: Made) -> str:
        place = self.how.place
        given = [
            ("width", str(place.width)),
            ("height", str(place.height)),
            ("colorSpace", writer.case("ColorSpace", place.color_space)),
            ("mean", writer.numbers(self.how.mean)),
            ("std", writer.numbers(self.how.std)),
        ]
        given += [("channelsFirst", writer.truth(True))] if place.channels_first else []
        return writer.call(f"{writer.call('PixelDecoder', given)}.picture", [("", of.reals(self.tensor))])


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> PictureResult:
    """The result that a binding says.

    Raises:
        Invalid: If the tensor is no picture.
    """
    how = picture_result.of(binding, tensors["image"])
    return PictureResult(name=binding.name, tensors=tensors, description=binding.description, how=how)
