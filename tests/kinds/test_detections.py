"""Detections: boxes of every form, through numpy, Kotlin and Swift to the same places of the picture that was given."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import detectors
import numpy as np
import pytest
from kinds_bed import Apps, Model
from preprocessing_cases import PHOTOS

from tflite_build.engines.content import Content
from tflite_build.engines.contract import TensorSpec
from tflite_build.engines.kinds import detections as binding
from tflite_build.engines.postprocessing import detections as numpy_detections
from tflite_build.engines.postprocessing.places import places
from tflite_build.engines.preprocessing import image
from tflite_build.planning import bindings
from tflite_build.spec.load import load
from tflite_build.spec.signatures import tables

Array = np.ndarray[Any, Any]
CODE = '''
import jax
import jax.numpy as jnp
import numpy as np

WEIGHTS = np.random.default_rng(3).normal(size=(3, 8)).astype("f") * 2

# What is no class, and what rounds to one.
ODD = np.array([np.nan, -1, 1e7, np.inf, -np.inf, 0.5, 1.5, 2.5, -0.4, 2.6, 3.5, 1e6, -2.5, 0, 1, 2], "f")

def parts(image):
    """The mean colour of each of sixteen parts of the picture."""
    return image.reshape(1, 4, 8, 4, 8, 3).mean((2, 4)).reshape(1, 16, 3)

def white(image):
    """Which of these are white: there the models give what is no number, as any model may."""
    return parts(image).min(-1) > 0.99

def features(image):
    """Eight numbers for each part."""
    return jnp.tanh(parts(image) @ WEIGHTS) * 2

def corners(f):
    left_top, size = jax.nn.sigmoid(f[..., :2]) * 0.6, jax.nn.sigmoid(f[..., 2:4]) * 0.4
    return jnp.concatenate([left_top, left_top + size], -1)

def listed(image):
    f, odd, number = features(image), white(image), np.arange(16)
    places = jnp.where((odd & (number == 5))[..., None], jnp.inf, corners(f))
    return {
        "where": jnp.where((odd & (number == 6))[..., None], jnp.nan, places),
        "what": jnp.where(odd, ODD, jnp.floor(jax.nn.sigmoid(f[..., 4]) * 3.99)),
        "sure": jnp.where(odd & (number == 7), jnp.nan, jax.nn.sigmoid(f[..., 5])),
        "many": jnp.where(parts(image).max() < -0.99, jnp.nan, jnp.where(odd.all(), 1e9, 12.4))[None],
    }

def contents(image):
    f = features(image)
    return {"where": corners(f), "what": jnp.floor(jax.nn.sigmoid(f[..., 4]) * 3.99), "sure": jax.nn.sigmoid(f[..., 5])}

def scored(image):
    f = features(image)
    lost = white(image)[..., None] & ((np.arange(64).reshape(1, 16, 4) % 3 == 0) | (np.arange(16) == 9)[:, None])
    return {"boxes": jax.nn.sigmoid(f[..., :4]) * 0.5, "scores": jnp.where(lost, jnp.nan, f[..., 4:8])}

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
# Signature -> how a picture becomes the input, and what the spec says of the outputs.
HEADS = {
    "listed": (
        'fit = "letterbox"',
        'boxes = "where"\nclasses = "what"\nscores = "sure"\ncount = "many"\nlabels = "labels.txt"\nlabel_offset = -1\n',
    ),
    "contents": ('fit = "crop"', ""),  # where outputs say of themselves what they are
    "scored": (
        'resize = "nearest"',
        'boxes = "boxes"\nscores = "scores"\nactivation = "sigmoid"\nscore_threshold = 0.5\nbox_order = "yxhw"\n'
        "nms = { iou = 0.5 }\n",
    ),
    "yolo5": (
        'fit = "letterbox"\nfill = 114',
        'boxes = "head"\ndecode = "yolov5"\nscore_threshold = 0.1\nnms = { iou = 0.3, max = 5, across = true }\n',
    ),
    "yolo8": (
        'fit = "crop"',
        'boxes = "head"\ndecode = "yolov8"\ncoordinates = "pixel"\nlabels = "labels.txt"\nactivation = "sigmoid"\n'
        "score_threshold = 0.4\nmax_results = 4\nnms = { iou = 0.4 }\n",
    ),
    "ssd": (
        "antialias = true",
        'boxes = "places"\nscores = "logits"\ndecode = "ssd"\nanchors = "anchors.csv"\nactivation = "softmax"\n'
        'labels = "labels.txt"\nlabel_offset = -1\nscore_threshold = 0.3\nnms = { iou = 0.5 }\n',
    ),
}
OUTPUTS = """
[signature.contents.output.where]
content = "boxes"
box = { index = [0, 1, 2, 3] }
[signature.contents.output.what]
content = "classes"
[signature.contents.output.sure]
content = "scores"
score_threshold = 0.4
max_results = 3
"""
LABELS = {"labels.txt": "cat\ndog\nbird\n"}
ANCHORS = "".join(f"{(i // 4 + 0.5) / 4},{(i % 4 + 0.5) / 4},0.3,0.4\n" for i in range(16))
SIZE = 32  # of a picture as the models take it


def head(name: str, fit: str, result: str) -> str:
    return (
        f'[source.signature.{name}]\nentry = "model.py:{name}"\n[signature.{name}.input.image]\ndtype = "float32"\n'
        f'content = "image"\nshape = [1, {SIZE}, {SIZE}, 3]\nmean = 127.5\nstd = 127.5\n{fit}\n'
        + (f'[signature.{name}.result.things]\nkind = "detections"\n{result}' if result else "")
    )


MODELS = {
    "heads": Model(
        'format = "jax"\n' + "".join(head(name, *said) for name, said in HEADS.items()) + OUTPUTS,
        {"model.py": CODE, "anchors.csv": ANCHORS, **LABELS},
    ),
    # The custom operator that runtimes carry, which says nothing of the shapes of what it gives.
    "operator": Model(
        'format = "tflite"\npath = "m.tflite"\n[input.image]\ncontent = "image"\nmean = 127.5\nstd = 127.5\n'
        '[result.things]\nkind = "detections"\nboxes = "where"\nclasses = "what"\nscores = "sure"\ncount = "many"\n'
        'score_threshold = 0.5\nlabels = "labels.txt"\n',
        {"m.tflite": detectors.picture(), **LABELS},
    ),
}
TESTS = {"heads": 2 * len(HEADS) + 1, "operator": 3}


@pytest.mark.parametrize("name", MODELS)
def test_kotlin_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.kotlin_tests(name)) == TESTS[name]


@pytest.mark.parametrize("name", MODELS)
def test_swift_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.swift_tests(name)) == TESTS[name]


def test_the_formatter_finds_nothing(apps: Apps) -> None:
    apps.check_format()


@dataclass(frozen=True)
class Case:
    """A photograph as an app has it.

    Attributes:
        region: Left, top, right and bottom of what is looked at in the upright picture.
        limits: The least score and how many results; None for what the spec says.
    """

    head: str
    pixels: Array
    turns: int
    region: tuple[int, int, int, int]
    limits: tuple[float, int] | None

    def line(self, file: Path) -> str:
        """What the programs read."""
        height, width, _ = self.pixels.shape
        limits = self.limits or ("-", "-")
        return " ".join(map(str, [self.head, width, height, 90 * self.turns, *self.region, *limits, file]))


def some(count: int) -> Iterator[Case]:
    """Parts of real photographs, turned, and parts of these; and pictures that the models give odd numbers for."""
    random = np.random.default_rng(11)
    for number in range(count):
        photo = PHOTOS[number % len(PHOTOS)]
        height, width = (int(n) for n in random.integers(40, 300, 2))
        top, left = (int(random.integers(0, d - n)) for d, n in zip(photo.shape, (height, width), strict=False))
        turns = number // len(HEADS) % 4
        upright = (width, height) if turns % 2 == 0 else (height, width)
        a, b = (sorted(int(n) for n in random.choice(d + 1, 2, replace=False)) for d in upright)
        region = (a[0], b[0], a[1], b[1]) if number % 3 else (0, 0, *upright)
        limits = (float(np.float32(random.uniform(0, 0.6))), int(random.integers(1, 9))) if number % 4 else None
        name = list(HEADS)[number % len(HEADS)]
        yield Case(name, np.ascontiguousarray(photo[top : top + height, left : left + width]), turns, region, limits)
    half = np.where(np.arange(64)[:, None, None] < 32, 255, PHOTOS[0][:64, :96]).astype(np.uint8)
    for name, pixels in itertools.product(HEADS, (half, np.full_like(half, 255), np.zeros_like(half))):
        yield Case(name, pixels, 0, (0, 0, 96, 64), None)


def by_numpy(case: Case, folder: Path, run: Callable[[str, Array], dict[str, Array]]) -> Array:
    """The boxes of a case, with the model's outputs from the real interpreter: see `flat`."""
    spec = load(folder / "model.toml")
    (own,) = (t for t in tables(spec.spec) if t.signature == case.head)
    (said,) = (b for b in bindings.results(own) if b.kind == "detections")
    (given,) = own.inputs.values()
    content = Content(
        "image", "rgb", (127.5,), (127.5,), resize=given.resize or "bilinear", fit=given.fit or "stretch",
        antialias=bool(given.antialias), fill=given.fill or (0.0,),
    )  # fmt: skip
    left, top, right, bottom = case.region
    part = np.ascontiguousarray(np.rot90(case.pixels, -case.turns)[top:bottom, left:right])
    made = image.normalized(image.fitted(image.Picture(part), content, SIZE, SIZE, "rgb"), content)
    outputs = run(case.head, made[None])
    tensors = {role: TensorSpec(n, outputs[n].shape, outputs[n].dtype.name) for role, n in said.tensors.items()}
    labels = 3 if "labels" in said.files else None
    how = binding.of(said, tensors, labels)
    anchors = np.array([line.split(",") for line in ANCHORS.split()], "f") if how.form == "ssd" else None
    found = numpy_detections.candidates(how, {r: outputs[n] for r, n in said.tensors.items()}, (SIZE, SIZE), anchors)
    least, most = case.limits or (how.threshold, how.most)
    kept = numpy_detections.chosen(found, how, labels, least, most)
    height, width, _ = case.pixels.shape
    where = places(content, (SIZE, SIZE), (width, height), case.turns, case.region)
    return numpy_detections.flat(found, kept, how.offset, where)


def test_a_photograph_comes_to_the_same_boxes(apps: Apps, engine: Callable[[str], Any], tmp_path: Path) -> None:
    """Through Python, Kotlin and Swift; the latter two bit for bit."""
    folder = apps.shop.folder / "heads"

    def run(signature: str, value: Array) -> dict[str, Array]:
        np.savez(tmp_path / "in.npz", image=value)
        inputs = {"model": folder / "build" / "heads" / "heads-float32.tflite", "data": tmp_path / "in.npz"}
        reply = engine("core")("execute", {"signature": signature, "dequantize": True}, inputs)
        with np.load(reply.outputs / "outputs.npz") as made:
            return dict(made)

    lines, wanted = [], []
    for number, case in enumerate(some(96)):
        file = tmp_path / f"{number}.rgb"
        file.write_bytes(case.pixels.tobytes())
        lines.append(case.line(file))
        wanted.append(by_numpy(case, folder, run))
    cases = tmp_path / "cases"
    cases.write_text("\n".join(lines) + "\n", "utf-8")
    kotlin, swift = apps.kotlin_answers("Boxes", [cases]), apps.swift_answers("Boxes", [cases])
    assert kotlin == swift
    answers = [np.array(line.split(), np.uint32).view("f").reshape(-1, 10) for line in kotlin.splitlines()]
    assert len(answers) == len(wanted)
    assert {len(found) for found in wanted} >= {0, 1, 2, 3, 4, 5}
    for line, found, right in zip(lines, answers, wanted, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-4, err_msg=line)
