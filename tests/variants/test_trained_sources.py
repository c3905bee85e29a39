"""A model trained with quantization keeps its own ranges; sources that converters read are not converted for wrong data."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import Shop
from syrupy.assertion import SnapshotAssertion

ROOT = Path(__file__).parents[2]
TRAINED = ROOT / "tests" / "fixtures" / "trained"
SHARED = ROOT / "tests" / "fixtures" / "saved_models" / "tf1_builder"
PLAIN = ROOT / "examples" / "two_signatures" / "autoencoder"
JAX = """
import jax.numpy as jnp
def predict(x):
    return jnp.tanh(x @ jnp.ones((6, 3)))
"""


# Every kind of quantization: the end of its table, and how far its numbers may be from those of the float file.
KINDS = {
    "float16": ("", 0.003),
    "dynamic-int8": ("", 0.05),
    "dynamic-int4": ("", 0.6),
    "weight-only-int8": ("", 0.03),
    "weight-only-int4": ("", 0.6),
    "int8": ("", 0.1),
    "int8 ": ('io = "int8"', 0.1),
    "int8  ": ('io = "uint8"\ngranularity = "tensor"', 0.1),
    "int16x8": ('io = "int16"', 0.05),
    "recipe.json": ("", 0.003),
}
HALF = """[{"regex": ".*", "operation": "FULLY_CONNECTED", "algorithm_key": "float_casting", "op_config": {
"weight_tensor_config": {"num_bits": 16, "symmetric": true, "granularity": "TENSORWISE", "dtype": "FLOAT"},
"compute_precision": "FLOAT", "explicit_dequantize": true}}]"""
LOOP = """
import jax
import jax.numpy as jnp
import numpy as np
rng = np.random.default_rng(0)
A, B = rng.normal(0, 0.5, (6, 8)).astype("f"), rng.normal(0, 0.5, (8, 3)).astype("f")
def predict(x):
    step = lambda count_h: (count_h[0] + 1, count_h[1] * 0.5 + 0.1)
    return {"y": jax.lax.while_loop(lambda c: c[0] < 3, step, (0, jax.nn.relu(x @ A)))[1] @ B}
"""


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    saved = 'format = "saved_model"\npath = "saved"'
    jax = 'format = "jax"\nentry = "model.py:predict"\n[input.x]\nshape = [1, 6]\ndtype = "float32"'
    int8 = '[variant.int8]\nquantize = "int8"\n[calibration]\ndata = "data.npz"\n'
    own = '[variant.own]\nquantize = "from-source"\n'
    good = {"x": np.random.default_rng(0).normal(0, 1, (8, 6)).astype(np.float32)}
    for name, folder, toml, arrays in (
        ("trained", TRAINED, own + "[variant.float32]\n", {}),
        ("pair", TRAINED, own + own.replace("own", "again"), {}),
        ("twice", TRAINED, int8, good),
        ("untrained", PLAIN, own, {}),
        ("strict", PLAIN, "[convert]\ntolerance = 1e-12\n", {}),
        ("data_saved_model", TRAINED, int8, {"X": good["x"]}),
        ("data_shape", TRAINED, int8, {"x": good["x"][:, :5]}),
    ):
        made = shop.model(name, f"{saved}\n{toml}", **arrays)
        shutil.copytree(folder, made / "saved")
    toml = "".join(
        f'[variant.v{number}]\nquantize = "{kind.strip()}"\n{end}\n'
        for number, (kind, (end, _)) in enumerate(KINDS.items())
    )
    toml += '[variant.float32]\n[calibration]\ndata = "data.npz"\n'
    x = np.random.default_rng(0).normal(0, 1, (20, 4)).astype(np.float32)
    made = shop.model("shared", f"{saved}\n{toml}", **{"embed/x": x, "classify/x": x})
    shutil.copytree(SHARED, made / "saved")
    (made / "recipe.json").write_text(HALF)
    for name, entry in (("data_jax", "data.npz"), ("data_jax_entry", "")):
        calibration = int8 if entry else int8.replace('data = "data.npz"', 'entry = "data.py:samples"')
        files = {"model.py": JAX, "data.py": "def samples():\n    yield {'x': [1.0, 2.0]}\n"}
        shop.model(name, f"{jax}\n{calibration}", files, X=good["x"])
    variants = '[variant.dynamic]\nquantize = "dynamic-int8"\n[variant.int16x8]\nquantize = "int16x8"\nio = "int16"\n'
    calibration = int8.replace("[cal", 'io = "int8"\n[cal')
    shop.model("loop", f"{jax}\n{calibration}{variants}", {"model.py": LOOP}, **good)
    return shop.build()


@pytest.mark.parametrize("name", ["twice", "untrained", "data_saved_model", "data_shape", "data_jax", "data_jax_entry"])
def test_mistake(name: str, said: dict[str, Said], snapshot: SnapshotAssertion) -> None:
    assert said[name].told == snapshot(name=name)
    assert {e["code"] for e in said[name].errors} == {2}


def test_each_variant_as_trained_has_a_step_of_its_own(said: dict[str, Said]) -> None:
    """None is told under the other's name, and the float conversion is not refuted by either."""
    assert not said["pair"].errors, said["pair"].told
    ids = [step["id"] for step in said["pair"].value["steps"]]
    assert sorted(i for i in ids if i.startswith("convert")) == ["convert", "convert:again", "convert:own"]
    assert said["pair"].file("own").read_bytes() == said["pair"].file("again").read_bytes()


@pytest.mark.parametrize("name", ["data_saved_model", "data_shape", "data_jax", "data_jax_entry"])
def test_nothing_is_converted_for_data_that_does_not_fit(name: str, said: dict[str, Said]) -> None:
    # `signatures` only reads the SavedModel; `lower` finds out what the user's function takes.
    assert set(said[name].ran) <= {"signatures", "lower"}


def test_the_body_of_a_loop_stays_float_in_an_integer_file(said: dict[str, Said], shop: Shop) -> None:
    assert not said["loop"].errors, said["loop"].told
    assert {d["choice"] for d in said["loop"].value["decisions"].values()} == {"litert"}
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 0.5, (6, 8)).astype("f"), rng.normal(0, 0.5, (8, 3)).astype("f")
    x = np.random.default_rng(0).normal(0, 1, (8, 1, 6)).astype("f")
    wanted = (np.maximum(x @ a, 0) / 8 + 0.175) @ b
    files = [said["loop"].file(v) for v in ("dynamic", "int8", "int16x8")]
    for found, most, kind in zip(
        shop.measure([{"model": f, "feed": {"x": x}} for f in files]), (0.02, 0.03, 0.01), ("float32", "int8", "int16"),
        strict=True,
    ):  # fmt: skip
        assert found.value["inputs"]["x"]["dtype"] == kind
        assert np.abs(found.outputs["y"] - wanted).max() <= most
        assert "WHILE" in found.operators


def test_a_float_file_beyond_the_tolerance_is_refused(said: dict[str, Said], shop: Shop) -> None:
    (error,) = said["strict"].errors
    assert (error["code"], error["key"]) == (1, "source.format")
    found = re.fullmatch(
        r"the tensorflow engine cannot make this file: output '\w+' of '\w+' is too far from the source: off by (\S+) of "
        r"its range, at most 1e-12 is wanted",
        error["message"],
    )
    assert found
    assert 1e-12 < float(found[1]) < 1e-4
    built = shop.folder / "strict" / "build" / "strict"
    assert [str(p.relative_to(built)) for p in built.rglob("*.*")] == ["rejected/strict-float32.tflite"]
    assert not (shop.folder / "strict" / "model.lock").exists()


def _fake(x: Any, low: float, high: float, narrow: bool = False) -> Any:
    """What tf.quantization.fake_quant_with_min_max_args says it does, with its nudged ranges."""
    lowest, highest = (1 if narrow else 0), 255
    scale = (high - low) / (highest - lowest)
    zero = np.clip(np.rint(lowest - low / scale), lowest, highest)
    return (np.clip(np.rint(x / scale) + zero, lowest, highest) - zero) * scale


def test_from_source_keeps_what_training_found(said: dict[str, Said], shop: Shop) -> None:
    assert not said["trained"].errors, said["trained"].told
    numbers = np.load(TRAINED.with_suffix(".npz"))
    x = np.random.default_rng(6).normal(0, 1.5, (64, 1, 6)).astype(np.float32)
    own, floating = shop.measure([{"model": said["trained"].file(v), "feed": {"x": x}} for v in ("own", "float32")])
    assert set(own.operators) == {"QUANTIZE", "FULLY_CONNECTED", "DEQUANTIZE"}
    kinds = {t["dtype"] for t in own.value["tensors"] if t["scales"]}
    assert kinds == {"int8", "int32"}
    # Each activation has the range that was learned.
    scales = sorted(t["scales"][0] for t in own.value["tensors"] if t["value"] is None and t["scales"])
    learned = sorted((high - low) / 255 for low, high in numbers["ranges"])
    np.testing.assert_allclose(scales, learned, rtol=1e-5)
    # And the file computes what the model computed while it was trained, to one step of its output.
    weights = [_fake(w, -np.abs(w).max(), np.abs(w).max(), narrow=True) for w in (numbers["first"], numbers["second"])]
    hidden = np.maximum(_fake(x[:, 0], *numbers["ranges"][0]) @ weights[0] + numbers["bias"], 0)
    wanted = _fake(_fake(hidden, *numbers["ranges"][1]) @ weights[1], *numbers["ranges"][2])
    step = (numbers["ranges"][2][1] - numbers["ranges"][2][0]) / 255
    assert np.abs(own.outputs["y"][:, 0] - wanted).max() <= 2 * step
    assert np.abs(own.outputs["y"][:, 0] - wanted).mean() < step / 4
    assert np.abs(floating.outputs["y"][:, 0] - wanted).max() <= 1.01 * step
    # What is told of a variant was measured on it, not on the float file.
    assert said["trained"].variants["own"]["operators"] == {"QUANTIZE": 1, "FULLY_CONNECTED": 2, "DEQUANTIZE": 1}
    assert said["trained"].variants["own"]["size"] < said["trained"].variants["float32"]["size"]


def test_two_signatures_over_one_placeholder_have_every_variant(said: dict[str, Said], shop: Shop) -> None:
    """TensorFlow gives their tensors the same names, by which quantizers tell tensors apart."""
    assert not said["shared"].errors, said["shared"].told
    names = ["float32", *(f"v{number}" for number in range(len(KINDS)))]
    x = np.random.default_rng(0).normal(0, 1, (20, 1, 4)).astype(np.float32)  # within the calibrated ranges
    for signature, output in (("embed", "code"), ("classify", "scores")):
        jobs = [{"model": said["shared"].file(name), "signature": signature, "feed": {"x": x}} for name in names]
        wanted, *files = shop.measure(jobs)
        assert wanted.outputs[output].std() > 0.3
        for (kind, (_, most)), found in zip(KINDS.items(), files, strict=True):
            off = np.abs(found.outputs[output] - wanted.outputs[output])
            assert 0 < off.max() <= most, (signature, kind)
            assert [t["name"] for t in found.value["tensors"]].count("x:0") == 2, kind
