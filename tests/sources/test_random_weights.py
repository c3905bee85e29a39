"""Weights that start from random numbers are the same in every build: user code runs under fixed seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness import Workshop

TENSORFLOW = """
import random

import tensorflow as tf

first = tf.Variable(tf.random.normal([4, 3]) * random.random())


class Later(tf.Module):
    second = None

    def __call__(self, x):
        if self.second is None:
            self.second = tf.Variable(tf.keras.initializers.GlorotUniform()([3, 2]))
        return x @ first @ self.second


later = Later()
later(tf.zeros([1, 4]))


@tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])
def predict(x):
    return later(x)
"""
JAX = """
import numpy as np

weights = np.random.normal(size=(4, 3)).astype("float32")


def predict(x):
    return x @ weights
"""
KERAS = """
import keras


def build():
    return keras.Sequential([keras.Input((4,), batch_size=1), keras.layers.Dense(3), keras.layers.Dense(2)])
"""
UNSEEDED = """
import numpy as np

weights = np.random.default_rng().normal(size=(4, 3)).astype("float32")


def predict(x):
    return x @ weights
"""
SHAPE = '\n[input.x]\nshape = [1, 4]\ndtype = "float32"'
MODELS = {
    "function": (TENSORFLOW, 'format = "function"\nentry = "model.py:predict"'),
    "jax": (JAX, 'format = "jax"\nentry = "model.py:predict"' + SHAPE),
    "keras": (KERAS, 'format = "keras"\nentry = "model.py:build"'),
    "keras_on_tensorflow": (KERAS, 'format = "keras"\nentry = "model.py:build"\n[convert]\nengine = "tensorflow"'),
}


def test_the_same_files_from_an_empty_store(workshop: Workshop, new_cli: Callable[[], Callable[..., Any]]) -> None:
    for name, (code, source) in MODELS.items():
        workshop.model(name, source, {"model.py": code})
    made = []
    for _ in range(2):
        said = Workshop(workshop.folder, new_cli()).build()
        made.append({name: said[name].file().read_bytes() for name in MODELS})
    assert made[0] == made[1]


def test_a_generator_that_no_seed_reaches(workshop: Workshop, new_cli: Callable[[], Callable[..., Any]]) -> None:
    """A build from an empty store says that the same code gave another file."""
    folder = workshop.model("unseeded", 'format = "jax"\nentry = "model.py:predict"' + SHAPE, {"model.py": UNSEEDED})
    said = [Workshop(folder, new_cli()).build()["unseeded"].value["warnings"] for _ in range(2)]
    assert said[0] == []
    told = (
        "the same inputs as in model.lock gave other bytes: unseeded-float32.tflite; likely causes are code that draws"
    )
    assert [text.startswith(told) for text in said[1]] == [True]
