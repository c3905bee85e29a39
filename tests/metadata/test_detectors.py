"""Detections in metadata: MediaPipe's task finds the boxes that the file's outputs say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import detectors
import numpy as np
import pytest
from harness import Said, Workshop
from test_specs import TFLITE, said

SPEC = f"""{TFLITE}
[input.image]
content = "image"
mean = 127.5
std = 127.5
[result.things]
kind = "detections"
boxes = "where"
classes = "what"
scores = "sure"
count = "many"
labels = "labels.txt"
"""
LABELS = "red\ngreen\nblue\n"
SIZE, TIMES = 32, 10


@pytest.fixture(scope="module")
def built(module_workshop: Workshop) -> Mapping[str, Said]:
    """A detector, one with its outputs in another order, and one whose first class has no label."""
    shop = module_workshop
    shop.model("plain", SPEC, {"m.tflite": detectors.picture(), "labels.txt": LABELS})
    shop.model("other", SPEC, {"m.tflite": detectors.picture((3, 1, 0, 2)), "labels.txt": LABELS})
    shop.model("offset", f"{SPEC}label_offset = -1\n", {"m.tflite": detectors.picture(), "labels.txt": LABELS})
    return shop.build()


def test_mediapipe_finds_what_the_outputs_say(
    built: Mapping[str, Said], mediapipe: Callable[..., Any], engine: Callable[[str], Any], tmp_path: Path
) -> None:
    pixels = np.full((SIZE, SIZE, 3), 90, np.uint8)
    pixels[4:14, 10:30] = (255, 60, 30)
    pixels[20:31, 1:12] = (20, 250, 60)
    large = pixels.repeat(TIMES, 0).repeat(TIMES, 1)  # which comes back to the same when it is resized
    large.tofile(tmp_path / "picture.rgb")
    picture = [str(tmp_path / "picture.rgb"), *large.shape[:2]]
    asked = [("detect", built[name].file(), picture) for name in ("plain", "other", "offset")]
    plain, other, offset = mediapipe(asked)

    np.savez(tmp_path / "in.npz", image=((pixels - 127.5) / 127.5).astype("f")[None])
    inputs = {"model": built["plain"].file(), "data": tmp_path / "in.npz"}
    reply = engine("core")("execute", {"signature": "serving_default", "dequantize": True}, inputs)
    with np.load(reply.outputs / "outputs.npz") as made:
        boxes, classes, scores = (made[name][0] for name in ("where", "what", "sure"))
    assert set(classes) == {0, 1}
    assert [row[0] for row in plain] == [LABELS.split()[int(n)] for n in classes]
    np.testing.assert_allclose([row[1] for row in plain], scores, rtol=1e-5)
    top, left, bottom, right = boxes.T * SIZE * TIMES
    wanted = np.stack([np.maximum(left, 0), np.maximum(top, 0), right - left, bottom - top], 1)
    np.testing.assert_allclose([row[2:] for row in plain], wanted, atol=1)  # which it makes whole numbers
    assert other == plain
    # Without labels, which would be those of other classes, it gives the model's own numbers.
    assert [row[0] for row in offset] == classes.tolist()
    assert [row[1:] for row in offset] == [row[1:] for row in plain]


def test_tensors_are_called_as_readers_look_for_them(built: Mapping[str, Said]) -> None:
    names = {"where": "location", "what": "category", "sure": "score", "many": "number of detections"}
    outputs = said(built["other"].file()).subgraphs[0].outputs
    assert [t.name for t in outputs] == [names[n] for n in ("many", "what", "where", "sure")]
    assert [f.name for t in said(built["offset"].file()).subgraphs[0].outputs for f in t.files] == []
