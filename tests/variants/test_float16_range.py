"""Weights that float16 cannot hold stay float32, which the build says; of a file of nothing else one is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import Shop, cosine

CODE = """
import jax.numpy as jnp, numpy as np
random = np.random.default_rng(0)
FIRST = random.normal(size=(8, 8)).astype("float32")
SECOND = (random.uniform(0.5, 0.9, (8, 4)) * {size}).astype("float32")
SECOND[0, 0] = {size}
def predict(x):
    return {result}
"""
TOML = 'format = "jax"\nentry = "model.py:predict"\n[input.x]\nshape = [1, 8]\ndtype = "float32"\n[variant.float32]\n'
SIZES = {"large": 1e5, "small": 1e-9, "usual": 1.0}


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    toml = TOML + '[variant.half]\nquantize = "float16"\n'
    for name, size in SIZES.items():
        code = CODE.format(size=size, result="jnp.tanh(x @ FIRST) @ SECOND")
        shop.model(name, toml, {"model.py": code})
    shop.model("nothing_else", toml, {"model.py": CODE.format(size=1e5, result="jnp.tanh(x) @ SECOND")})
    return shop.build()


@pytest.mark.parametrize("name", SIZES)
def test_the_file_is_good(said: dict[str, Said], shop: Shop, name: str) -> None:
    assert not said[name].errors, said[name].told
    feed: dict[str, Any] = {"x": np.random.default_rng(1).normal(size=(1, 1, 8)).astype("float32")}
    wanted, got = shop.measure([{"model": said[name].file(v), "feed": feed} for v in ("float32", "half")])
    (one,), (other,) = wanted.outputs.values(), got.outputs.values()
    assert cosine(one, other) > 0.99999
    types = sorted(t["dtype"] for t in got.value["tensors"] if t["value"] is not None and len(t["shape"]) == 2)
    assert types == (["float16", "float16"] if name == "usual" else ["float16", "float32"])


def test_what_stays_float32_is_told_with_its_value(said: dict[str, Said]) -> None:
    (large,), (small,) = said["large"].value["warnings"], said["small"].value["warnings"]
    assert large.startswith("half: 'jit(model)/dot_general")
    assert large.endswith(" reaches 100000, and the largest number of float16 is 65504; it stays float32")
    assert small.endswith(" reaches 1e-09 at most, of which float16 keeps next to nothing; it stays float32")
    assert said["usual"].value["warnings"] == []


def test_nothing_but_such_weights_is_an_error(said: dict[str, Said]) -> None:
    error = said["nothing_else"].error
    assert error["message"].startswith("no weight of the model fits float16: 'jit(model)/dot_general")
    assert (error["code"], error["key"]) == (2, "variant.half.quantize")
