"""What stands for an argument in a test: values as an app has them, and the tensors that they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import TensorSpec
from tflite_build.engines.kinds.binding import Binding

Array = NDArray[Any]
Lines = Callable[[Binding, str], Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a test asks of a kind.

    Attributes:
        tensors: By role, as callers have them.
        turn: The number of the case: 0 is a small one, and 1 a large one.
        lines: Reads the files that a key of a binding names: locale -> lines.
    """

    binding: Binding
    tensors: Mapping[str, TensorSpec]
    turn: int
    random: np.random.Generator
    lines: Lines

    def file(self, key: str) -> Sequence[str]:
        """The lines of the only file that a key names."""
        (found,) = self.lines(self.binding, key).values()
        return found


@dataclass(frozen=True, slots=True)
class Values:
    """An argument.

    Attributes:
        raw: Arrays that stand for it in a file.
        made: Role -> what the tensor takes, which is the same in every language.
        row: What says how to read it.
        highest: The highest id that its values can become; None where nobody knows.
        key: The key that says which values there are.
        ahead: Arrays that a test needs before it opens the model; the same of all calls.
    """

    raw: Sequence[Array]
    made: Mapping[str, Array]
    row: Mapping[str, Any]
    highest: int | None = None
    key: str = ""
    ahead: Sequence[Array] = ()


def shaped(values: Sequence[int], tensor: TensorSpec) -> Array:
    """Whole numbers as a tensor takes them."""
    return np.array(values, np.dtype(tensor.real)).reshape([int(d) for d in tensor.shape])


def letters(texts: Sequence[str]) -> list[Array]:
    """Texts as bytes of UTF-8."""
    return [np.frombuffer(text.encode("utf-8"), np.uint8) for text in texts]
