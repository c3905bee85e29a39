"""Data that does not fit the model is the data's fault, and a kernel that calibration lacks is nobody's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import Shop

EMBEDDING = """
import keras
def build():
    ids = keras.Input((6,), batch_size=1, dtype="int32", name="ids")
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(10, 4)(ids))
    return keras.Model(ids, keras.layers.Dense(3)(x))
"""
ROUND = """
import jax.numpy as jnp, numpy as np
WEIGHTS = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
def predict(x):
    return jnp.round(x @ WEIGHTS * 3) / 3 @ WEIGHTS.T
"""
UNET = """
import keras
from keras import layers
def build():
    picture = keras.Input((16, 16, 3), batch_size=1, name="picture")
    small = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(picture))
    large = layers.UpSampling2D(interpolation="bilinear")(small)
    return keras.Model(picture, layers.Conv2D(1, 1, name="mask")(layers.Concatenate()([picture, large])))
"""
KERAS = 'format = "keras"\nentry = "model.py:build"\n'
INT8 = '[variant.float32]\n[variant.int8]\nquantize = "int8"\n'
DATA = '[calibration]\ndata = "data.npz"\n'
CODE = '[calibration]\nentry = "data.py:samples"\nsamples = 8\n'
GENERATOR = 'import numpy as np\ndef samples():\n    return ([a] for a in np.load("data.npz")["ids"])\n'


def ids(wrong: int | None = None) -> Any:
    found = np.random.default_rng(0).integers(0, 10, (8, 1, 6)).astype("int32")
    if wrong is not None:
        found[3, 0, 2] = wrong
    return found


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    model = {"model.py": EMBEDDING}
    ranged = "[input.ids]\nrange = [0, 9]\n"
    shop.model("beyond", KERAS + INT8 + DATA, model, ids=ids(12))
    shop.model("beyond_code", KERAS + INT8 + CODE, {**model, "data.py": GENERATOR}, ids=ids(12))
    shop.model("beyond_range", KERAS + ranged + INT8 + DATA, model, ids=ids(12))
    shop.model("below_range", KERAS + ranged + INT8 + DATA, model, ids=ids(-3))
    shop.model("within", KERAS + ranged + INT8 + DATA, model, ids=ids())
    jax = 'format = "jax"\nentry = "model.py:predict"\n[input.x]\nshape = [1, 4]\ndtype = "float32"\n'
    x = np.random.default_rng(0).normal(size=(14, 1, 4)).astype("float32")
    shop.model("rounded", jax + INT8 + DATA, {"model.py": ROUND}, x=x)
    kinds = "".join(f'[variant.{w}]\nquantize = "{w}"\n' for w in ("dynamic-int8", "weight-only-int8"))
    shop.model("upsampled", KERAS + kinds, {"model.py": UNET})
    return shop.build()


@pytest.mark.parametrize(("name", "key"), [("beyond", "calibration.data"), ("beyond_code", "calibration.entry")])
def test_an_id_beyond_the_table(said: dict[str, Said], shop: Shop, name: str, key: str) -> None:
    error = said[name].error
    assert error["message"] == "sample 3: the input 'ids' holds 12, and its ids look into a table of 10 rows"
    assert (error["code"], error["key"], error["hint"]) == (2, key, "ids are 0 to 9")
    assert not (shop.folder / name / "model.lock").exists(), "no engine is given up for it"


@pytest.mark.parametrize(("name", "wrong"), [("beyond_range", 12), ("below_range", -3)])
def test_data_beyond_the_declared_range(said: dict[str, Said], name: str, wrong: int) -> None:
    error = said[name].error
    assert error["message"] == f"'ids' holds {wrong} in sample 3, and its range is 0 to 9"
    assert (error["code"], error["key"]) == (2, "calibration.data")
    assert set(said[name].ran) <= {"lower"}  # before anything is converted


def test_data_within_the_range(said: dict[str, Said]) -> None:
    assert said["within"].ok, said["within"].told


def test_an_operator_without_a_reference_kernel(said: dict[str, Said]) -> None:
    """Ranges come from the fast kernels then, which is said; the float file does not suffer for it."""
    assert said["rounded"].ok, said["rounded"].told
    assert set(said["rounded"].value["warnings"]) == {
        "the runtime has no reference kernel of 'ROUND', so ranges come from the kernels for this processor: on another "
        "kind integer files may come out with other bytes",
        "int8: 'ROUND' stays float: there is no int8 form",
    }
    assert said["rounded"].variants["int8"]["cosine"] > 0.999


def test_an_operator_whose_quantized_form_the_runtime_refuses(said: dict[str, Said], shop: Shop) -> None:
    """It stays float, and the rest is quantized: the float file and the other variants do not suffer for it."""
    assert said["upsampled"].ok, said["upsampled"].told
    assert said["upsampled"].value["warnings"] == [
        "dynamic-int8: 'BATCH_MATMUL' stays float: the runtime refuses the dynamic-int8 form that the quantizer makes"
    ]
    (found,) = shop.measure([{"model": said["upsampled"].file("dynamic-int8")}])
    types = {t["dtype"] for t in found.value["tensors"]}
    assert "BATCH_MATMUL" in found.operators and "int8" in types
    assert said["upsampled"].variants["dynamic-int8"]["cosine"] > 0.999
