"""iou, pck and psnr of what an app gets, of float and quantized files, beside what their definitions make of outputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Ran, Workshop
from sklearn import metrics

CODE = """
import jax.numpy as jnp
import numpy as np

WEIGHTS = np.random.default_rng(2).normal(size=(3, 12)).astype("f") / 90

def vision(image):
    features = jnp.tanh(image.reshape(-1, 3) @ WEIGHTS).reshape(1, 12, 16, 12)
    return {
        "sure": features[..., :1].transpose(0, 3, 1, 2) * 3,
        "points": features[:, 3:5, 4:6, 1:5].reshape(1, 4, 4) * 0.15 + 0.5,
        "drawn": image / 255 - 0.5,
    }
"""
SPEC = """
format = "jax"
entry = "model.py:vision"
[input.image]
dtype = "float32"
content = "image"
shape = [1, 12, 16, 3]
[result.cat]
kind = "mask"
mask = "sure"
activation = "sigmoid"
threshold = 0.4
[result.pose]
kind = "keypoints"
points = "points"
axes = "y_sx"
[result.drawing]
kind = "image"
image = "drawn"
mean = 127.5
std = 255
color_space = "bgr"
[checks.accuracy]
data = "data.npz"
metric = "{metric}"
[calibration]
data = "images.npz"
[variant.float32]
[variant.int8]
quantize = "int8"
"""
RANDOM = np.random.default_rng(4)
IMAGES = np.clip(RANDOM.uniform(0, 255, (24, 1, 1, 3)) + RANDOM.normal(0, 50, (24, 12, 16, 3)), 0, 255).astype("f")
POINTS = (8, 6) + RANDOM.choice([-1, 1], (24, 4, 2)) * (2.4, 1.8) + RANDOM.normal(0, 0.6, (24, 4, 2))
LABELS = {
    "iou": RANDOM.choice(np.array([0, 1, 1, 255]), (24, 12, 16)),
    "pck": np.concatenate([POINTS, RANDOM.random((24, 4, 1)) < 0.8], -1).astype("f"),
    "psnr": np.clip(IMAGES[..., ::-1] + RANDOM.normal(0, 9, IMAGES.shape), 0, 255).round().astype("u1"),
}
LABELS["pck"][:20, 0] = (0, 0, 1)
LABELS["pck"][:2, :, 2] = 0
LABELS["psnr"][0] = np.rint(IMAGES[0, ..., ::-1])


def iou(outputs: dict[str, Any]) -> float:
    sure = 1 / (1 + np.exp(-outputs["sure"].reshape(24, 12, 16)))
    seen = LABELS["iou"] != 255
    return float(metrics.jaccard_score(LABELS["iou"][seen], (sure > 0.4)[seen].astype(int), average="macro"))


def pck(outputs: dict[str, Any]) -> float:
    rows = outputs["points"].reshape(24, 4, 4)
    right, count = 0, 0
    for found, label in zip(np.stack([rows[..., 3] * 16, rows[..., 0] * 12], -1), LABELS["pck"], strict=True):
        there = label[:, 2] > 0
        if there.sum() > 1:
            near = np.linalg.norm(found - label[:, :2], axis=1) <= 0.1 * np.ptp(label[there, :2], 0).max()
            right, count = right + int(near[there].sum()), count + int(there.sum())
    return right / count


def psnr(outputs: dict[str, Any]) -> float:
    made = np.clip(np.rint(outputs["drawn"].reshape(24, 12, 16, 3) * 255 + 127.5), 0, 255)[..., ::-1]
    errors = ((made - LABELS["psnr"]) ** 2).mean((1, 2, 3))
    return float(np.mean([100 if e == 0 else 10 * np.log10(255**2 / e) for e in errors]))


MEASURES = {"iou": iou, "pck": pck, "psnr": psnr}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> Workshop:
    shop = Workshop(tmp_path_factory.mktemp("measures"), module_cli)
    for metric in MEASURES:
        spec = SPEC.replace("{metric}", metric)
        folder = shop.model(metric, spec, {"model.py": CODE}, image=IMAGES, labels=LABELS[metric])
        np.savez(folder / "images.npz", image=IMAGES)
    said = shop.build()
    assert all(model.ok for model in said.values()), [model.told for model in said.values()]
    return shop


@pytest.mark.parametrize("variant", ["float32", "int8"])
@pytest.mark.parametrize("metric", MEASURES)
def test_the_figure_is_as_defined(
    metric: str, variant: str, shop: Workshop, engine: Callable[[str], Any], tmp_path: Path
) -> None:
    folder = shop.folder / metric / "build" / metric
    found: dict[str, list[Any]] = {}
    for sample in IMAGES:
        np.savez(tmp_path / "in.npz", image=sample[None])
        given = {"model": folder / f"{metric}-{variant}.tflite", "data": tmp_path / "in.npz"}
        ran = engine("core")("execute", {"signature": "serving_default", "dequantize": True}, given)
        assert ran.done is not None, ran
        with np.load(ran.outputs / "outputs.npz") as outputs:
            for name in outputs:
                found.setdefault(name, []).append(outputs[name])
    report = json.loads((folder / "report.json").read_text("utf-8"))
    figure = next(v for v in report["variants"] if v["name"] == variant)["accuracy"]
    expected = MEASURES[metric]({name: np.stack(values) for name, values in found.items()})
    assert 0.02 < expected < 60
    assert figure == pytest.approx(expected, rel=1e-6)
