"""How a picture or a sound lies in a tensor: which axes are height, width, channels or time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import shape_text

if TYPE_CHECKING:  # the tool itself asks for layouts too, and starts without numpy
    from numpy.typing import NDArray

_CHANNELS = {"rgb": (3,), "bgr": (3,), "grayscale": (1,), "": (3, 1)}


@dataclass(frozen=True, slots=True)
class ImageLayout:
    """Sizes of a picture in a tensor.

    Attributes:
        shape: The tensor's own, for one sample.
        color_space: "rgb", "bgr" or "grayscale".
        channels_first: Whether channels come before height and width.
    """

    shape: tuple[int, ...]
    height: int
    width: int
    color_space: str
    channels_first: bool = False

    def placed(self, picture: NDArray[Any]) -> NDArray[Any]:
        """(height, width, channels) as the tensor has it."""
        return (picture.transpose(2, 0, 1) if self.channels_first else picture).reshape(self.shape)


def of_image(shape: Sequence[int | str], color_space: str, name: str, key: str) -> ImageLayout:
    """How a picture lies in a tensor of `shape`: [1, height, width, channels], or without the 1, or channels first.

    Raises:
        Invalid: It has no such shape, an open size, or channels that do not go with `color_space`.
    """
    own = tuple(1 if i == 0 and isinstance(d, str) else d for i, d in enumerate(shape))
    wanted = _CHANNELS[color_space]
    found: tuple[int | str, int | str, int | str, bool] | None = None
    inner = own[1:] if len(own) == 4 and own[0] == 1 else own
    if len(inner) == 3 and inner[2] in wanted:
        found = (*inner[:2], inner[2], False)
    elif len(inner) == 3 and inner[0] in wanted:
        found = (inner[1], inner[2], inner[0], True)
    elif len(inner) == 2 and 1 in wanted:
        found = (*inner, 1, False)
    if found is None:
        said = f'color_space = "{color_space}"' if color_space else "a picture"
        channels = " or ".join(map(str, wanted))
        raise Invalid(
            f"'{name}' has the shape {shape_text(shape)}, and {said} needs [1, height, width, {channels}]",
            key,
            "see the preprocessing guide for the shapes that a picture can have",
        )
    height, width, channels_found, first = found
    if isinstance(height, str) or isinstance(width, str):
        raise Invalid(
            f"'{name}' has the shape {shape_text(shape)}; a picture is fitted to a fixed height and width",
            key,
            "give the input a `shape`",
        )
    space = color_space or ("rgb" if channels_found == 3 else "grayscale")
    return ImageLayout(tuple(int(d) for d in own), height, width, space, first)


def of_sound(shape: Sequence[int | str], name: str, key: str) -> tuple[tuple[int, ...], int]:
    """The tensor's shape for one sample, and how many samples of sound it takes: [1, count], [count] or [1, count, 1].

    Raises:
        Invalid: It has another shape or an open size.
    """
    own = tuple(1 if i == 0 and isinstance(d, str) and len(shape) > 1 else d for i, d in enumerate(shape))
    long = [d for d in own if d != 1]
    if len(long) != 1 or isinstance(long[0], str):
        raise Invalid(
            f"'{name}' has the shape {shape_text(shape)}; a sound of one channel needs [1, count] with a fixed count",
            key,
            "give the input a `shape`, or use arrays for features that are computed from sound",
        )
    return tuple(int(d) for d in own), int(long[0])
