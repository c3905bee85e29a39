"""Divisions in integer files: the runtime's kernels give the largest number for a quotient near zero, and end at a zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import Shop

WORDS = ("int8", "int16x8")
DATA = '[calibration]\ndata = "data.npz"\n'
QUOTIENT = "def predict(x, y):\n    return x / y\n"
PAIR = "".join(f'[input.{name}]\nshape = [1, 200]\ndtype = "float32"\n' for name in "xy")
OPEN = '[input.x]\nshape = ["n", 4]\ndtype = "float32"\nsizes.n = [5, 20]\n'
ROWS = {
    "standardized": "(x - x.mean(0, keepdims=True)) / (x.std(0, keepdims=True) + 1e-3)",
    "weighted": "(jax.nn.softmax(x, 0) * y).sum(0)",
    "attention": "jax.nn.softmax(y @ x.T, -1) @ x",
    "biased": "jnp.tanh(y + WEIGHTS[0]) * 2 + WEIGHTS[1]",
}
HEAD = """
import jax, jax.numpy as jnp, numpy as np
WEIGHTS = np.random.default_rng(0).normal(size=(4, 4)).astype("float32")
def predict(x):
    y = jnp.tanh(x @ WEIGHTS)
"""

# Columns of nearly one value, divided by how little they differ: no integers do that.
HOPELESS = """
import jax.numpy as jnp, numpy as np
WEIGHTS = np.random.default_rng(0).normal(size=(4, 4)).astype("float32")
def predict(x):
    y = jnp.tanh(x @ WEIGHTS)
    return (y - y.mean(0)) / (y.std(0) + 1e-3)
"""

NORM = """
import keras
from keras import layers
def build():
    x = keras.Input((8, 16), batch_size=1, name="x")
    return keras.Model(x, layers.Dense(4)(layers.LayerNormalization(epsilon=1e-6)(x)))
"""


def padded(count: int, seed: int, length: int) -> Any:
    """Sequences of 8 vectors, behind `length` of them zeros."""
    x = np.random.default_rng(seed).normal(size=(count, 1, 8, 16)).astype("float32")
    x[:, :, length:] = 0
    return x


def rows(count: int, seed: int) -> Any:
    return np.random.default_rng(seed).uniform(-1, 2, (count, 4)).astype("float32")


def pair(highest: float, count: int, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    x, y = random.uniform(-3, 3, (count, 1, 200)), random.uniform(1, highest, (count, 1, 200))
    return {"x": x.astype("float32"), "y": y.astype("float32")}


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    kinds = "[variant.float32]\n" + "".join(f'[variant.{word}]\nquantize = "{word}"\n' for word in WORDS)
    head = 'format = "jax"\nentry = "model.py:predict"\n'
    scaled = "def predict(x, y):\n    return x * 2 / y\n"
    shop.model("quotient", head + PAIR + kinds + DATA, {"model.py": scaled}, **pair(100, 20))
    data = np.stack([rows(5, seed) for seed in range(10, 110)])
    for name, result in ROWS.items():
        shop.model(name, head + OPEN + kinds + DATA, {"model.py": f"{HEAD}    return {result}\n"}, x=data)
    keras = 'format = "keras"\nentry = "model.py:build"\n'
    for name, length in (("norm", 8), ("padded_norm", 5)):
        shop.model(name, keras + kinds + DATA, {"model.py": NORM}, x=padded(40, 0, length))
    normal = np.stack([np.random.default_rng(seed).normal(1, 1, (5, 4)).astype("float32") for seed in range(10)])
    toml = f'{head}{OPEN}[variant.int8]\nquantize = "int8"\n{DATA}'
    shop.model("hopeless", toml, {"model.py": HOPELESS}, x=normal)
    return shop.build()


@pytest.mark.parametrize("word", WORDS)
def test_small_quotients_are_small(said: dict[str, Said], shop: Shop, word: str) -> None:
    assert not said["quotient"].errors, said["quotient"].told
    feed = pair(100, 1, seed=9)
    (found,) = shop.measure([{"model": said["quotient"].file(word), "feed": feed}])
    (output,) = found.outputs.values()
    assert np.abs(output - feed["x"] * 2 / feed["y"]).max() < 0.1
    (warning,) = [text for text in said["quotient"].value["warnings"] if text.startswith(f"{word}: ")]
    assert warning == f"{word}: 'DIV' stays float: the runtime's {word} form is wrong near zero"


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", ROWS)
def test_what_is_divided_by_sums_is_right_at_every_size(
    said: dict[str, Said], shop: Shop, name: str, word: str
) -> None:
    """At 50 too, which nobody declared: sums over an open dimension that are divided have no range."""
    assert not said[name].errors, said[name].told
    for count in (5, 20, 50):
        feed = {"x": rows(count, seed=3)[None]}
        wanted, got = shop.measure([{"model": said[name].file(v), "feed": feed} for v in ("float32", word)])
        (one,), (other,) = wanted.outputs.values(), got.outputs.values()
        assert np.abs(one - other).max() < 0.1 * np.ptp(one), count


@pytest.mark.parametrize("word", WORDS)
def test_constants_of_an_open_shape_are_no_counts(said: dict[str, Said], shop: Shop, word: str) -> None:
    """A bias that is spread over the rows is the same at every size: the sum with it is an integer's."""
    assert said["biased"].value["warnings"] == []
    (found,) = shop.measure([{"model": said["biased"].file(word)}])
    assert found.operators.count("DEQUANTIZE") == 1, "that of the output"


@pytest.mark.parametrize("word", WORDS)
def test_a_norm_of_padded_sequences(said: dict[str, Said], shop: Shop, word: str) -> None:
    """One over the deviation of a row of zeros is a thousand: in the range of all rows nothing is left of the others."""
    for name, length in (("norm", 8), ("padded_norm", 5)):
        assert not said[name].errors, said[name].told
        feed = {"x": padded(1, 9, length)}
        wanted, got = shop.measure([{"model": said[name].file(v), "feed": feed} for v in ("float32", word)])
        (one,), (other,) = wanted.outputs.values(), got.outputs.values()
        assert np.abs(one - other).max() < 0.05 * np.ptp(one)
        reciprocal = [t for t in got.value["tensors"] if t["name"].endswith("rsqrt")]
        assert (reciprocal[0]["dtype"] == "float32") == (name == "padded_norm")


def test_where_integers_cannot_do_it_both_reasons_are_told(said: dict[str, Said]) -> None:
    """What TensorFlow's quantizer makes here has a scale that is NaN, on which the runtime would end the program."""
    first, second = (error["message"] for error in said["hopeless"].errors)
    assert "the litert quantizer cannot make this file: output 'output' of 'serving_default' is too far" in first
    assert "the tensorflow quantizer cannot make this file: SELECT hands '" in second
    assert "of the scale nan" in second
