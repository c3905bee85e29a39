"""[result.NAME] with kind = "keypoints"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tflite_build.errors import near_miss
from tflite_build.spec.metadata import Real
from tflite_build.spec.values import as_tuple, wrong

from .base import Beside, Kind, Misfit, TensorName, in_picture

_WORD = {"type": "string", "minLength": 1}
_PAIR = {"type": "array", "items": _WORD, "minItems": 2, "maxItems": 2}


def _words(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) and v for v in value)


def _names(value: Any) -> Any:
    if not (isinstance(value, str) and value) and not _words(value):
        raise wrong('names are a list, such as ["nose", "left eye"], or a file with one in each line')
    return as_tuple(value)


def _edges(value: Any) -> Any:
    if not (isinstance(value, list) and value and all(_words(v) and len(v) == 2 for v in value)):
        raise wrong('edges are pairs of names: [["nose", "left eye"], ["nose", "right eye"]]')
    return tuple(map(tuple, value))


Names = Annotated[
    str | tuple[str, ...],
    BeforeValidator(_names),
    WithJsonSchema({"anyOf": [_WORD, {"type": "array", "items": _WORD, "minItems": 1}]}),
]
Edges = Annotated[
    tuple[tuple[str, ...], ...],
    BeforeValidator(_edges),
    WithJsonSchema({"type": "array", "items": _PAIR, "minItems": 1}),
]


def _axes(value: Any) -> Any:
    if not (isinstance(value, str) and re.fullmatch("[xyzs_]{2,64}", value)):
        raise wrong(
            'axes are a letter for each number of a point: x, y, z, s for its score, _ for what is left out: "yxs"'
        )
    if not all(value.count(c) == 1 for c in "xy"):
        raise wrong("'axes' has 'x' and 'y' once each")
    if any(value.count(c) > 1 for c in "zs"):
        raise wrong("'axes' has 'z' and 's' once at most")
    return value


Axes = Annotated[str, BeforeValidator(_axes), WithJsonSchema({"type": "string", "pattern": "^[xyzs_]{2,64}$"})]
_OF_HEATMAPS = ("offsets", "stride", "channel_axis")
_OF_NUMBERS = ("scores", "coordinates")


class KeypointsResult(Kind):
    """Points of a thing in a picture, such as the joints of a body, in the coordinates of the picture that was given."""

    ROLES: ClassVar[tuple[str, ...]] = ("points", "scores", "heatmap", "offsets")
    SHARED: ClassVar[dict[str, tuple[tuple[str, ...], str]]] = {
        "activation": (("scores", "heatmap", "points"), "activation")
    }
    FILES: ClassVar[tuple[str, ...]] = ("names",)

    kind: Literal["keypoints"]
    """What it is."""
    points: TensorName | None = None
    """The output with the numbers of each point."""
    scores: TensorName | None = None
    """The output with a score for each point."""
    heatmap: TensorName | None = None
    """Instead of `points`: the output with a plane of scores for each point, which is where that is highest."""
    offsets: TensorName | None = None
    """Of `heatmap`: the output with how far a point is from its place in the plane, in pixels of the input: a plane for
    each point and axis."""
    picture: str | None = None
    """The argument whose picture the points are in, where a model takes several."""
    axes: Axes | None = None
    """The numbers of a point, a letter for each: `x`, `y`, `z` the depth, `s` the score, `_` for what is left out, such as
    `"yxs"` or `"xyz__"`. Of `offsets` whether the planes of `x` or of `y` come first; default there: `"yx"`."""
    coordinates: Literal["ratio", "pixel"] | None = None
    """Whether 1 is the whole picture as the model takes it, or one pixel of that. Default: `ratio`."""
    stride: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Of `heatmap`: the column c of a plane lies at x = c * stride in pixels of the input. Default: a plane covers the
    picture, and a point is in the middle of its part."""
    channel_axis: Literal["first", "last"] | None = None
    """Of `heatmap`: whether the planes stand before height and width or behind them, where neither `names` nor the shape
    tell."""
    activation: Literal["sigmoid"] | None = None
    """As at an output: what is done to the scores first, where the model gives logits."""
    score_threshold: Real | None = None
    """The least score of the points that an app gets, where it does not say another."""
    names: Names | None = None
    """What the points are called: a list, or a file with a name in each line. Default: their numbers."""
    edges: Edges | None = None
    """Which points a drawing connects: pairs of `names`."""

    @model_validator(mode="after")
    def _of_the_form(self) -> KeypointsResult:
        if (self.points is None) == (self.heatmap is None):
            key = "heatmap" if self.heatmap else "kind"
            raise wrong("the points come from 'points' or from 'heatmap': name the output of one of them", key)
        for key in _OF_HEATMAPS if self.heatmap is None else _OF_NUMBERS:
            if getattr(self, key) is not None:
                raise wrong(f"'{key}' is for '{'heatmap' if self.heatmap is None else 'points'}'", key)
        if self.offsets is not None and self.stride is None:
            raise wrong(
                "'offsets' need 'stride': how many pixels of the input apart the parts of a plane are", "offsets"
            )
        axes = self.axes or ""
        if self.points is not None and self.axes is None:
            raise wrong("'points' need 'axes', the order of a point's numbers, such as \"xy\" or \"yxs\"", "points")
        if self.heatmap is not None and self.axes is not None and (self.offsets is None or axes not in ("xy", "yx")):
            raise wrong("'axes' of a heatmap is \"xy\" or \"yx\", for its 'offsets'", "axes")
        if self.scores is not None and "s" in axes:
            raise wrong("'s' in 'axes' is a score, and so is 'scores': leave one out", "scores")
        scored = self.heatmap is not None or self.scores is not None or "s" in axes
        for key in ("activation", "score_threshold"):
            if getattr(self, key) is not None and not scored:
                raise wrong(f"'{key}' is of scores, and these points have none", key)
        return self

    @model_validator(mode="after")
    def _of_the_names(self) -> KeypointsResult:
        if self.edges is not None and self.names is None:
            raise wrong("'edges' are pairs of 'names', which are not said", "edges")
        if isinstance(self.names, tuple):
            twice = next((n for i, n in enumerate(self.names) if n in self.names[:i]), None)
            if twice is not None:
                raise wrong(f"'names' has '{twice}' twice", "names")
            for name in (n for edge in self.edges or () for n in edge):
                if name not in self.names:
                    near = near_miss(name, self.names)
                    raise wrong(f"no point is called '{name}'{f'; {near}' if near else ''}", "edges")
        return self

    def misfits(self, beside: Beside) -> Iterator[Misfit]:
        yield from super().misfits(beside)
        yield from in_picture("points are", self.picture, beside)

    def implied(self) -> dict[str, dict[str, Any]]:
        found = super().implied()
        for role in ("points", "heatmap"):
            if role in self.tensors:
                found.setdefault(self.tensors[role], {})["content"] = "keypoints"
        return found
