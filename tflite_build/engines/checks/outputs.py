"""`outputs`: how far the outputs of two .tflite files for the same inputs are apart: the `diff` command.

Measures and does not judge.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tflite_build.engines.contract import Request
from tflite_build.engines.files import npz
from tflite_build.engines.files.tensors import Array


def run(request: Request) -> None:
    """Write `distances.json`, a row for each output of the folders `one` and `other`, as `execute` made them.

    A row has `name`, `other` (what the second file calls it), `shapes`, and where these are equal `count`, `changed`,
    `largest` and `spread` (the largest size of a value of the first file; NaN and infinite ones left out). Where only one
    file has the output, `name` or `other` is null.
    """
    one, other = ((_names(request.inputs[side]), _arrays(request.inputs[side])) for side in ("one", "other"))
    rows = [_row(a, b, one[1], other[1]) for a, b in _matched(one[0], other[0])]
    request.write_json("distances.json", rows)


def _names(folder: Path) -> list[str]:
    return [output["name"] for output in json.loads((folder / "outputs.json").read_text("utf-8"))]


def _arrays(folder: Path) -> dict[str, Array]:
    return npz.read(folder / "outputs.npz", "--data") if _names(folder) else {}


def _matched(one: list[str], other: list[str]) -> list[tuple[str | None, str | None]]:
    """Outputs of the same name; where no name is the same, those of the same place."""
    if not set(one) & set(other) and len(one) == len(other):
        return list(zip(one, other, strict=True))
    return [(n, n if n in other else None) for n in one] + [(None, n) for n in other if n not in one]


def _row(name: str | None, other: str | None, ones: dict[str, Array], others: dict[str, Array]) -> dict[str, Any]:
    a, b = (arrays[n] if n is not None else None for n, arrays in ((name, ones), (other, others)))
    shapes = [None if array is None else list(array.shape) for array in (a, b)]
    row: dict[str, Any] = {"name": name, "other": other, "shapes": shapes}
    if a is None or b is None or a.shape != b.shape:
        return row
    numeric = a.dtype.kind in "biufc" and b.dtype.kind in "biufc"
    if not numeric:
        return {**row, "count": a.size, "changed": int((a.astype(str) != b.astype(str)).sum())}
    kind = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    first, second = a.astype(kind), b.astype(kind)
    differing = (first != second) & ~(np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(first - second)[differing]
    largest = float(gaps.max(initial=0)) if np.isfinite(gaps).all() else None
    usual = np.abs(first[np.isfinite(first)])
    spread = float(usual.max(initial=0))
    return {**row, "count": a.size, "changed": int(differing.sum()), "largest": largest, "spread": spread}
