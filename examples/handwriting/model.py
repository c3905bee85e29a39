"""A reader of digits that learns its owner's hand: the layers below are as they were trained, the last one goes on."""

from pathlib import Path

import numpy as np
import tensorflow as tf

WEIGHTS = dict(np.load(Path(__file__).parent / "weights.npz"))
BATCH, RATE = 8, 0.1
PICTURE, ONE = tf.TensorSpec([BATCH, 8, 8, 1], name="picture"), tf.TensorSpec([1, 8, 8, 1], name="picture")
DIGIT = tf.TensorSpec([BATCH, 1], tf.int32, name="digit")
UNUSED = tf.TensorSpec([1], name="unused")  # no app on Android can call what takes nothing
LAST = [tf.TensorSpec(WEIGHTS[name].shape, name=name) for name in ("weights", "bias")]


class Handwriting(tf.Module):
    def __init__(self):
        self.weights = tf.Variable(WEIGHTS["weights"])
        self.bias = tf.Variable(WEIGHTS["bias"])

    def logits(self, picture):
        below = tf.tanh(tf.reshape(picture, [-1, 64]) @ WEIGHTS["below"] + WEIGHTS["below_bias"])
        return below @ self.weights + self.bias

    @tf.function(input_signature=[ONE])
    def read(self, picture):
        return {"probabilities": tf.nn.softmax(self.logits(picture))}

    @tf.function(input_signature=[PICTURE, DIGIT])
    def learn(self, picture, digit):
        with tf.GradientTape() as tape:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.reshape(digit, [BATCH]), self.logits(picture))
            loss = tf.reduce_mean(each)
        weights, bias = tape.gradient(loss, [self.weights, self.bias])
        self.weights.assign_sub(RATE * weights)
        self.bias.assign_sub(RATE * bias)
        return {"loss": loss}

    @tf.function(input_signature=[UNUSED])
    def save(self, unused):
        return {"weights": self.weights, "bias": self.bias}

    @tf.function(input_signature=LAST)
    def restore(self, weights, bias):
        self.weights.assign(weights)
        self.bias.assign(bias)
        return {"restored": tf.constant(True)}


handwriting = Handwriting()
