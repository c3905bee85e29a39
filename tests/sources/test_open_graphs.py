"""Keras on TensorFlow, where an open dimension makes layers take another way: files equal the model, or there are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import Said, Workshop

STEPS = """
import keras


def build():
    frames = keras.Input((None, 4, 4, 1), name="frames")
    return keras.Model(frames, keras.layers.TimeDistributed(keras.layers.Flatten(), name="flat")(frames))
"""
SHORT = """
import keras


class First(keras.layers.Layer):
    def call(self, x):
        return x[:, :1] if x.shape[1] is None else x

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def build():
    x = keras.Input((None, 3), name="x")
    return keras.Model(x, First(name="first")(x))
"""
BRANCH = """
import keras


class Scale(keras.layers.Layer):
    def call(self, x):
        return x * (1.0 if x.shape[1] is None else 2.0)

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def build():
    x = keras.Input((None, 3), name="x")
    return keras.Model(x, Scale(name="scaled")(x))
"""
PLAIN = """
import keras


def build():
    x = keras.Input((None, 3), name="x")
    h = keras.layers.Conv1D(4, 3, padding="causal", dilation_rate=2)(x)
    return keras.Model(x, keras.layers.Dense(2, name="y")(h))
"""
OPEN = '[convert]\nengine = "{engine}"\n\n[input.{name}]\nshape = {shape}\nsizes.n = [8, 12]'


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> dict[str, Said]:
    steps = (STEPS, "frames", '[1, "n", 4, 4, 1]')
    given: dict[str, tuple[Any, str, str]] = {
        "steps_tensorflow": steps,
        "steps_litert": steps,
        "short": (SHORT, "x", '[1, "n", 3]'),
        "branch": (BRANCH, "x", '[1, "n", 3]'),
        "right": (PLAIN, "x", '["n", 8, 3]'),
    }
    for model, (code, name, shape) in given.items():
        engine = "litert" if model.endswith("litert") else "tensorflow"
        rest = OPEN.format(engine=engine, name=name, shape=shape)
        workshop.model(model, f'format = "keras"\nentry = "model.py:build"\n\n{rest}', {"model.py": code})
    return workshop.build()


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_each_of_an_open_number_of_steps(engine: str, built: dict[str, Said], workshop: Workshop) -> None:
    """TimeDistributed, which Keras itself runs for as many steps as the batch has samples."""
    said = built[f"steps_{engine}"]
    assert said.ok, said.errors
    frames = np.random.default_rng(0).normal(size=(1, 5, 4, 4, 1)).astype(np.float32)
    given, made = workshop.folder / "given.npz", workshop.folder / "made.npz"
    np.savez(given, frames=frames)
    assert workshop.cli("run", said.file(), "-i", given, "-o", made).code == 0
    with np.load(made) as outputs:
        np.testing.assert_array_equal(outputs["flat"], frames.reshape(1, 5, 16))


def test_an_output_of_another_shape(built: dict[str, Said]) -> None:
    assert (
        "Keras on TensorFlow gives 'first' of the shape [1, 1, 3] instead of [1, 32, 3] where a dimension is open"
        in built["short"].error["message"]
    )
    assert "write shape = [1, 8, 3] in [input.x]" in built["short"].text


def test_an_output_of_other_values(built: dict[str, Said]) -> None:
    message = built["branch"].error["message"]
    assert "Keras on TensorFlow computes 'scaled' in another way where a dimension is open: it is off by" in message


def test_what_is_right_is_built(built: dict[str, Said]) -> None:
    assert built["right"].ok, built["right"].errors
