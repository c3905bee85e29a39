"""Integer files at sizes that calibration never saw, and around masks that are a billion times what they mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import Shop, cosine

VARIANTS = '[variant.int8]\nquantize = "int8"\n[variant.int16x8]\nquantize = "int16x8"\n'
DATA = '[calibration]\ndata = "data.npz"\n'
MEAN = """
import jax.numpy as jnp
def predict(x):
    return jnp.tanh(x).mean(axis=0)
"""
ATTENTION = """
import jax, jax.numpy as jnp, numpy as np
WEIGHTS = np.random.default_rng(0).normal(0, 0.3, (3, 16, 16)).astype("float32")
def predict(x, mask):
    query, key, value = (x @ weights for weights in WEIGHTS)
    scores = query @ key.swapaxes(-1, -2) / 4
    mask = mask[:, None, :]
    return jax.nn.softmax({masked}, -1) @ value
"""
MASKS = {
    "choice": "jnp.where(mask > 0, scores, -1e33)",
    "sum": "scores + (1 - mask) * -1e9",
    "moderate": "scores + (1 - mask) * -1e4",
    "infinite": "jnp.where(mask > 0, scores, -jnp.inf)",
    "lowest": "jnp.where(mask > 0, scores, jnp.finfo(jnp.float32).min / 2)",
    "none": "scores * mask",
}
SUM = "import jax.numpy as jnp\ndef predict(x):\n    return jnp.tanh(x).sum(axis=0)\n"

ANY_LENGTH = """
import jax.numpy as jnp, numpy as np
WEIGHTS = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
def predict(x):
    return jnp.tanh(x @ WEIGHTS).mean(axis=0) @ WEIGHTS[0]
"""
LENGTHS = """
import numpy as np
def samples():
    random = np.random.default_rng(0)
    return ({"x": random.normal(size=(count, 4)).astype("float32")} for count in range(3, 60))
"""

TRANSFORMER = """
import keras
from keras import layers
def build():
    keras.utils.set_random_seed(3)
    ids = keras.Input((None,), batch_size=1, dtype="int32", name="ids")
    spread = keras.initializers.RandomNormal(stddev=1.0)
    x = layers.Embedding(50, 32, mask_zero=True, embeddings_initializer=spread)(ids)
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(4, 8)(x, x)]))
    return keras.Model(ids, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))
"""


def sentence(length: int, padded: int, seed: int) -> Any:
    ids = np.zeros((1, padded), np.int32)
    ids[0, :length] = np.random.default_rng(seed).integers(1, 50, length)
    return ids


def rows(count: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(1, 1, (count, 4)).astype("float32")


def attended(seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    mask = (np.arange(8) < random.integers(3, 8)).astype("float32")
    return {"x": random.normal(size=(1, 8, 16)).astype("float32"), "mask": mask[None]}


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    head = 'format = "jax"\nentry = "model.py:predict"\n'
    for name, code in (("mean", MEAN), ("sum_of_rows", SUM)):
        toml = f'{head}[input.x]\nshape = ["n", 4]\ndtype = "float32"\nsizes.n = [5, 20]\n{VARIANTS}{DATA}'
        shop.model(name, toml, {"model.py": code}, x=np.stack([rows(5, seed) for seed in range(10)]))
    toml = f'{head}[input.x]\nshape = ["n", 4]\ndtype = "float32"\n{VARIANTS}[calibration]\nentry = "data.py:samples"\n'
    shop.model("any_length", toml, {"model.py": ANY_LENGTH, "data.py": LENGTHS})
    toml = '[input.ids]\nshape = [1, "t"]\nrange = [0, 49]\nsizes.t = [8, 20]\n[variant.float32]\n'
    keras = 'format = "keras"\nentry = "model.py:build"\n'
    ids = np.stack([sentence(4 + seed % 5, 8, seed) for seed in range(40)])
    shop.model("transformer", f"{keras}{toml}{VARIANTS}{DATA}", {"model.py": TRANSFORMER}, ids=ids)
    shape = '[input.x]\nshape = [1, 8, 16]\ndtype = "float32"\n[input.mask]\nshape = [1, 8]\ndtype = "float32"\n'
    samples = [attended(seed) for seed in range(20)]
    arrays = {name: np.stack([sample[name] for sample in samples]) for name in ("x", "mask")}
    for name, masked in MASKS.items():
        code = ATTENTION.replace("{masked}", masked)
        toml = f"{head}{shape}[variant.float32]\n{VARIANTS}{DATA}"
        shop.model(name, toml, {"model.py": code}, **arrays)
        whole = {"x": arrays["x"], "mask": np.ones_like(arrays["mask"])}
        shop.model(f"{name}_unmasked", toml, {"model.py": code}, **whole)
    return shop.build()


@pytest.mark.parametrize("word", ["int8", "int16x8"])
def test_a_mean_is_right_at_every_size(said: dict[str, Said], shop: Shop, word: str) -> None:
    """At those declared, and at one that nobody named: the count is no number with a range."""
    assert not said["mean"].errors, said["mean"].told
    assert said["mean"].value["warnings"] == []
    sizes = (5, 20, 50)
    jobs = [{"model": said["mean"].file(word), "feed": {"x": rows(n, 3)[None]}} for n in sizes]
    for count, found in zip(sizes, shop.measure(jobs), strict=True):
        (output,) = found.outputs.values()
        assert np.abs(output - np.tanh(rows(count, 3)).mean(axis=0)).max() < 0.03


@pytest.mark.parametrize("word", ["int8", "int16x8"])
def test_a_sum_is_calibrated_at_every_declared_size(said: dict[str, Said], shop: Shop, word: str) -> None:
    """Its range grows with the size; calibration data has the smaller one alone."""
    assert not said["sum_of_rows"].errors, said["sum_of_rows"].told
    jobs = [{"model": said["sum_of_rows"].file(word), "feed": {"x": rows(n, 3)[None]}} for n in (5, 20)]
    for count, found in zip((5, 20), shop.measure(jobs), strict=True):
        (output,) = found.outputs.values()
        assert np.abs(output - np.tanh(rows(count, 3)).sum(axis=0)).max() < 0.5
    assert {o["status"] for o in said["sum_of_rows"].variants[word]["outputs"]} == {"ok"}
    assert said["sum_of_rows"].variants[word]["samples"] == 18  # ten of the data, and eight of the other size


@pytest.mark.parametrize("word", ["int8", "int16x8"])
def test_a_transformer_of_open_length(said: dict[str, Said], shop: Shop, word: str) -> None:
    """Padding, softmax, norm and mean over as many tokens as there are; the last size is declared by nobody."""
    assert not said["transformer"].errors, said["transformer"].told
    for length, padded in ((8, 8), (5, 8), (9, 20), (50, 50)):
        feed = {"ids": sentence(length, padded, seed=99)[None]}
        files = [said["transformer"].file(v) for v in ("float32", word)]
        found = shop.measure([{"model": file, "feed": feed} for file in files])
        (wanted,), (got,) = (one.outputs.values() for one in found)
        assert cosine(wanted, got) > 0.995, (length, padded)


def test_samples_of_many_lengths_are_judged_together(said: dict[str, Said]) -> None:
    """The output is one number, for some of them near zero: no length by itself says what the file is worth."""
    assert not said["any_length"].errors, said["any_length"].told
    assert min(variant["cosine"] for variant in said["any_length"].variants.values()) > 0.99


@pytest.mark.parametrize("name", [*MASKS, *(f"{name}_unmasked" for name in MASKS)])
@pytest.mark.parametrize("word", ["int8", "int16x8"])
def test_masked_attention_keeps_its_scores(said: dict[str, Said], shop: Shop, name: str, word: str) -> None:
    """Also where no calibration sample has anything masked, as with sentences of full length."""
    assert not said[name].errors, said[name].told
    files = [said[name].file("float32"), said[name].file(word)]
    feed = {name: array[None] for name, array in attended(99).items()}
    (wanted,), (got,) = (found.outputs.values() for found in shop.measure([{"model": f, "feed": feed} for f in files]))
    assert cosine(wanted, got) > 0.999
    told = [text for text in said[name].value["warnings"] if "mask" in text and text.startswith(f"{word}: ")]
    assert bool(told) == (not name.startswith("none"))
    if told:
        added = name.removesuffix("_unmasked") in ("sum", "moderate")
        kinds = "'ADD', 'MUL', 'SOFTMAX' and 'SUB'" if added else "'SELECT_V2' and 'SOFTMAX'"
        assert told[0].startswith(f"{word}: {kinds} stay float around a mask: {word} would keep nothing of the numbers")


def test_what_the_spec_keeps_in_float_is_not_told(shop: Shop, said: dict[str, Said]) -> None:
    spec = shop.folder / "choice" / "model.toml"
    kept = 'quantize = "int8"\nkeep_float = ["op:SELECT_V2", "op:SOFTMAX"]'
    spec.write_text(spec.read_text().replace('quantize = "int8"', kept))
    again = shop.build("choice")["choice"]
    assert not [text for text in again.value["warnings"] if text.startswith("int8: ")]
