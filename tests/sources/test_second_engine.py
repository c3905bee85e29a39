"""What the second engine says of a model is told with why it was its turn."""

from __future__ import annotations

from harness import Workshop

MODEL = """
import keras
import tensorflow as tf


def build():
    x = keras.Input((4,), batch_size=1)
    return keras.Model(x, tf.keras.layers.Dense(2, activation="reluu")(x))
"""


def test_a_mistake_that_the_second_engine_finds_shows_the_first_ones_reason(workshop: Workshop) -> None:
    workshop.model("foreign", 'format = "keras"\nentry = "model.py:build"', {"model.py": MODEL})
    error = workshop.build()["foreign"].error
    assert error["code"] == 2
    assert error["message"].startswith("model.py:7 raised ValueError: Could not interpret activation function")
    assert error["detail"].endswith(
        "\nlitert could not make it before: the user's code imports TensorFlow, which is not part of this engine"
    )
