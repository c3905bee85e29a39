"""Operators that hand integers on: TensorFlow's quantizer gives a SELECT two scales, of which its kernel knows nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import Shop

CODE = """
import jax, numpy as np
WEIGHTS = np.random.default_rng(0).normal(size=(16, 16)).astype("float32")
def predict(x):
    return jax.nn.softplus(x @ WEIGHTS)
"""
TOML = """
format = "jax"
entry = "model.py:predict"
[input.x]
shape = [1, 8, 16]
dtype = "float32"
[variant.float32]
[variant.int16x8]
quantize = "int16x8"
[calibration]
data = "data.npz"
"""


def noise(seed: int, count: int) -> Any:
    return np.random.default_rng(seed).normal(size=(count, 1, 8, 16)).astype("float32")


@pytest.fixture(scope="module")
def said(shop: Shop) -> Said:
    shop.model("softplus", TOML, {"model.py": CODE}, x=-noise(0, 40))  # reaches lower than high
    return shop.build()["softplus"]


def test_the_file_is_no_quarter_too_large(said: Said, shop: Shop) -> None:
    assert not said.errors, said.told
    feed = {"x": noise(9, 1)}
    wanted, got = shop.measure([{"model": said.file(v), "feed": feed} for v in ("float32", "int16x8")])
    (one,), (other,) = wanted.outputs.values(), got.outputs.values()
    assert np.abs(one - other).max() < 0.05 * np.ptp(one)


def test_the_decision_says_which_scales(said: Said) -> None:
    decision = said.value["decisions"]["quantizer:int16x8"]
    assert decision["choice"] == "litert-partly"
    assert "SELECT hands '" in decision["refuted"]["tensorflow"]
    assert "which makes other numbers of it" in decision["refuted"]["tensorflow"]
