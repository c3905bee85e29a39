"""How the output of a model stands for a picture: as an input does, the other way round. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding, BoundTensor

from . import layout
from .layout import ImageLayout


@dataclass(frozen=True, slots=True)
class PictureResult:
    """A picture of a tensor: a pixel is value * std + mean.

    Attributes:
        mean: One for each channel, in the tensor's order, as `std`.
    """

    place: ImageLayout
    mean: tuple[float, ...]
    std: tuple[float, ...]


def of(binding: Binding, tensor: BoundTensor) -> PictureResult:
    """What a binding says, with what its tensor adds.

    Raises:
        Invalid: If the tensor is no picture.
    """
    said = binding.options
    if tensor.real not in ("float32", "uint8"):
        raise binding.misfit("image", tensor, "a picture is float32 or uint8")
    place = layout.of_image(tensor.shape, said.get("color_space", ""), tensor.name, binding.at("image"))
    channels = 1 if place.color_space == "grayscale" else 3
    found = []
    for key, default in (("mean", 0.0), ("std", 1.0)):
        values = tuple(said.get(key, (default,)))
        if len(values) not in (1, channels):
            message = f"'{key}' has {len(values)} numbers, and '{tensor.name}' {channels} channel{'s'[: channels - 1]}"
            raise Invalid(message, binding.at(key))
        found.append(values * (channels // len(values)))
    return PictureResult(place, *found)
