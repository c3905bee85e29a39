"""Keras on TensorFlow, where an open dimension makes layers take another way: files equal the model, or there are none."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Said, Workshop

STEPS = """
import keras


def build():
    frames = keras.Input((None, 4, 4, 1), name="frames")
    return keras.Model(frames, keras.layers.TimeDistributed(keras.layers.Flatten(), name="flat")(frames))
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
OPEN = '[convert]\nengine = "tensorflow"\n\n[input.{name}]\nshape = {shape}\nsizes.n = [8, 12]'


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> dict[str, Said]:
    given: dict[str, tuple[Any, str, str]] = {
        "steps": (STEPS, "frames", '[1, "n", 4, 4, 1]'),
        "fixed": (STEPS, "frames", "[1, 8, 4, 4, 1]"),
        "branch": (BRANCH, "x", '[1, "n", 3]'),
        "right": (PLAIN, "x", '["n", 8, 3]'),
    }
    for model, (code, name, shape) in given.items():
        rest = OPEN.format(name=name, shape=shape)
        rest = rest if '"n"' in shape else rest.replace("\nsizes.n = [8, 12]", "")
        workshop.model(model, f'format = "keras"\nentry = "model.py:build"\n\n{rest}', {"model.py": code})
    return workshop.build()


def test_an_output_of_another_shape(built: dict[str, Said]) -> None:
    """Keras goes through as many steps as the batch has samples."""
    assert (
        "Keras on TensorFlow gives 'flat' of the shape [1, 1, 16] instead of [1, 32, 16] where a dimension is open"
        in built["steps"].error["message"]
    )
    assert "write shape = [1, 8, 4, 4, 1] in [input.frames]" in built["steps"].text


def test_an_output_of_other_values(built: dict[str, Said]) -> None:
    message = built["branch"].error["message"]
    assert "Keras on TensorFlow computes 'scaled' in another way where a dimension is open: it is off by" in message


def test_what_is_right_is_built(built: dict[str, Said]) -> None:
    assert built["fixed"].ok
    assert built["right"].ok, built["right"].errors
