"""`categorical`: values that a test passes, and the ids that they become."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflite_build.engines.kinds import categorical as kind
from tflite_build.engines.kinds.categorical import Categorical

from .given import Asked, Values, letters, shaped

_UNKNOWN = "\u200b?"  # that no vocabulary has
_IDS = 8  # of what has no vocabulary


def given(asked: Asked) -> Values:
    """One value, or of a sequence a few and then all that fit; with one that the vocabulary lacks where that has an id."""
    lines = asked.file("vocabulary") if "vocabulary" in asked.binding.files else None
    how = kind.of(asked.binding, asked.tensors, lines)
    values = _values(asked, how)
    row = {"kind": "categorical", "whole": how.whole, "sequence": bool(how.length)}
    if how.whole:
        raw = [np.array([int(value) for value in values], np.int64)]
        row["count"] = len(values)
    else:
        raw = letters(values)
        row["bytes"] = [len(array) for array in raw]
    ids = encoded(how, values)
    made = {"input": shaped(ids, asked.tensors["input"])}
    if "lengths" in asked.tensors:
        made["lengths"] = shaped([len(kept(how, values))], asked.tensors["lengths"])
    return Values(raw, made, row, how.highest if how.values is not None else None, "vocabulary")


def kept(how: Categorical, values: Sequence[str]) -> Sequence[str]:
    """Those of a sequence that are taken."""
    if not how.length or len(values) <= how.length:
        return values
    return values[: how.length] if how.keep == "first" else values[-how.length :]


def encoded(how: Categorical, values: Sequence[str]) -> list[int]:
    """The ids of values that are not refused, filled up."""
    ids = [id_ for value in kept(how, values) if (id_ := how.id(value)) is not None]
    return ids + [how.padding] * (how.length - len(ids))


def _values(asked: Asked, how: Categorical) -> list[str]:
    many = how.length + (2 if how.keep else 0)
    count = 1 if not how.length else min(2, how.length) if asked.turn == 0 else many
    known = [str(i) for i in range(_IDS)] if how.values is None else how.values
    values = [known[i] for i in asked.random.integers(len(known), size=count)]
    if how.unknown is not None and asked.turn:
        lacking = _UNKNOWN if not how.whole else str(max(map(int, known)) + 1)
        values[-1] = lacking
    return values
