"""Writes specs/preprocessing/resample.json: the kernel that sounds are resampled with, as whole numbers.

Its numbers are the definition; they need to be made only once. A sinc under a Kaiser window of beta 9 (stopband below
-90 dB), 16 zero crossings on each side, 256 steps from one to the next, in 1/32768.

    uv run scripts/make_resample_kernel.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).resolve().parent.parent / "specs" / "preprocessing" / "resample.json"
CROSSINGS, STEPS, BETA = 16, 256, 9


def kernel() -> list[int]:
    """One side of the kernel, from its middle outwards."""
    at = np.arange(CROSSINGS * STEPS + 1) / STEPS
    window = np.i0(BETA * np.sqrt(1 - (at / CROSSINGS) ** 2)) / np.i0(BETA)
    return [int(v) for v in np.floor(np.sinc(at) * window * 32768 + 0.5)]


if __name__ == "__main__":
    values = json.dumps(kernel(), separators=(",", ":"))
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(f'{{"crossings": {CROSSINGS}, "steps": {STEPS}, "one": 32768, "kernel": {values}}}\n', "utf-8")
