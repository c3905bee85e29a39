"""Several planes of numbers in one tensor, as of the scores of classes at each pixel: which axes are what."""

from __future__ import annotations

from dataclasses import dataclass

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding, BoundTensor

_KEY = "channel_axis"


@dataclass(frozen=True, slots=True)
class Planes:
    """Planes of a tensor.

    Attributes:
        count: How many there are.
        first: Whether their axis stands before height and width, and not behind them.
    """

    height: int
    width: int
    count: int
    first: bool = False


def without_batch(shape: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """A shape without the axis of the batch, where it has one."""
    return shape[1:] if len(shape) > 1 and (shape[0] == 1 or isinstance(shape[0], str)) else shape


def of(binding: Binding, role: str, tensor: BoundTensor, counts: tuple[int, ...], wanted: str) -> Planes:
    """The planes of a tensor: [1, height, width, count], or the planes first, or one plane alone; also without the 1.

    Args:
        binding: Says with `channel_axis` where they are.
        counts: How many planes there may be; empty where nobody knows: then the shorter axis is theirs.
        wanted: What the tensor has to be, for messages.

    Raises:
        Invalid: If it is something else, or nobody can tell which axis is which.
    """
    shape = without_batch(tensor.shape)
    sizes = [d for d in shape if isinstance(d, int)]
    if len(sizes) != len(shape) or len(sizes) not in (2, 3):
        raise binding.misfit(role, tensor, wanted)
    if len(sizes) == 2:
        if counts and 1 not in counts:
            raise binding.misfit(role, tensor, wanted)
        return Planes(sizes[0], sizes[1], 1)
    of_axis = {"first": sizes[0], "last": sizes[2]}
    said = binding.options.get(_KEY)
    if said is not None:
        fitting = [axis for axis in (said,) if not counts or of_axis[axis] in counts]
    else:
        possible = counts or (min(of_axis.values()),)
        fitting = [axis for axis, size in of_axis.items() if size in possible]
    if not fitting:
        raise binding.misfit(role, tensor, wanted)
    if len(fitting) > 1:
        name = f"'{tensor.name}' is {sizes[0]} x {sizes[1]} x {sizes[2]}"
        hint = f'say {_KEY} = "last" where height and width come first, or "first"'
        raise Invalid(f"{name}, and its first or its last axis may be the channels", binding.at(role), hint)
    if fitting[0] == "first":
        return Planes(sizes[1], sizes[2], sizes[0], True)
    return Planes(sizes[0], sizes[1], sizes[2])
