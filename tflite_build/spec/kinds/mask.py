"""[result.NAME] with kind = "mask"."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from tflite_build.spec.metadata import Labels, Real
from tflite_build.spec.values import RelativePath, as_tuple

from .base import Kind, TensorName

_COLOR = {"type": "string", "pattern": "^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"}
Color = Annotated[str, StringConstraints(pattern=_COLOR["pattern"])]
Palette = Annotated[
    RelativePath | Annotated[tuple[Color, ...], Field(min_length=1, max_length=255)],
    BeforeValidator(as_tuple),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": _COLOR, "minItems": 1}]}),
]


class MaskResult(Kind):
    """What each pixel of a picture shows: the best of some classes, in the picture that was given."""

    ROLES: ClassVar[tuple[str, ...]] = ("mask",)
    SHARED: ClassVar[dict[str, tuple[tuple[str, ...], str]]] = {
        key: (("mask",), key) for key in ("labels", "activation")
    }
    FILES: ClassVar[tuple[str, ...]] = ("labels", "palette")

    kind: Literal["mask"]
    """What it is."""
    mask: TensorName
    """The output with a score for each class at each pixel, or with one score, or with the number of the class."""
    picture: str | None = None
    """The argument whose picture the mask is of, where a model takes several."""
    channel_axis: Literal["first", "last"] | None = None
    """Whether the scores of classes stand before height and width or behind them, where neither the labels nor the shape
    tell."""
    activation: Literal["softmax", "sigmoid"] | None = None
    """As at an output: what makes confidences of the scores, where the model gives logits."""
    threshold: Real | None = None
    """A pixel whose score, after `activation`, is not above it is of no class; with one score alone, of class 0 and not 1.
    Default: 0.5 for one score, and none for several."""
    labels: Labels | None = None
    """The names of classes, as at an output; for one score those of class 0, the background, and of class 1."""
    palette: Palette | None = None
    """The colours of classes in an overlay: a list of `"#rrggbb"` or `"#rrggbbaa"`, or a file with one in each line."""

    def implied(self) -> dict[str, dict[str, Any]]:
        return {self.mask: {**super().implied().get(self.mask, {}), "content": "mask"}}
