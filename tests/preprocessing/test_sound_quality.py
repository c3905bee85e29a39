"""Resampling measured: a tone that both rates have is kept, one that the wanted rate cannot have is gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tflite_build.engines.preprocessing import sound

KERNEL = sound.read_table(Path(__file__).resolve().parents[2] / "specs" / "preprocessing" / "resample.json")


def tone(rate: int, frequency: int, count: int) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(count) / rate) * 2**22


@pytest.mark.parametrize(
    ("rate", "wanted", "frequency"),
    [(44100, 16000, 1000), (48000, 16000, 3000), (44100, 16000, 6000), (8000, 16000, 1000), (16000, 44100, 5000)],
)
def test_a_tone_is_kept(rate: int, wanted: int, frequency: int) -> None:
    made = sound.resampled(np.rint(tone(rate, frequency, rate)).astype(np.int64), rate, wanted, KERNEL)
    assert len(made) == wanted
    expected = tone(wanted, frequency, wanted)
    middle = slice(500, -500)
    error = made[middle] - expected[middle]
    assert 10 * np.log10((expected[middle] ** 2).mean() / (error**2).mean()) > 70  # dB


def test_a_tone_that_does_not_fit_is_gone() -> None:
    given = np.rint(tone(44100, 10000, 44100)).astype(np.int64)
    made = sound.resampled(given, 44100, 16000, KERNEL)[500:-500]
    assert 10 * np.log10((given.astype(float) ** 2).mean() / (made.astype(float) ** 2).mean()) > 80
