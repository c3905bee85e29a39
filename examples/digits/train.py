"""Trains the model of this example on scikit-learn's digits: 1,797 real handwritten digits of 8x8 pixels.

Run it to make digits.keras, calibration.npz and test.npz anew (bytes of a training differ from machine to machine):

    uv run --no-project --python 3.11 --with keras==3.15.1 --with jax==0.10.2 --with scikit-learn==1.7.2 train.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent


def network() -> keras.Model:
    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Rescaling(1 / 16)(image)
    x = keras.layers.Conv2D(16, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(64, activation="relu")(x)
    return keras.Model(image, keras.layers.Dense(10, activation="softmax", name="probabilities")(x), name="digits")


def main() -> None:
    keras.utils.set_random_seed(1)
    digits = load_digits()
    images = digits.images[..., None].astype(np.float32)
    labels = digits.target.astype(np.int32)
    train_x, test_x, train_y, test_y = train_test_split(images, labels, test_size=360, random_state=1, stratify=labels)
    model = network()
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train_x, train_y, batch_size=64, epochs=40, verbose=2)
    print("accuracy on the test set:", model.evaluate(test_x, test_y, verbose=0)[1])
    model.save(HERE / "digits.keras")
    np.savez_compressed(HERE / "calibration.npz", image=train_x[:200])
    np.savez_compressed(HERE / "test.npz", image=test_x, labels=test_y)


if __name__ == "__main__":
    main()
