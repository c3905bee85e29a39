"""Which picture a result tells places of, where it does."""

from __future__ import annotations

from collections.abc import Sequence

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.words import near_or_all, quoted


def picture_of(binding: Binding, pictures: Sequence[str]) -> str:
    """The argument whose picture a result tells places of.

    Args:
        binding: Of the result.
        pictures: The arguments that are pictures.

    Raises:
        Invalid: If there is none, or none is said of several.
    """
    wanted = binding.options.get("picture")
    if wanted is not None and wanted not in pictures and pictures:
        raise Invalid(f"there is no picture '{wanted}'", binding.at("picture"), near_or_all(wanted, pictures))
    if not pictures:
        raise Invalid(
            f"'{binding.name}' tells places in a picture, and the model takes none",
            binding.key,
            'say content = "image" in the table of the input that it is',
        )
    if wanted is None and len(pictures) > 1:
        raise Invalid(
            f"'{binding.name}' tells places in one of several pictures",
            binding.key,
            f"say which is its `picture`: {quoted(pictures, 'or')}",
        )
    return wanted or pictures[0]
