"""GELU: one operator in place of a chain whose branches reach infinity; and what becomes of values that do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from harness import Said, Workshop

from tflite_build.tflite.summary import summarize

JAX = """
import jax
import jax.numpy as jnp
from jax.nn import gelu


def smooth(x):
    def total(a):
        return gelu(a, approximate=False).sum()

    return {
        "exact": gelu(x, approximate=False),
        "tanh": gelu(x),
        "batched": jax.vmap(gelu)(x),
        "batched_later": jax.vmap(jax.jit(gelu), in_axes=1, out_axes=1)(x),
        "slope": jax.grad(total)(x),
        "slopes": jax.vmap(jax.grad(total))(x),
        "half": gelu(x.astype(jnp.bfloat16).astype(jnp.float32)),
    }


def endless(x):
    return 1 / (1 + jnp.exp(x * 1000))
"""
KERAS = """
import keras


def build():
    keras.utils.set_random_seed(1)
    x = keras.Input((16,), name="x")
    h = keras.layers.Dense(32, activation="gelu")(x)
    return keras.Model(x, keras.layers.Dense(4)(keras.activations.gelu(h, approximate=True)))
"""
INT8 = """
    [variant.float32]
    [variant.int8]
    quantize = "int8"
    [calibration]
    data = "data.npz"
    """


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> dict[str, Said]:
    jax = 'format = "jax"\nentry = "model.py:{}"\n[input.x]\nshape = [3, 4]\ndtype = "float32"\n'
    workshop.model("smooth", jax.format("smooth"), {"model.py": JAX})
    folder = workshop.model("endless", jax.format("endless") + INT8.replace("    ", ""), {"model.py": JAX})
    np.savez(folder / "data.npz", x=np.random.default_rng(0).normal(size=(4, 3, 4)).astype(np.float32))
    folder = workshop.model("dense", f'format = "keras"\n    entry = "model.py:build"\n{INT8}', {"model.py": KERAS})
    np.savez(folder / "data.npz", x=np.random.default_rng(0).normal(size=(32, 16)).astype(np.float32))
    return workshop.build("smooth", "endless", "dense")


def test_every_use_of_it_in_jax_is_right(
    built: dict[str, Said], engine: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert built["smooth"].ok, built["smooth"].value["errors"]
    file = built["smooth"].file()
    assert summarize(file).operator_counts["GELU"] >= 2
    x = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    data = tmp_path_factory.mktemp("data") / "in.npz"
    np.savez(data, x=x)
    reply = engine("core")(
        "execute", {"signature": "serving_default", "dequantize": False}, {"model": file, "data": data}
    )
    with np.load(reply.outputs / "outputs.npz") as made:
        outputs = dict(made)
    cdf = np.vectorize(lambda v: (1 + math.erf(v / math.sqrt(2))) / 2)(x)
    slope = cdf + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    tanh = x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2
    expected = {"exact": x * cdf, "tanh": tanh, "batched": tanh, "batched_later": tanh, "slope": slope, "slopes": slope}
    for name, wanted in expected.items():
        np.testing.assert_allclose(outputs[name], wanted, atol=2e-5, err_msg=name)
    np.testing.assert_allclose(outputs["half"], tanh, atol=0.03)


def test_a_keras_model_with_it_becomes_an_integer_file(built: dict[str, Said]) -> None:
    said = built["dense"]
    assert said.ok, said.value["errors"]
    assert said.value["decisions"]["engine"]["choice"] == "litert"
    variants = {v["name"]: v for v in said.value["variants"]}
    assert variants["float32"]["operators"] == {"FULLY_CONNECTED": 2, "GELU": 2}
    assert variants["int8"]["operators"]["GELU"] == 2
    assert variants["int8"]["cosine"] > 0.999


def test_a_tensor_that_reaches_infinity_has_no_range(built: dict[str, Said]) -> None:
    said = built["endless"]
    assert not said.ok
    assert said.error["code"] == 1
    assert "reach infinity on the representative data" in said.text
    assert "exp" in said.text
