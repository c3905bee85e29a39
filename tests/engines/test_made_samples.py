"""Test data that the tool makes: a declared range holds for whole numbers as the spec says it, or is an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CAN_BE = [  # dtype, range, the lowest and highest value that come
    ("uint8", [0, 255], 0, 255),
    ("int8", [-2.5, 2.5], -2, 2),
    ("int32", [0.5, 1.5], 1, 1),
    ("uint64", [2.0**63, 2.0**63], 2**63, 2**63),
]
CANNOT_BE = [
    ("uint8", [0, 300], "the range reaches from 0 to 300, and the input is uint8: whole numbers from 0 to 255"),
    ("int32", [0, 2.0**33], "the input is int32: whole numbers from -2147483648 to 2147483647"),
    ("int32", [0.2, 0.9], "there is no whole number from 0.2 to 0.9, and the input is int32"),
    ("float16", [0, 1e5], "the range is wider than float16, which the input is"),
    ("float64", [-1.7e308, 1.7e308], "the range is wider than float64, which the input is"),
]


@pytest.fixture
def made(engine: Callable[[str], Any], tmp_path: Path) -> Callable[[str, list[float]], Any]:
    """Has 1000 values of an input made."""

    def make(dtype: str, bounds: list[float]) -> Any:
        tensor = {"name": "x", "shape": [1000], "dtype": dtype}
        interface = {"signatures": [{"name": "serve", "inputs": [tensor], "outputs": []}]}
        (tmp_path / "interface.json").write_text(json.dumps(interface))
        params = {"declared": {"": {"x": {"range": bounds}}}, "count": 2, "names": {}}
        return engine("core")("samples", params, {"interface": tmp_path / "interface.json"})

    return make


def test_whole_numbers_within_the_range(made: Callable[[str, list[float]], Any]) -> None:
    for dtype, bounds, low, high in CAN_BE:
        reply = made(dtype, bounds)
        (values,) = [np.load(path) for path in (reply.outputs / "samples").rglob("*.npy")]
        assert (values.dtype, values.min(), values.max()) == (np.dtype(dtype), low, high)


def test_ranges_that_the_type_does_not_have(made: Callable[[str, list[float]], Any]) -> None:
    for dtype, bounds, message in CANNOT_BE:
        reply = made(dtype, bounds)
        assert reply.invalid is not None, (dtype, bounds, reply)
        assert message in reply.invalid["message"]
        assert reply.invalid["key"] == "input.x.range"
