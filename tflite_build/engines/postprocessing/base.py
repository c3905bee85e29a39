"""What every kind of result is computed from, beside the outputs that it binds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from tflite_build.engines.contract import TensorSpec
from tflite_build.engines.kinds.binding import Binding

from .places import Places

Array = NDArray[Any]
Lines = Callable[[Binding, str], Mapping[str, Sequence[str]]]


def _no_lines(binding: Binding, key: str) -> dict[str, Sequence[str]]:
    return {}


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a result.

    Attributes:
        pictures: Argument -> the way back to its picture.
        lines: Reads the files that a key of a binding names: locale -> lines.
    """

    pictures: Mapping[str, Places] = field(default_factory=dict)
    lines: Lines = _no_lines

    def picture(self, binding: Binding) -> Places:
        """The way back to the picture that a result tells places of; the rules of specs say that there is one."""
        wanted = binding.options.get("picture")
        return self.pictures[wanted] if wanted else next(iter(self.pictures.values()))


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs that a result binds, by role.

    Attributes:
        tensors: As callers have them: real numbers where they stand for such.
        values: Real ones where they stand for such.
    """

    tensors: Mapping[str, TensorSpec]
    values: Mapping[str, Array]

    @property
    def only(self) -> Array:
        """The values of the only one."""
        (value,) = self.values.values()
        return value


@dataclass(frozen=True, slots=True)
class Measured:
    """What a measure takes of a result.

    Attributes:
        values: As the kind says.
        classes: How many classes there are, of what is one; None where nobody says.
    """

    values: Array
    classes: int | None = None
