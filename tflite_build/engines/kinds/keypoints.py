"""`keypoints`: how the outputs of a model stand for points of a thing, with what these outputs have to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds import planes
from tflite_build.engines.kinds.binding import Binding, BoundTensor
from tflite_build.engines.kinds.planes import Planes
from tflite_build.engines.words import counted, near_or_all

_NO_PLANES = Planes(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Keypoints:
    """How outputs stand for points.

    Attributes:
        form: "listed": the numbers of each point; "heatmap": a plane of scores for each.
        count: How many points there are.
        axes: Of "listed" the numbers of a point, a letter each: "x", "y", "z", "s" for its score, or "_"; of "heatmap"
            "xy" or "yx", which planes of offsets come first.
        ratio: Of "listed": whether 1 is the whole picture, as the model takes it, and not one pixel of that.
        planes: Of "heatmap".
        offsets: Whether offsets have their planes first; None where there are none.
        stride: Of "heatmap": pixels from one part of a plane to the next; None where a plane covers the picture.
        activation: "sigmoid" or "": what is done to scores first.
        scored: Whether there are scores.
        threshold: The least score; None for all.
    """

    form: Literal["listed", "heatmap"]
    count: int
    axes: str = ""
    ratio: bool = True
    planes: Planes = field(default=_NO_PLANES)
    offsets: bool | None = None
    stride: float | None = None
    activation: str = ""
    scored: bool = True
    threshold: float | None = None


def of(binding: Binding, tensors: Mapping[str, BoundTensor], names: int | None = None) -> Keypoints:
    """What a binding says, with what its tensors add.

    Args:
        names: How many names there are; None where there are none.

    Raises:
        Invalid: If the tensors are not what it says.
    """
    said = binding.options
    for role, tensor in tensors.items():
        if tensor.real != "float32":
            raise binding.misfit(role, tensor, f"{role} {'is' if role == 'heatmap' else 'are'} float32")
    common: dict[str, Any] = {"activation": said.get("activation", ""), "threshold": said.get("score_threshold")}
    if "heatmap" in tensors:
        return _heatmap(binding, tensors, names, common)
    axes, tensor = str(said["axes"]), tensors["points"]
    row, long = len(axes), _long(tensor)
    sizes = [d for d in long if isinstance(d, int)]
    fits = len(sizes) == len(long) and (sizes[1:] == [row] or (len(sizes) == 1 and sizes[0] % row == 0))
    if not fits:
        wanted = f'axes = "{axes}" is for [1, points, {row}], or all numbers of all points in one row'
        raise binding.misfit("points", tensor, wanted, "the points of several people at once are not read")
    count = sizes[0] if len(sizes) == 2 else sizes[0] // row
    _check_names(binding, tensor, count, names)
    if "scores" in tensors and _long(tensors["scores"]) != ([count] if count != 1 else []):
        raise binding.misfit("scores", tensors["scores"], f"each of {counted(count, 'point')} has one: [1, {count}]")
    scored = "scores" in tensors or "s" in axes
    ratio = said.get("coordinates", "ratio") == "ratio"
    return Keypoints("listed", count, axes, ratio, scored=scored, **common)


def edges(binding: Binding, names: Sequence[str]) -> list[int]:
    """The numbers of the points that `edges` connects, two for each.

    Raises:
        Invalid: If it names a point that is not there, or two points have one name.
    """
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise Invalid(f"two points are called '{twice}'", binding.at("names"))
    found = []
    for name in (name for edge in binding.options.get("edges", ()) for name in edge):
        if name not in names:
            raise Invalid(f"no point is called '{name}'", binding.at("edges"), near_or_all(name, list(names)))
        found.append(names.index(name))
    return found


def _heatmap(
    binding: Binding, tensors: Mapping[str, BoundTensor], names: int | None, common: Mapping[str, Any]
) -> Keypoints:
    tensor, said = tensors["heatmap"], binding.options
    many = "points" if names is None else names
    wanted = f"a heatmap is [1, height, width, {many}] or [1, {many}, height, width]"
    found = planes.of(binding, "heatmap", tensor, () if names is None else (names,), wanted)
    _check_names(binding, tensor, found.count, names)
    first = None
    if "offsets" in tensors:
        size = (found.height, found.width)
        both = {True: (2 * found.count, *size), False: (*size, 2 * found.count)}
        shape = planes.without_batch(tensors["offsets"].shape)
        first = next((f for f in (found.first, not found.first) if shape == both[f]), None)
        if first is None:
            last = ", ".join(map(str, (1, *both[found.first])))
            raise binding.misfit("offsets", tensors["offsets"], f"two planes for each point are needed: [{last}]")
    stride, axes = said.get("stride"), str(said.get("axes", "yx"))
    return Keypoints("heatmap", found.count, axes, planes=found, offsets=first, stride=stride, **common)


def _long(tensor: BoundTensor) -> list[int | str]:
    return [d for d in planes.without_batch(tensor.shape) if d != 1]


def _check_names(binding: Binding, tensor: BoundTensor, count: int, names: int | None) -> None:
    if names is not None and names != count:
        message = f"there are {counted(names, 'name')}, and '{tensor.name}' has {counted(count, 'point')}"
        raise Invalid(message, binding.at("names"))
