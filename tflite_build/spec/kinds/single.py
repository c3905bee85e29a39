"""The kinds that are one tensor and have no keys of their own: for another name, or for words that describe it."""

from __future__ import annotations

from typing import ClassVar, Literal

from .base import ArgumentKind, ContentArgument, Kind, TensorName


class ImageArgument(ContentArgument):
    """A picture; its input says how it becomes a tensor."""

    kind: Literal["image"]
    """What it is."""
    input: TensorName
    """The input that is made of it, which has `content = "image"`."""


class TensorArgument(ArgumentKind):
    """The values of a tensor."""

    ROLES: ClassVar[tuple[str, ...]] = ("input",)

    kind: Literal["tensor"]
    """What it is."""
    input: TensorName
    """The input that takes them."""


class TensorResult(Kind):
    """The values of a tensor."""

    ROLES: ClassVar[tuple[str, ...]] = ("output",)
    SHARED: ClassVar[dict[str, tuple[tuple[str, ...], str]]] = {"activation": (("output",), "activation")}

    kind: Literal["tensor"]
    """What it is."""
    output: TensorName
    """The output that has them."""
    activation: Literal["softmax", "sigmoid"] | None = None
    """What is done to them first."""
