"""[result.NAME] with kind = "mask"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, WithJsonSchema

from tflite_build.spec.metadata import Labels, Real
from tflite_build.spec.values import as_tuple, wrong

from .base import Beside, Kind, Misfit, TensorName, in_picture

_COLOR = "#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})"


def _palette(value: Any) -> Any:
    colors = value if isinstance(value, list) else [value]
    if not colors or not all(isinstance(c, str) and c for c in colors):
        raise wrong('a palette is a list of colours, such as ["#000000", "#ff8800"], or a file with one in each line')
    other = next((c for c in colors if isinstance(value, list) and not re.fullmatch(_COLOR, c)), None)
    if other is not None:
        raise wrong(f"'{other}' is no colour, which is #rrggbb, or #rrggbbaa with its opacity")
    return as_tuple(value)


Palette = Annotated[
    str | tuple[str, ...],
    BeforeValidator(_palette),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "pattern": f"^{_COLOR}$"}, "minItems": 1},
            ]
        }
    ),
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

    def misfits(self, beside: Beside) -> Iterator[Misfit]:
        yield from super().misfits(beside)
        yield from in_picture("masks are", self.picture, beside)

    def implied(self) -> dict[str, dict[str, Any]]:
        return {self.mask: {**super().implied().get(self.mask, {}), "content": "mask"}}
