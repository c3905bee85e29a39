"""Layers of a user's own: the project's file that `imports` names, and what `keras_models` saves models of."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("team")
class Scale(keras.layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones", name="factor")

    def call(self, x):
        return x * self.factor


@keras.saving.register_keras_serializable("team")
class Loops(keras.layers.Layer):
    """Every kind of loop that Keras has."""

    def call(self, x):
        x = ops.fori_loop(0, 4, lambda i, v: v * 0.5 + 1, x)
        x = ops.while_loop(lambda v: ops.sum(v) < 50, lambda v: (v * 1.5 + 1,), (x,))[0]
        return ops.scan(lambda carry, row: (carry + row, carry * row), ops.zeros_like(x[0]), x)[1]


@keras.saving.register_keras_serializable("team")
class Two(keras.Model):
    """A subclassed model that returns a dict."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units)

    def call(self, x, training=False):
        return {"logits": self.dense(x), "sum": ops.sum(x, -1)}

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def build():
    """The entry of a source made of code and weights."""
    x = keras.Input((4,), name="x")
    return keras.Model(x, Scale(name="scaled")(keras.layers.Dense(3, name="dense")(x)))


def build_nothing():
    """An entry that forgot to return."""
    build()


class Wrong(keras.layers.Layer):
    def call(self, x):
        return x + self.faktor


def build_wrong():
    """A layer whose code fails when it is called."""
    x = keras.Input((4,), name="x")
    return keras.Model(x, Wrong()(x))
