"""Trains the model of this example on sounds that it makes: a low tone, a high tone, or noise.

Run it to make tones.keras, calibration/ and test/ anew (bytes of a training differ from machine to machine):

    uv run --no-project --python 3.11 --with keras==3.15.1 --with jax==0.10.2 train.py

There is no data to load_: the sounds are made from fixed seeds.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import shutil
import wave
from pathlib import Path

import keras
import numpy as np

HERE = Path(__file__).parent
LABELS = ("low", "high", "noise")
RATE, LENGTH = 8000, 800  # a tenth of a second
RECORDED = 11025  # samples a second of the sounds: the app's microphone has its own rate


def network() -> keras.Model:
    wave_ = keras.Input((LENGTH,), name="wave")
    x = keras.layers.Reshape((LENGTH, 1))(wave_)
    x = keras.layers.Conv1D(8, 32, strides=8, activation="relu")(x)
    x = keras.layers.Conv1D(12, 8, strides=4, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(wave_, keras.layers.Dense(3, activation="softmax", name="kind")(x), name="tones")


def sound(label: int, rate: int, count: int, random: np.random.Generator) -> np.ndarray:
    """Samples from -1 to 1."""
    time = np.arange(count) / rate
    loudness = random.uniform(0.2, 0.8)
    if LABELS[label] == "noise":
        return loudness * np.clip(random.normal(0, 0.4, count), -1, 1)
    frequency = random.uniform(200, 400) if LABELS[label] == "low" else random.uniform(1000, 1600)
    return loudness * np.sin(2 * np.pi * (frequency * time + random.uniform()))


def main() -> None:
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    y = np.arange(900) % 3
    x = np.stack([sound(label, RATE, LENGTH, random) for label in y]).astype(np.float32)
    model = network()
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=32, epochs=15, verbose=2)
    model.save(HERE / "tones.keras")
    rows = ["file,label"]
    for folder, seed in (("calibration", 2), ("test", 3)):
        random = np.random.default_rng(seed)
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
        for number in range(24):
            samples = sound(number % 3, RECORDED, int(RECORDED * 0.12), random)
            with wave.open(str(HERE / folder / f"{number:02}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RECORDED)
                file.writeframes((samples * 32767).astype("<i2").tobytes())
            rows += [f"{number:02}.wav,{number % 3}"] if folder == "test" else []
    (HERE / "test.csv").write_text("\n".join(rows) + "\n")
    random = np.random.default_rng(4)
    y = np.arange(300) % 3
    x = np.stack([sound(label, RATE, LENGTH, random) for label in y]).astype(np.float32)
    print("accuracy on the test set:", model.evaluate(x, y, verbose=0)[1])


if __name__ == "__main__":
    main()
