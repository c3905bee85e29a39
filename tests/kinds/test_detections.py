"""Detections: boxes of every form, through numpy, Kotlin and Swift to the same places of the picture that was given."""

from __future__ import annotations

import pytest
from kinds_bed import Apps, jax_model

CODE = '''
import jax
import jax.numpy as jnp
import numpy as np

WEIGHTS = np.random.default_rng(3).normal(size=(3, 8)).astype("f") / 40

def features(image):
    """Eight numbers for each of sixteen parts of the picture."""
    size = image.shape[1] // 4
    parts = image.reshape(1, 4, size, 4, size, 3).mean((2, 4)).reshape(1, 16, 3)
    return jnp.tanh(parts @ WEIGHTS) * 2

def listed(image):
    f = features(image)
    corner, size = jax.nn.sigmoid(f[..., :2]) * 0.6, jax.nn.sigmoid(f[..., 2:4]) * 0.4
    return {
        "where": jnp.concatenate([corner, corner + size], -1),
        "what": jnp.floor(jax.nn.sigmoid(f[..., 4]) * 3.99),
        "sure": jax.nn.sigmoid(f[..., 5]),
        "many": 12.0 + 0 * f[0, :1, 0],
    }

def scored(image):
    f = features(image)
    corner, size = jax.nn.sigmoid(f[..., :2]) * 0.6, jax.nn.sigmoid(f[..., 2:4]) * 0.4
    return {"boxes": jnp.concatenate([corner, size], -1), "scores": f[..., 4:8]}

def yolo5(image):
    f = features(image)
    own = jax.nn.sigmoid(f)
    return {"head": jnp.concatenate([own[..., :2], own[..., 2:4] / 2, own[..., 4:]], -1)}

def yolo8(image):
    f = features(image)
    rows = jnp.concatenate([jax.nn.sigmoid(f[..., :2]) * 32, jnp.exp(f[..., 2:4]) * 8, f[..., 4:7]], -1)
    return {"head": rows.transpose(0, 2, 1)}

def ssd(image):
    f = features(image)
    return {"places": f[..., :4], "logits": f[..., 4:8] * 3}
'''
IMAGE = '[input.image]\ndtype = "float32"\ncontent = "image"\nshape = [1, 32, 32, 3]\nmean = 127.5\nstd = 127.5\n'
RESULT = '[result.things]\nkind = "detections"\n'
LABELS = {"labels.txt": "cat\ndog\nbird\n"}
ANCHORS = "".join(f"{(i // 4 + 0.5) / 4},{(i % 4 + 0.5) / 4},0.3,0.4\n" for i in range(16))
MODELS = {
    "listed": jax_model(
        CODE,
        "listed",
        f'{IMAGE}fit = "letterbox"\n{RESULT}boxes = "where"\nclasses = "what"\nscores = "sure"\ncount = "many"\n'
        'labels = "labels.txt"\nlabel_offset = -1\n',
        LABELS,
    ),
    # The same without a table of its own: what outputs say of themselves is enough.
    "contents": jax_model(
        CODE,
        "listed",
        f'{IMAGE}fit = "crop"\n[output.where]\ncontent = "boxes"\nbox = {{ index = [0, 1, 2, 3] }}\n'
        '[output.what]\ncontent = "classes"\n[output.sure]\ncontent = "scores"\nscore_threshold = 0.4\nmax_results = 3\n',
    ),
    "scored": jax_model(
        CODE,
        "scored",
        f'{IMAGE}{RESULT}boxes = "boxes"\nscores = "scores"\nactivation = "sigmoid"\nscore_threshold = 0.5\n'
        'box_order = "yxhw"\nnms = { iou = 0.5 }\n',
    ),
    "yolo5": jax_model(
        CODE,
        "yolo5",
        f'{IMAGE}fit = "letterbox"\n{RESULT}boxes = "head"\ndecode = "yolov5"\nscore_threshold = 0.1\n'
        "nms = { iou = 0.3, max = 5, across = true }\n",
    ),
    "yolo8": jax_model(
        CODE,
        "yolo8",
        f'{IMAGE}fit = "crop"\n{RESULT}boxes = "head"\ndecode = "yolov8"\ncoordinates = "pixel"\nlabels = "labels.txt"\n'
        'activation = "sigmoid"\nscore_threshold = 0.4\nnms = { iou = 0.4 }\n',
        LABELS,
    ),
    "ssd": jax_model(
        CODE,
        "ssd",
        f'{IMAGE}{RESULT}boxes = "places"\nscores = "logits"\ndecode = "ssd"\nanchors = "anchors.csv"\n'
        'activation = "softmax"\nlabels = "labels.txt"\nlabel_offset = -1\nscore_threshold = 0.3\nnms = { iou = 0.5 }\n',
        {**LABELS, "anchors.csv": ANCHORS},
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_kotlin_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.kotlin_tests(name)) == 3


@pytest.mark.parametrize("name", MODELS)
def test_swift_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.swift_tests(name)) == 3


def test_the_formatter_finds_nothing(apps: Apps) -> None:
    apps.check_format()
