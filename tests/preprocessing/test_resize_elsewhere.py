"""Resize and grey beside Pillow and TensorFlow, where they define the same thing; docs/preprocessing.md says where not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tflite_build.engines.preprocessing import pixels
from tflite_build.engines.preprocessing.resize import resize

SIZES = ((20, 31), (100, 200), (57, 20), (120, 40), (19, 83))
RANDOM = np.random.default_rng(0).integers(0, 256, (57, 83, 3), np.uint8)
TENSORFLOW = """
import json, sys
import numpy as np
import tensorflow as tf
sizes, file = json.loads(sys.argv[1]), sys.argv[2]
picture = np.load(file)["picture"].astype(np.float32)
made = {}
for height, width in sizes:
    for method in ("nearest", "bilinear", "area"):
        made[f"{method}-{height}-{width}"] = tf.image.resize(picture, (height, width), method).numpy()
    antialiased = tf.image.resize(picture, (height, width), "bilinear", antialias=True)
    made[f"antialias-{height}-{width}"] = antialiased.numpy()
np.savez(file, **made)
"""


@pytest.fixture(scope="module")
def tensorflow(tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]) -> Any:
    """What tf.image.resize makes of the picture, in float."""
    file = tmp_path_factory.mktemp("tf") / "pictures.npz"
    np.savez(file, picture=RANDOM)
    subprocess.run(
        [python_of("tensorflow"), "-c", TENSORFLOW, json.dumps(SIZES), file],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return np.load(file)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("method", ["nearest", "bilinear", "area", "antialias"])
def test_as_tensorflow(method: str, size: tuple[int, int], tensorflow: Any) -> None:
    height, width = size
    ours = resize(RANDOM, height, width, method.replace("antialias", "bilinear"), antialias=method == "antialias")
    theirs = tensorflow[f"{method}-{height}-{width}"]
    assert np.abs(ours - theirs).max() <= (0 if method == "nearest" else 0.51), "rounded; its float32 is off by 0.002"


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_as_pillow(size: tuple[int, int]) -> None:
    height, width = size
    picture = Image.fromarray(RANDOM)
    nearest = np.asarray(picture.resize((width, height), Image.Resampling.NEAREST))
    assert np.array_equal(resize(RANDOM, height, width, "nearest"), nearest)
    # Pillow rounds between its two passes, and its weights to 22 bits.
    bilinear = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(resize(RANDOM, height, width, "bilinear", antialias=True) - bilinear).max() <= 1


def test_area_of_whole_factors_is_what_pillow_reduces_to() -> None:
    picture = RANDOM[:56, :80]
    reduced = np.asarray(Image.fromarray(picture).reduce((4, 7))).astype(int)
    assert np.abs(resize(picture, 8, 20, "area") - reduced).max() <= 1


def test_gray_is_pillows() -> None:
    every = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), -1).reshape(-1, 52, 3).astype(np.uint8)
    theirs = np.asarray(Image.fromarray(every).convert("L"))
    assert np.array_equal(pixels.gray(every)[..., 0], theirs)


def test_a_sum_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="too large for 1x1"):
        resize(np.zeros((10000, 10000, 1), np.uint8), 1, 1, "bilinear", antialias=True)
