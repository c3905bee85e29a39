"""`embedding`: numbers that are near each other for things that are alike, with what their output has to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tflite_build.engines.kinds.binding import Binding, BoundTensor


@dataclass(frozen=True, slots=True)
class Embedding:
    """An embedding.

    Attributes:
        size: How many numbers it has.
        normalize: "l2" or "": whether they are divided by their length.
    """

    size: int
    normalize: str = ""


def of(binding: Binding, tensors: Mapping[str, BoundTensor]) -> Embedding:
    """What a binding says, with what its tensor adds.

    Raises:
        Invalid: If the tensor is no row of numbers.
    """
    tensor = tensors["embedding"]
    long = [d for d in tensor.shape if d != 1]
    if tensor.real != "float32" or len(long) != 1 or isinstance(long[0], str):
        hint = "" if binding.is_named else "leave `content` out to get its values as they are"
        raise binding.misfit("embedding", tensor, "an embedding is one row of numbers, float32 [1, size]", hint)
    return Embedding(int(long[0]), binding.options.get("normalize", ""))
