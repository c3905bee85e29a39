"""JAX functions that do not convert: told with the operation and the user's line; and what converts only just."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Said, Workshop
from syrupy.assertion import SnapshotAssertion

HEAD = "import jax\nimport jax.numpy as jnp\nfrom jax import lax\n\n\ndef predict(x):\n    y = x * 2\n"
REFUSED = {
    "sort": "return jnp.sort(y)",
    "fft": "return jnp.fft.fft(y).real",
    "random": "return y + jax.random.normal(jax.random.key(1), y.shape)",
    "lapack": "return jnp.linalg.eigh(y)[0]",
    "bfloat16": "return y.astype(jnp.bfloat16)",
    "transposed": "return lax.conv_transpose(y[None, :, :, None], jnp.ones((3, 3, 1, 1)), (2, 2), 'SAME')",
}
# One result of two, which the converter makes a sort of; and a type that is asked for in so many words.
KEPT = """
import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def predict(x, ids):
    values, places = jax.lax.top_k(x, 2)[0], jax.lax.top_k(-x, 3)[1]
    return {"values": values, "places": places, "ids": ids + 1}
"""
# What only a fixed shape makes possible.
STRIDED = "import jax\n\n\ndef predict(x):\n    return x[::2]\n"
# What asks for the size while JAX traces it.
DEPENDS = {"compares": "x[:1] if x.shape[0] > 5 else x", "counts": "sum(x[i] for i in range(len(x)))"}
TOML = """
format = "jax"
entry = "model.py:predict"
[input.x]
shape = [4, 4]
dtype = "float32"
"""


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> dict[str, Said]:
    for name, line in REFUSED.items():
        workshop.model(name, TOML, {"model.py": f"{HEAD}    {line}\n"})
    workshop.model("kept", TOML + '[input.ids]\nshape = [3]\ndtype = "int64"\n', {"model.py": KEPT})
    workshop.model("open", TOML.replace("4, 4", '"n", 4') + "sizes.n = [6]\n", {"model.py": STRIDED})
    for name, code in DEPENDS.items():
        workshop.model(name, TOML.replace("4, 4", '"n", 4'), {"model.py": STRIDED.replace("x[::2]", code)})
    workshop.model("fixed", TOML.replace("4, 4", "6, 4"), {"model.py": STRIDED})
    return workshop.build()


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_the_operation_and_the_line(
    name: str, built: dict[str, Said], workshop: Workshop, snapshot: SnapshotAssertion
) -> None:
    said = built[name]
    assert not said.ok
    assert "/tmp" not in said.text
    error = said.error
    assert f"{error['code']} {error['message']}\n{error['hint']}" == snapshot
    assert not list((workshop.folder / name).rglob("*.tflite"))
    assert not (workshop.folder / name / "model.lock").exists()


def test_top_k_with_one_result_and_64_bits_where_jax_has_them(
    built: dict[str, Said], engine: Callable[[str], Any], tmp_path: Path
) -> None:
    said = built["kept"]
    assert said.ok, said.value["errors"]
    x = np.random.default_rng(0).permutation(16).reshape(4, 4).astype("float32")
    np.savez(tmp_path / "in.npz", x=x, ids=np.array([1, 2, 2**40]))
    params = {"signature": "serving_default", "dequantize": False}
    reply = engine("core")("execute", params, {"model": said.file(), "data": tmp_path / "in.npz"})
    assert reply.done is not None, reply
    with np.load(reply.outputs / "outputs.npz") as made:
        assert made["values"].tolist() == (-np.sort(-x)[:, :2]).tolist()
        assert made["places"].tolist() == np.argsort(x)[:, :3].tolist()
        assert made["ids"].tolist() == [2, 3, 2**40 + 1]
        assert made["ids"].dtype == np.int64


def test_where_an_open_dimension_may_be_why_the_fixed_shape_is_given(built: dict[str, Said]) -> None:
    """And what the converter printed as its reason is the reason."""
    error = built["open"].error
    assert (
        "the LiteRT converter fails: 'mhlo.gather' op Dynamic shaped operand is not supported (model.py:5)"
        in error["message"]
    )
    assert error["hint"] == (
        "a fixed shape may convert where an open dimension does not: write shape = [6, 4] in [input.x]"
    )
    assert built["fixed"].ok


@pytest.mark.parametrize("name", DEPENDS)
def test_code_that_depends_on_the_size_of_an_open_dimension(name: str, built: dict[str, Said]) -> None:
    error = built[name].error
    assert (error["code"], error["key"]) == (2, "source.entry")
    assert error["message"].startswith("model.py:5 raised ")
    assert error["hint"] == "the code depends on the size of an open dimension: write a number for it in `shape`"
