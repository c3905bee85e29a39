"""[result.NAME] with kind = "image"."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import model_validator

from tflite_build.spec.values import Deviations, Means, wrong

from .base import Kind, TensorName


class PictureResult(Kind):
    """A picture that the model makes."""

    ROLES: ClassVar[tuple[str, ...]] = ("image",)
    SHARED: ClassVar[dict[str, tuple[tuple[str, ...], str]]] = {"color_space": (("image",), "color_space")}

    kind: Literal["image"]
    """What it is."""
    image: TensorName
    """The output with its pixels."""
    color_space: Literal["rgb", "bgr", "grayscale"] | None = None
    """The order of its channels. Default: `rgb` for three channels, `grayscale` for one."""
    mean: Means | None = None
    """With `std`: a pixel is value * std + mean, from 0 to 255, as the value of an input is (pixel - mean) / std. One
    number, or one for each channel in the tensor's order. Default: 0."""
    std: Deviations | None = None
    """See `mean`. Default: 1; it is 255 where the model gives 0 to 1."""

    @model_validator(mode="after")
    def _of_the_channels(self) -> PictureResult:
        counts = {len(v) for v in (self.mean, self.std) if v is not None and len(v) > 1}
        if len(counts) > 1:
            raise wrong(f"'std' has {len(self.std or ())} numbers, and 'mean' {len(self.mean or ())}", "std")
        return self

    def implied(self) -> dict[str, dict[str, Any]]:
        return {self.image: {**super().implied().get(self.image, {}), "content": "image"}}
