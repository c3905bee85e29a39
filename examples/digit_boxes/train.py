"""Trains the model of this example to find digits on a sheet: scikit-learn's real handwritten ones, at any place and size.

Run it to make digit_boxes.keras, anchors.csv, calibration.npz and test.npz anew (bytes of a training differ from machine to
machine):

    uv run --no-project --python 3.11 --with keras==3.15.1 --with jax==0.10.2 --with scikit-learn==1.7.2 --with pillow==12.0.0 train.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

from pathlib import Path

import keras
import numpy as np
from keras import ops
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent
SIZE, CELLS = 48, 6  # of a sheet as the model takes it, and parts of a row of which each may have a digit
ANCHOR = 0.3  # height and width of what every cell looks for, as a share of the sheet
# What distances from anchors are multiplied by, where `decode = "ssd"` divides.
SCALE = np.array([10, 10, 5, 5], np.float32)
MIDDLES = (np.arange(CELLS) + 0.5) / CELLS
ANCHORS = np.array([(y, x, ANCHOR, ANCHOR) for y in MIDDLES for x in MIDDLES], np.float32)
Labels = tuple[list[np.ndarray], list[np.ndarray]]  # boxes as ymin, xmin, ymax, xmax, shares of the sheet; classes


def network() -> keras.Model:
    image = keras.Input((SIZE, SIZE, 1), name="image")
    x = image
    for filters, strides in ((12, 2), (24, 2), (32, 2), (48, 1)):
        x = keras.layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
    places = keras.layers.Reshape((-1, 4), name="places")(keras.layers.Conv2D(4, 1)(x))
    scores = keras.layers.Reshape((-1, 10), name="scores")(keras.layers.Conv2D(10, 1)(x))
    return keras.Model(image, {"places": places, "scores": scores}, name="digit_boxes")


def sheets(images: np.ndarray, numbers: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, Labels]:
    """Sheets with up to three digits that do not touch: ink of 0 to 1, and where they are."""
    random = np.random.default_rng(seed)
    made, boxes, classes = np.zeros((count, SIZE, SIZE), np.uint8), [], []
    for sheet in made:
        places, own = [], []
        for _ in range(int(random.integers(1, 4))):
            which, size = int(random.integers(len(images))), int(random.integers(11, 21))
            top, left = (int(random.integers(0, SIZE - size + 1)) for _ in range(2))
            part = sheet[top : top + size, left : left + size]
            if part.any():
                continue
            digit = Image.fromarray((images[which] * 15.9).astype(np.uint8))
            part[:] = np.asarray(digit.resize(part.shape, Image.Resampling.BICUBIC))
            y, x = np.nonzero(part > 40)
            places.append((top + y.min(), left + x.min(), top + y.max() + 1, left + x.max() + 1))
            own.append(numbers[which])
        boxes.append(np.array(places, np.float32) / SIZE)
        classes.append(np.array(own))
    return made[..., None].astype(np.float32) / 255, (boxes, classes)


def targets(labels: Labels) -> dict[str, np.ndarray]:
    """For each cell the distances of the digit whose middle it has and whether there is one; and its classes."""
    count = len(labels[0])
    places = np.zeros((count, len(ANCHORS), 5), np.float32)
    scores = np.zeros((count, len(ANCHORS), 10), np.float32)
    for sheet, (boxes, classes) in enumerate(zip(*labels, strict=True)):
        middle, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        cells = (middle * CELLS).astype(int) @ (CELLS, 1)
        distances = np.hstack([(middle - ANCHORS[cells, :2]) / ANCHOR, np.log(size / ANCHOR)]) * SCALE
        places[sheet, cells] = np.hstack([distances, np.ones((len(boxes), 1))])
        scores[sheet, cells, classes] = 1
    return {"places": places, "scores": scores}


def of_places(wanted, made):
    """How far boxes are from where they should be, of cells that have one."""
    off = ops.abs(wanted[..., :4] - made)
    huber = ops.where(off < 1, off * off / 2, off - 0.5)
    return ops.sum(huber * wanted[..., 4:]) / (ops.sum(wanted[..., 4:]) + 1)


def of_scores(wanted, made):
    """Focal loss: cells without a digit are many, and soon easy."""
    share = ops.sigmoid(made)
    right = wanted * share + (1 - wanted) * (1 - share)
    return ops.sum((1 - right) ** 2 * -ops.log(right + 1e-6)) / (2 * ops.sum(wanted) + 1)


def padded(arrays: list[np.ndarray], count: int, value: float) -> np.ndarray:
    """All of as many rows; those beyond hold `value`."""
    made = np.full((len(arrays), count, *arrays[0].shape[1:]), value, arrays[0].dtype)
    for row, array in zip(made, arrays, strict=True):
        row[: len(array)] = array
    return made


def main() -> None:
    keras.utils.set_random_seed(1)
    digits = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(digits.images, digits.target, test_size=360, random_state=1)
    image, labels = sheets(train_x, train_y, 3200, 1)
    model = network()
    rate = keras.optimizers.schedules.CosineDecay(5e-3, 12 * 100)
    losses = {"places": of_places, "scores": of_scores}
    model.compile(keras.optimizers.Adam(rate), losses, steps_per_execution=20)
    model.fit(image, targets(labels), batch_size=32, epochs=12, verbose=2)
    trained = network()  # without what only a training needs
    trained.set_weights(model.get_weights())
    trained.save(HERE / "digit_boxes.keras")
    rows = [",".join(f"{value:g}" for value in anchor) for anchor in ANCHORS]
    (HERE / "anchors.csv").write_text("\n".join(rows) + "\n")
    np.savez_compressed(HERE / "calibration.npz", image=image[:40])
    image, (boxes, classes) = sheets(test_x, test_y, 50, 2)
    there = {"labels/boxes": padded(boxes, 3, 0), "labels/classes": padded(classes, 3, -1)}
    np.savez_compressed(HERE / "test.npz", image=image, **there)


if __name__ == "__main__":
    main()
