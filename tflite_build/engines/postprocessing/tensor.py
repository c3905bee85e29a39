"""Values of one tensor, after what is done to them first."""

from __future__ import annotations

from tflite_build.engines.kinds.binding import Binding

from .base import Around, Array, Outputs
from .scores import activated


def expected(binding: Binding, outputs: Outputs, around: Around) -> Array:
    """The values, of the tensor's own type where nothing is done to them."""
    activation = binding.options.get("activation", "")
    values = outputs.only
    return activated(values.reshape(-1), activation).reshape(values.shape) if activation else values
