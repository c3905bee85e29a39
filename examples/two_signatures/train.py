"""Trains an autoencoder of scikit-learn's digits in TensorFlow and saves it with two signatures, encode and decode.

uv run --no-project --python 3.11 --with tensorflow-cpu==2.21.0 --with scikit-learn==1.7.2 train.py
"""

from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

HERE = Path(__file__).parent


class Autoencoder(tf.Module):
    def __init__(self) -> None:
        def dense(rows: int, columns: int) -> tf.Variable:
            return tf.Variable(tf.random.normal((rows, columns), stddev=rows**-0.5))

        self.w1, self.b1 = dense(64, 32), tf.Variable(tf.zeros(32))
        self.w2, self.b2 = dense(32, 8), tf.Variable(tf.zeros(8))
        self.w3, self.b3 = dense(8, 32), tf.Variable(tf.zeros(32))
        self.w4, self.b4 = dense(32, 64), tf.Variable(tf.zeros(64))

    @tf.function(input_signature=[tf.TensorSpec([None, 64], tf.float32, name="pixels")])
    def encode(self, pixels):
        return {"code": tf.tanh(tf.nn.relu(pixels / 16 @ self.w1 + self.b1) @ self.w2 + self.b2)}

    @tf.function(input_signature=[tf.TensorSpec([None, 8], tf.float32, name="code")])
    def decode(self, code):
        return {"pixels": 16 * tf.sigmoid(tf.nn.relu(code @ self.w3 + self.b3) @ self.w4 + self.b4)}


def main() -> None:
    tf.random.set_seed(0)
    x = load_digits().data.astype(np.float32)
    model = Autoencoder()
    optimizer = tf.keras.optimizers.Adam(3e-3)
    for epoch in range(60):
        for start in range(0, len(x), 64):
            batch = x[start : start + 64]
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model.decode(model.encode(batch)["code"])["pixels"] - batch) ** 2)
            grads = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(grads, model.trainable_variables, strict=True))
        if epoch % 10 == 9:
            print("epoch", epoch + 1, "squared error", float(loss))
    tf.saved_model.save(model, str(HERE / "autoencoder"), signatures={"encode": model.encode, "decode": model.decode})
    codes = model.encode(x[:100])["code"].numpy()
    np.savez_compressed(HERE / "calibration.npz", **{"encode/pixels": x[:100], "decode/code": codes})


if __name__ == "__main__":
    main()
