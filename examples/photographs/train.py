"""Trains the model of this example on parts of scikit-learn's two photographs, a temple and a flower.

Run it to make photographs.keras, calibration/ and test/ anew (bytes of a training differ from machine to machine):

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
LABELS = ("temple", "flower")
SIZE = 48  # what the model takes
MEAN, STD = 127.5, 127.5


def network() -> keras.Model:
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = image
    for filters in (8, 16, 24):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(2, name="scores")(x), name="photographs")


def parts(count: int, seed: int) -> list[tuple[Image.Image, int]]:
    """Parts of the photographs at any place and of any size; the left three quarters are for training."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        label = number % 2
        photo = Image.fromarray(load_sample_images().images[label])
        width, height = (int(n) for n in random.integers(56, 100, 2))
        from_, to = (0, 480) if seed else (480, 640)
        left = int(random.integers(from_, max(from_ + 1, to - width)))
        top = int(random.integers(0, photo.height - height))
        found.append((photo.crop((left, top, min(left + width, photo.width), top + height)), label))
    return found


def arrays(samples: list[tuple[Image.Image, int]]) -> tuple[np.ndarray, np.ndarray]:
    pictures = [np.asarray(p.resize((SIZE, SIZE), Image.Resampling.BILINEAR), np.float32) for p, _ in samples]
    return (np.stack(pictures) - MEAN) / STD, np.array([label for _, label in samples])


def main() -> None:
    keras.utils.set_random_seed(1)
    model = network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    model.fit(*arrays(parts(600, 1)), batch_size=32, epochs=12, verbose=2)
    test = parts(16, 0)
    print("accuracy on the test set:", model.evaluate(*arrays(test), verbose=0)[1])
    model.save(HERE / "photographs.keras")
    for folder, samples in (("calibration", parts(12, 2)), ("test", test)):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
        for number, (part, _) in enumerate(samples):
            part.save(HERE / folder / f"{number:02}.png")
    rows = [f"{number:02}.png,{label}" for number, (_, label) in enumerate(test)]
    (HERE / "test.csv").write_text("\n".join(["file,label", *rows]) + "\n")


if __name__ == "__main__":
    main()
