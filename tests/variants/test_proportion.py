"""An integer convolution whose input is millions of times its output: the runtime refuses it, so it alone stays float."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import Shop, cosine

LAYERS = [["conv", 4, 3, "relu6"], ["conv", 4, 3], ["mean"], ["dense", 3]]
TOML = '[variant.int8]\nquantize = "int8"\n[variant.whole]\nquantize = "int8"\nio = "int8"\n'
DATA = '[calibration]\ndata = "data.npz"\n'
SIZES = {"usual": 1.0, "millions": 1e7}


def pictures(size: float, count: int, seed: int) -> Any:
    return np.random.default_rng(seed).uniform(-size, size, (count, 1, 8, 8, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    file = shop.folder / "source.tflite"
    shop.make({file: {"signatures": [{"name": "serve", "input": [1, 8, 8, 2], "layers": LAYERS}], "seed": 1}})
    for name, size in SIZES.items():
        shop.tflite(name, TOML + DATA, source=file, x=pictures(size, 20, seed=0))
    return shop.build()


@pytest.mark.parametrize("variant", ["int8", "whole"])
@pytest.mark.parametrize("name", SIZES)
def test_only_what_is_out_of_proportion_stays_float(said: dict[str, Said], shop: Shop, name: str, variant: str) -> None:
    assert not said[name].errors, said[name].told
    feed = {"x": pictures(SIZES[name], 1, seed=9)}
    source = shop.folder / "source.tflite"
    wanted, got = shop.measure([{"model": f, "feed": feed} for f in (source, said[name].file(variant))])
    assert cosine(got.outputs["y"], wanted.outputs["y"]) > 0.99
    types = [got.tensor(f"serve/conv_{number}")["dtype"] for number in (0, 1)]
    assert types == ["float32" if name == "millions" else "int8", "int8"]


def test_the_scales_are_told(said: dict[str, Said]) -> None:
    assert not said["usual"].value["warnings"]
    for variant in ("int8", "whole"):
        (warning,) = [text for text in said["millions"].value["warnings"] if text.startswith(f"{variant}: ")]
        assert warning.startswith(f"{variant}: 'serve/conv_0' (CONV_2D) stays float: its input 'serve/input")
        assert " has the scale 7.85e+04, so that one step of its sums is " in warning
        assert warning.endswith(" of its output, and the runtime takes less than 256")
