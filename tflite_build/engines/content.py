"""What an input stands for, as the spec says it: how an app makes the tensor from a picture or a sound.

Data alone, with its JSON form; docs/preprocessing.md says what each word means and engines/preprocessing does it.
Standard library only: the tool and every engine read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Content:
    """One input's content.

    Attributes:
        kind: "image", "audio", "feature" or "text-ids".
        color_space: "rgb", "bgr" or "grayscale"; "" where the number of channels decides (3: rgb, 1: grayscale).
        mean: One value for all channels or one each, in pixel units (0 to 255) or, for sound, in units of full scale.
        std: As `mean`; every one above 0.
        invert: Whether a pixel p is taken as 255 - p.
        resize: "nearest", "bilinear" or "area".
        antialias: Whether "bilinear" widens its triangle where it makes a picture smaller.
        fit: "stretch", "crop" or "letterbox".
        fill: The pixel value around a letterboxed picture, before `invert`: one value for all channels or one each.
        sample_rate: Samples a second of the tensor's sound.
        hop: Samples from the start of one frame of a sound to the next; None takes the first frame alone.
    """

    kind: str
    color_space: str = ""
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    invert: bool = False
    resize: str = "bilinear"
    antialias: bool = False
    fit: str = "stretch"
    fill: tuple[int, ...] = (0,)
    sample_rate: int | None = None
    hop: int | None = None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The lowest and the highest value that the tensor can have; None where the content says nothing of it."""
        if self.kind not in ("image", "audio"):
            return None
        lowest, highest = (0.0, 255.0) if self.kind == "image" else (-1.0, 1.0)
        count = max(len(self.mean), len(self.std))
        pairs = [(self.mean[i % len(self.mean)], self.std[i % len(self.std)]) for i in range(count)]
        return min((lowest - m) / s for m, s in pairs), max((highest - m) / s for m, s in pairs)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Content:
        """The inverse of `to_json`; keys that are missing have their defaults."""
        given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in value.items()}
        return Content(**given)
