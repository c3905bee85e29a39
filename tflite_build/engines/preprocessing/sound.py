"""A decoded sound as the numbers of an input tensor: mix to one channel, resample, cut into frames, normalize.

All in whole numbers of 24 bits up to the end; definitions: docs/preprocessing.md, "Sound". Knows nothing of files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FULL = 2**23  # what stands for 1.0
_WINGS = 16  # zero crossings of the sinc on each side
_STEPS = 256  # entries of the table from one to the next


@dataclass(frozen=True, slots=True)
class Sound:
    """A decoded sound: (frames, channels) of whole numbers, -2**23 to 2**23 - 1, so many frames a second.

    Attributes:
        cut: Whether the file says that it holds more.
    """

    samples: NDArray[np.int64]
    rate: int
    cut: bool = False


def mono(samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """The mean of all channels, rounded half up."""
    channels = samples.shape[1]
    made: NDArray[np.int64] = (2 * samples.sum(1) + channels) // (2 * channels)
    return made


def resampled(samples: NDArray[np.int64], rate: int, wanted: int, table: NDArray[np.int64]) -> NDArray[np.int64]:
    """One channel at `wanted` samples a second: ceil(count * wanted / rate) of them, the first where the first was.

    Args:
        samples: (count,) at `rate` samples a second.
        rate: Samples a second that there are.
        wanted: Samples a second that are wanted.
        table: The kernel of specs/preprocessing/resample.json.
    """
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    if up == down:
        return samples
    # Kernel places in units of 1 / stretch of a table step: the kernel is as wide as the slower of both rates asks.
    slow = max(up, down)
    count = -(-len(samples) * up // down)
    reach = _WINGS * slow // up + 1
    made = np.empty(count, np.int64)
    padded = np.concatenate([np.zeros(reach, np.int64), samples, np.zeros(reach + 1, np.int64)])
    for phase in range(min(up, count)):  # output phase + n * up lies between two samples at the same place
        at = np.arange(phase, count, up, dtype=np.int64) * down
        first, rest = at // up, int(at[0] % up)
        distance = np.abs(np.arange(-reach, reach + 1, dtype=np.int64) * up - rest)  # in 1 / up of a sample
        weight = _kernel(distance * _STEPS, slow, table)
        total = np.zeros(len(at), np.int64)
        for k, one in enumerate(weight):
            if one:
                total += padded[first + k] * one
        whole = int(weight.sum())
        made[phase::up] = (2 * total + whole) // (2 * whole)
    return np.clip(made, -FULL, FULL - 1)


def frames(samples: NDArray[np.int64], length: int, hop: int | None) -> NDArray[np.int64]:
    """(frames, length): the first one, filled up with zeros, or with `hop` every whole one that begins a hop later."""
    if len(samples) < length:
        samples = np.concatenate([samples, np.zeros(length - len(samples), np.int64)])
    count = 1 if hop is None else 1 + (len(samples) - length) // hop
    return np.stack([samples[i * (hop or 0) : i * (hop or 0) + length] for i in range(count)])


def real(samples: NDArray[np.int64]) -> NDArray[np.float32]:
    """As numbers from -1 to 1; exact, since float32 holds 24 bits."""
    made: NDArray[np.float32] = samples.astype(np.float32) / np.float32(FULL)
    return made


def _kernel(place: NDArray[np.int64], unit: int, table: NDArray[np.int64]) -> NDArray[np.int64]:
    """The table at place / unit, between two entries in proportion, rounded half up; 0 beyond its end."""
    index = place // unit
    rest = place - index * unit
    known = np.minimum(index, len(table) - 2)
    value = (2 * (table[known] * (unit - rest) + table[known + 1] * rest) + unit) // (2 * unit)
    return np.where(index < len(table) - 1, value, 0)


@cache
def read_table(path: Path) -> Any:
    """The kernel of a file in the form of specs/preprocessing/resample.json."""
    import json

    return np.array(json.loads(path.read_text("utf-8"))["kernel"], np.int64)
