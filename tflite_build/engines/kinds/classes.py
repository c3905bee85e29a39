"""`classes`: how an output stands for one score of each class, with what it has to be for that."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding, BoundTensor

_MOST = 3e38  # of a parameter, which is a float32
# What an app gets where nobody says it: of classes that exclude each other a few, of others those that are rather there.
_FEW, _EVEN = 10, 0.5


@dataclass(frozen=True, slots=True)
class Parameters:
    """How the scores of one class are made comparable; all float32, `least` None where any score is."""

    scale: float
    slope: float
    offset: float
    least: float | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores are made comparable: docs/postprocessing.md, "Calibrated scores".

    Attributes:
        transformation: "identity", "log" or "inverse-logistic".
        default: The score of a class without parameters, and of one that is below its least.
        classes: In the order of the scores; None for a class without parameters.
    """

    transformation: str
    default: float
    classes: tuple[Parameters | None, ...]


@dataclass(frozen=True, slots=True)
class Classes:
    """How an output stands for classes.

    Attributes:
        count: How many scores there are.
        activation: "softmax", "sigmoid" or "", what is to be done to scores first.
        offset: What is added to the place of a score for the number of its class.
        several: Whether several classes may be there at once.
        threshold: The least score of what an app gets; None for all.
        most: How many an app gets at most; None for all.
        calibration: What is done to scores next; None for nothing.
    """

    count: int
    activation: str = ""
    offset: int = 0
    several: bool = False
    threshold: float | None = None
    most: int | None = None
    calibration: Calibration | None = None

    @property
    def background(self) -> int:
        """How many scores, at the start, are of no class that an app gets."""
        return max(0, -self.offset)

    @property
    def numbers(self) -> int:
        """How many numbers of classes there are, counted from 0, and so labels."""
        return self.count + self.offset


def of(binding: Binding, tensors: Mapping[str, BoundTensor], calibration: Sequence[str] | None = None) -> Classes:
    """What a binding says, with what its tensor adds.

    Args:
        calibration: The lines of the file with the parameters of classes; None where there is none.

    Raises:
        Invalid: If the tensor is no row of scores, or what is said does not fit it.
    """
    said = binding.options
    tensor = tensors["scores"]
    long = [d for d in tensor.shape if d != 1]
    if tensor.real != "float32" or len(long) > 1 or any(isinstance(d, str) for d in long):
        hint = "" if binding.is_named else "leave `content` out to get its values as they are"
        raise binding.misfit("scores", tensor, "classes are one score for each of them, float32 [1, classes]", hint)
    count = int(long[0]) if long else 1
    offset, several = said.get("label_offset", 0), said.get("multi_label", False)
    if count + offset < 1:
        message = (
            f"'{tensor.name}' has {count} class{'' if count == 1 else 'es'}, and label_offset = {offset} leaves none"
        )
        raise Invalid(message, binding.at("label_offset"))
    if several and said.get("activation") == "softmax":
        message = "of classes that may be there at once each has a score for itself, and softmax makes them 1 together"
        raise Invalid(message, binding.at("activation"), 'use "sigmoid"')
    return Classes(
        count,
        said.get("activation", ""),
        offset,
        several,
        said.get("score_threshold", _EVEN if several else None),
        said.get("max_results", None if several else min(count, _FEW)),
        None if calibration is None else _calibration(binding, tensor, count, calibration),
    )


def _calibration(binding: Binding, tensor: BoundTensor, count: int, lines: Sequence[str]) -> Calibration:
    key = binding.at("score_calibration")
    found = parameters(lines, "the calibration", key)
    if len(found) != count:
        hint = "it needs one for each class, in the order of the output; an empty one is a class without parameters"
        raise Invalid(f"there are {len(found)} lines, and '{tensor.name}' has {count} classes", key, hint)
    said = binding.options
    return Calibration(said["transformation"], _float32(said["default_score"]), found)


def parameters(lines: Sequence[str], name: str, key: str) -> tuple[Parameters | None, ...]:
    """The parameters of classes in a file of TFLite Metadata, a line each: scale, slope, offset, perhaps the least score.

    Args:
        name: What the file is called in messages.

    Raises:
        Invalid: If a line is none, and is not empty.
    """
    found: list[Parameters | None] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            found.append(None)
            continue
        try:
            values = [float(value) for value in line.split(",")]
        except ValueError:
            values = []
        if len(values) not in (3, 4) or values[0] < 0 or not all(abs(value) <= _MOST for value in values):
            hint = "a line has scale, slope, offset and perhaps the lowest score, or is empty"
            raise Invalid(f"line {number} of {name} is no calibration: '{line[:60]}'", key, hint)
        found.append(Parameters(*map(_float32, values)))
    return tuple(found)


def _float32(value: float) -> float:
    """The float32 that is nearest."""
    (rounded,) = struct.unpack("<f", struct.pack("<f", value))
    return float(rounded)
