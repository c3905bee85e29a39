"""`mask`: what each pixel of a picture shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.kinds import mask
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.mask import NO_CLASS, Mask
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Writer

from .base import Given, Made, ResultView, labels_of
from .image import picture_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskResult(ResultView):
    """A mask.

    Attributes:
        how: How the output stands for classes.
        size: Width and height of the picture as the model takes it.
        colors: Of classes, "#rrggbb" or "#rrggbbaa"; none for no overlay.
    """

    word: ClassVar[str] = "mask"
    sources: ClassVar[tuple[str, ...]] = ("Mask",)
    golden: ClassVar[str] = "GoldenMask"
    verb: ClassVar[str] = "segment"
    decided: ClassVar[bool] = True
    how: Mask
    size: tuple[int, int]
    colors: Sequence[str] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        own = "MaskNumbers" if self.how.form == "numbers" else "MaskScores"
        return (*self.sources, own, *(["MaskOverlay"] if self.colors else []))

    @property
    def has_maker(self) -> bool:
        return bool(self.colors)

    def maker(self, writer: Writer) -> str:
        return writer.call("Palette.parse", [("", writer.texts(self.colors))]) if self.colors else ""

    def told(self) -> Iterator[str]:
        of = f"the best of {self.how.classes} classes" if self.how.form == "best" else "its class"
        yield f"what each pixel of the picture as it was given shows: {of}, of {self.how.width} x {self.how.height} pixels"

    def returned(self) -> str:
        return "The classes of pixels."

    def type(self, writer: Writer) -> str:
        return "Mask"

    def made(self, writer: Writer, of: Made) -> str:
        how = self.how
        grid = [
            ("transform", f"{of.picture}.transform"),
            ("tensorWidth", str(self.size[0])),
            ("tensorHeight", str(self.size[1])),
            ("planeWidth", str(how.width)),
            ("planeHeight", str(how.height)),
        ]
        given = [
            ("width", str(how.width)),
            ("height", str(how.height)),
            ("labels", of.labels or writer.no_texts),
            ("grid", writer.call("PictureGrid", grid)),
        ]
        colors = [("colors", writer.constant(of.own.maker))] if self.colors else []
        if how.form == "numbers":
            numbers = [("numbers", of.reals(self.tensor)), ("known", str(how.classes or NO_CLASS))]
            return writer.call("MaskNumbers.mask", [*numbers, *given, *colors])
        scores = [
            ("values", of.values(self.tensor)),
            ("count", "1" if how.form == "single" else str(how.classes)),
            ("first", writer.truth(how.first)),
            ("activation", writer.case("MaskActivation", how.activation or "none")),
        ]
        threshold = [("threshold", writer.number(how.threshold))] if how.threshold is not None else []
        return writer.call("MaskScores.mask", [*scores, *given, *threshold, *colors])


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> MaskResult:
    """The result that a binding says.

    Raises:
        Invalid: If the tensor is no mask, there are not as many labels or colours, or no picture that it is of.
    """
    labels, what = labels_of(binding, None, given, ""), f"'{binding.name}'"
    how = mask.of(binding, tensors["mask"], len(labels[""]) if labels else None)
    labels = labels_of(binding, how.classes or None, given, what)  # those of other languages, too
    lines = binding.options.get("palette") or given.lines(binding, "palette").get("", ())
    colors = mask.colors(binding, lines, how.classes) if lines or "palette" in binding.files else []
    picture = picture_of(binding, given)
    return MaskResult(
        name=binding.name,
        tensors=tensors,
        description=binding.description,
        labels=labels,
        picture=picture.name,
        how=how,
        size=(picture.image.width, picture.image.height),
        colors=colors,
    )
