"""Models that no engine is to blame for: what computes in 64 bits, and what draws random numbers."""

from __future__ import annotations

import pytest
from harness import Said, Workshop

FUNCTION = 'format = "function"\nentry = "model.py:predict"\n'
HEAD = "import tensorflow as tf\n@tf.function(input_signature=[tf.TensorSpec([1, 4], tf.{}, name='x')])\n"
CODE = {
    "of_float64": HEAD.format("float64") + "def predict(x):\n    return tf.cast(tf.exp(x), tf.float32)\n",
    "of_int64": HEAD.format("int64") + "def predict(x):\n    return tf.cast(x // 3, tf.float32)\n",
    "random": HEAD.format("float32") + "def predict(x):\n    return x + tf.random.uniform([1, 4])\n",
    "random_inside": HEAD.format("float32") + "def predict(x):\n    return x + 1e-7 * tf.random.normal([1, 4])\n",
}


@pytest.fixture(scope="module")
def said(workshop: Workshop) -> dict[str, Said]:
    for name, code in CODE.items():
        workshop.model(name, FUNCTION, {"model.py": code})
    return workshop.build()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("of_float64", "'Exp of float64' (model.py:4); TYPES of float64: cast what they take to float32"),
        ("of_int64", "'FloorDiv of int64' (model.py:4); TYPES of int64: cast what they take to int32"),
    ],
)
def test_the_type_is_named_and_what_to_cast_to(said: dict[str, Said], name: str, told: str) -> None:
    message = said[name].error["message"].partition("the TensorFlow converter has no form of ")[2]
    select = "only TensorFlow's own kernels run that"
    assert message == told.replace("TYPES", f"{select}; few operators have a form")


def test_random_numbers_are_told(said: dict[str, Said], workshop: Workshop) -> None:
    error = said["random"].error
    assert error["message"].startswith(
        "the model draws random numbers (RANDOM_UNIFORM), so that two runs of it differ: output 'output' "
    )
    assert (error["code"], error["key"]) == (2, "source") and "training=False" in error["hint"]
    assert not (workshop.folder / "random" / "build").exists()
    assert workshop.build("random")["random"].error == error  # without a run


def test_random_numbers_that_do_no_harm(said: dict[str, Said]) -> None:
    assert said["random_inside"].ok, said["random_inside"].told
