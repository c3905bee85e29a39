"""Trains the model of this example on balls and striped flags that are drawn into parts of scikit-learn's two photographs.

Run it to make segments.keras, calibration/ and test.npz anew (bytes of a training differ from machine to machine):

    uv run --no-project --python 3.11 --with keras==3.15.1 --with jax==0.10.2 --with scikit-learn==1.7.2 --with pillow==12.0.0 train.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import shutil
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

HERE = Path(__file__).parent
SIZE, MASK = 48, 24  # what the model takes and gives
MEAN, STD = 127.5, 127.5
COUNT, BATCH, EPOCHS = 1200, 24, 10


def network() -> keras.Model:
    def conv(x, filters: int, strides: int = 1):
        return keras.layers.Conv2D(filters, 3, strides=strides, padding="same", activation="relu")(x)

    image = keras.Input((SIZE, SIZE, 3), name="image")
    half = conv(conv(image, 8), 12, 2)
    quarter = conv(half, 16, 2)
    eighth = conv(conv(quarter, 24, 2), 24)
    x = keras.layers.Concatenate()([keras.layers.UpSampling2D()(eighth), quarter])
    x = keras.layers.Concatenate()([keras.layers.UpSampling2D()(conv(x, 16)), half])
    return keras.Model(image, keras.layers.Conv2D(3, 1, name="scores")(conv(x, 16)), name="segments")


def drawn(photos: list[np.ndarray], random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A part of a photograph with some things in it, and the class of each pixel: 0 nothing, 1 a ball, 2 a flag."""
    photo = photos[random.integers(len(photos))]
    top, left = (int(random.integers(0, n - SIZE)) for n in photo.shape[:2])
    pixels = photo[top : top + SIZE, left : left + SIZE].astype(np.float32)
    classes = np.zeros((SIZE, SIZE), np.uint8)
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    for _ in range(random.integers(1, 3)):
        number, size = int(random.integers(1, 3)), random.uniform(7, 12)
        down, across = np.abs(y - random.uniform(4, SIZE - 4)), np.abs(x - random.uniform(4, SIZE - 4))
        inside = down**2 + across**2 < size**2 if number == 1 else np.maximum(down, across) < size * 0.9
        shade = random.uniform(0, 255, 3) + random.normal(0, 8, (SIZE, SIZE, 3))
        if number == 2:
            shade = np.where((np.mgrid[:SIZE, :SIZE][random.integers(2)] // 3 % 2 == 0)[..., None], shade, 255 - shade)
        pixels[inside], classes[inside] = shade[inside], number
    return np.clip(pixels, 0, 255).astype(np.uint8), classes


def samples(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures, and the classes of the mask's pixels: those at their middles."""
    random, photos = np.random.default_rng(seed), load_sample_images().images
    pictures, classes = zip(*(drawn(photos, random) for _ in range(count)), strict=True)
    return np.stack(pictures), np.stack(classes)[:, 1::2, 1::2]


def normalized(pictures: np.ndarray) -> np.ndarray:
    return (pictures.astype(np.float32) - MEAN) / STD


def main() -> None:
    keras.utils.set_random_seed(1)
    model = network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rate = keras.optimizers.schedules.CosineDecay(6e-3, EPOCHS * COUNT // BATCH)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    pictures, classes = samples(COUNT, 1)
    model.fit(normalized(pictures), classes, batch_size=BATCH, epochs=EPOCHS, verbose=2)
    pictures, classes = samples(12, 2)
    print("accuracy on the test set:", model.evaluate(normalized(pictures), classes, verbose=0)[1])
    alone = network()  # without what the optimizer keeps
    alone.set_weights(model.get_weights())
    alone.save(HERE / "segments.keras")
    np.savez_compressed(HERE / "test.npz", image=normalized(pictures), labels=classes)
    shutil.rmtree(HERE / "calibration", ignore_errors=True)
    (HERE / "calibration").mkdir()
    for number, picture in enumerate(samples(12, 3)[0]):
        Image.fromarray(picture).save(HERE / "calibration" / f"{number:02}.png")


if __name__ == "__main__":
    main()
