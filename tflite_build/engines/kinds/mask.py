"""`mask`: how an output stands for what each pixel shows, with what it has to be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds import planes
from tflite_build.engines.kinds.binding import Binding, BoundTensor
from tflite_build.engines.words import counted

NO_CLASS = 255  # the number of a pixel that is of no class
_NUMBERS = ("int32", "int64", "uint8")
_THRESHOLD = 0.5
_COLOR = re.compile("#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})")


@dataclass(frozen=True, slots=True)
class Mask:
    """How an output stands for classes.

    Attributes:
        form: "best": a score for each class; "single": one score, of class 1 and not 0; "numbers": the class itself.
        classes: How many there are; 0 where nobody says.
        first: Whether the axis of classes stands before height and width.
        activation: "softmax", "sigmoid" or "": what makes confidences of scores.
        threshold: What the confidence of a pixel's class has to be above; None for nothing.
    """

    form: Literal["best", "single", "numbers"]
    height: int
    width: int
    classes: int
    first: bool = False
    activation: str = ""
    threshold: float | None = None


def of(binding: Binding, tensor: BoundTensor, labels: int | None = None) -> Mask:
    """What a binding says, with what its tensor adds.

    Args:
        labels: How many labels there are; None where there are none.

    Raises:
        Invalid: If the tensor is not what it says.
    """
    if labels is not None and not 0 < labels <= NO_CLASS:
        raise Invalid(f"there are {labels} labels, and a mask has 1 to {NO_CLASS} classes", binding.at("labels"))
    if tensor.real in _NUMBERS:
        return _numbers(binding, tensor, labels)
    if tensor.real != "float32":
        raise binding.misfit("mask", tensor, f"a mask is float32, or the number of a class in {', '.join(_NUMBERS)}")
    counts = () if labels is None else (1, 2) if labels == 2 else (labels,)
    many = labels if labels is not None else "classes"
    wanted = f"a mask is [1, height, width, {many}] or [1, {many}, height, width], or one score for each pixel"
    found = planes.of(binding, "mask", tensor, counts, wanted)
    activation, threshold = binding.options.get("activation", ""), binding.options.get("threshold")
    if found.count > NO_CLASS:
        raise binding.misfit("mask", tensor, f"a mask has {NO_CLASS} classes at most")
    if found.count == 1:
        if labels == 1:
            hint = "put a line before it for class 0, such as `background`"
            raise Invalid(
                f"there is 1 label, and the score of '{tensor.name}' tells 2 classes", binding.at("labels"), hint
            )
        if activation == "softmax":
            raise Invalid("softmax is of several scores, and there is one", binding.at("activation"), 'use "sigmoid"')
        least = _THRESHOLD if threshold is None else threshold
        return Mask("single", found.height, found.width, 2, found.first, activation, least)
    return Mask("best", found.height, found.width, found.count, found.first, activation, threshold)


def colors(binding: Binding, lines: Sequence[str], classes: int) -> list[str]:
    """The colours of a palette, "#rrggbb" or "#rrggbbaa", one for each class.

    Args:
        classes: How many there are; 0 where nobody knows.

    Raises:
        Invalid: If one is no colour, or there are not as many as classes.
    """
    for number, line in enumerate(lines, 1):
        if not _COLOR.fullmatch(line):
            hint = "a colour is #rrggbb, or #rrggbbaa with its opacity"
            raise Invalid(f"line {number} of the palette is no colour: '{line[:60]}'", binding.at("palette"), hint)
    if not 0 < len(lines) <= NO_CLASS or (classes and len(lines) != classes):
        wanted = str(classes or f"1 to {NO_CLASS}")
        raise Invalid(
            f"the palette has {counted(len(lines), 'colour')}, and the mask {wanted} classes", binding.at("palette")
        )
    return list(lines)


def _numbers(binding: Binding, tensor: BoundTensor, labels: int | None) -> Mask:
    shape = planes.without_batch(tensor.shape)
    if len(shape) == 3 and 1 in (shape[0], shape[2]):
        shape = shape[:2] if shape[2] == 1 else shape[1:]
    sizes = [d for d in shape if isinstance(d, int)]
    if len(sizes) != 2 or len(shape) != 2:
        raise binding.misfit("mask", tensor, "the numbers of classes are [1, height, width]")
    for key in ("activation", "threshold", "channel_axis"):
        if key in binding.options:
            message = f"'{key}' is of scores, and '{tensor.name}' has the numbers of classes"
            raise Invalid(message, binding.at(key), "remove it")
    return Mask("numbers", sizes[0], sizes[1], labels or 0)
