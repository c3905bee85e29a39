"""Models that an app trains: on pictures and on plain numbers, saved, restored, and the same in numpy's hands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from harness import Ran, python_answers
from kinds_bed import Apps, Model, build
from preprocessing_cases import part_of_photo

from tflite_build.engines.content import Content
from tflite_build.engines.preprocessing import image

Array = np.ndarray[Any, Any]
CODE = '''
import numpy as np
import tensorflow as tf

class Pupil(tf.Module):
    """Tells pictures of 6 x 6 pixels apart."""

    def __init__(self):
        random = np.random.default_rng(3)
        self.hidden = tf.Variable(random.normal(0, 0.2, (108, 8)).astype("f"))
        self.weights = tf.Variable(random.normal(0, 0.3, (8, 3)).astype("f"))
        self.bias = tf.Variable(np.zeros(3, "f"))
        self.speed = tf.Variable(np.zeros((108, 8), "f"))  # of gradient descent with momentum

    def scores(self, picture):
        flat = tf.reshape(picture, [picture.shape[0], 108])
        return tf.tanh(flat @ self.hidden) @ self.weights + self.bias

    @tf.function(input_signature=[
        tf.TensorSpec([4, 6, 6, 3], name="pictures"), tf.TensorSpec([4, 1], tf.int32, name="label"),
        tf.TensorSpec([], name="rate"),
    ])
    def train(self, pictures, label, rate):
        with tf.GradientTape() as tape:
            scores = self.scores(pictures)
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.reshape(label, [4]), scores)
            loss = tf.reduce_mean(each)
        hidden, weights, bias = tape.gradient(loss, [self.hidden, self.weights, self.bias])
        speed = 0.5 * self.speed + hidden
        self.speed.assign(speed)
        self.hidden.assign_sub(rate * speed)
        self.weights.assign_sub(rate * weights)
        self.bias.assign_sub(rate * bias)
        return {"loss": loss, "most": tf.reduce_max(each)}

    @tf.function(input_signature=[tf.TensorSpec([1, 6, 6, 3], name="picture")])
    def look(self, picture):
        return {"scores": tf.nn.softmax(self.scores(picture))}

    @tf.function(input_signature=[tf.TensorSpec([1], name="unused")])
    def values(self, unused):
        return {"hidden": self.hidden, "weights": self.weights, "bias": self.bias, "speed": self.speed}

    @tf.function(input_signature=[
        tf.TensorSpec([3], name="bias"), tf.TensorSpec([108, 8], name="hidden"), tf.TensorSpec([108, 8], name="speed"),
        tf.TensorSpec([8, 3], name="weights"),
    ])
    def take(self, bias, hidden, speed, weights):
        self.bias.assign(bias)
        self.hidden.assign(hidden)
        self.speed.assign(speed)
        self.weights.assign(weights)
        return {"done": tf.constant(True)}

pupil = Pupil()

class Line(tf.Module):
    """Learns the factor of a number."""

    def __init__(self):
        self.factor = tf.Variable(0.5)

    @tf.function(input_signature=[tf.TensorSpec([2], name="x"), tf.TensorSpec([2], name="y")])
    def train(self, x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self.factor * x - y) ** 2)
        self.factor.assign_sub(0.1 * tape.gradient(loss, self.factor))
        return {"loss": loss}

    @tf.function(input_signature=[tf.TensorSpec([1], name="x")])
    def infer(self, x):
        return {"y": self.factor * x}

line = Line()
'''
PUPIL = """format = "function"
[source.signature.train]
entry = "model.py:pupil.train"
[source.signature.look]
entry = "model.py:pupil.look"
[source.signature.values]
entry = "model.py:pupil.values"
[source.signature.take]
entry = "model.py:pupil.take"

[signature.train.argument.picture]
kind = "image"
input = "pictures"
[signature.train.input.pictures]
content = "image"
mean = 127.5
std = 127.5
[signature.train.argument.what]
kind = "categorical"
input = "label"
vocabulary = "labels.txt"
[signature.train.input.rate]
range = [0, 0.5]

[signature.look.input.picture]
content = "image"
mean = 127.5
std = 127.5
[signature.look.output.scores]
content = "classes"
labels = "labels.txt"

[method.train]
role = "train"
[method.look]
role = "infer"
description = "Tells what a picture shows."
[method.save]
signatures = ["values"]
role = "save"
[method.restore]
signatures = ["take"]
role = "restore"
"""
LINE = """format = "function"
[source.signature.train]
entry = "model.py:line.train"
[source.signature.infer]
entry = "model.py:line.infer"
[method.train]
role = "train"
"""
LABELS = ("cat", "dog", "bird")
MODELS = {
    "pupil": Model(PUPIL, {"model.py": CODE, "labels.txt": "\n".join(LABELS) + "\n"}),
    "line": Model(LINE, {"model.py": CODE}),
}
TESTS = {"pupil": 5, "line": 5}
CONTENT = Content("image", mean=(127.5,), std=(127.5,))
RATES = (0.5, 0.4, 0.3)
BATCH = 4


@pytest.mark.parametrize("name", MODELS)
def test_kotlin_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.kotlin_tests(name)) == TESTS[name]


@pytest.mark.parametrize("name", MODELS)
def test_swift_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.swift_tests(name)) == TESTS[name]


def test_the_formatter_finds_nothing(apps: Apps) -> None:
    apps.check_format()


def examples() -> list[tuple[Array, str]]:
    """Parts of photographs, and what is to be learned of them."""
    random, count = np.random.default_rng(11), BATCH * len(RATES) + 1
    return [(part_of_photo(random, number, 8, 60), LABELS[number % 3]) for number in range(count)]


def tensor(picture: Array) -> Array:
    made = image.normalized(image.fitted(image.Picture(picture), CONTENT, 6, 6, "rgb"), CONTENT)
    return np.asarray(made, np.float32)


def run(apps: Apps, python: Path, calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Array]]:
    """What the file gives in calls of one interpreter, as the same runtime computes it in Python."""
    (file,) = (apps.shop.folder / "pupil" / "build" / "pupil").glob("*.tflite")
    return [{n: np.array(v, np.float32) for n, v in a.items()} for a in python_answers(python, file, calls)]


def call(signature: str, **inputs: Any) -> dict[str, Any]:
    return {"signature": signature, "inputs": inputs}


def test_pictures_are_learned_alike_in_all_languages(
    apps: Apps, python_of: Callable[[str], Path], tmp_path: Path
) -> None:
    """Losses of three batches, scores after these, the file that is saved, and scores after a file from Python."""
    given, last = examples()[:-1], examples()[-1][0]
    lines = []
    for number, (picture, label) in enumerate([*given, (last, "-")]):
        file = tmp_path / f"{number}.bin"
        file.write_bytes(picture.tobytes())
        lines.append(f"{picture.shape[1]} {picture.shape[0]} {file} {label}")
    cases = tmp_path / "cases"
    cases.write_text("\n".join(lines) + "\n", "utf-8")

    calls = []
    for number, rate in enumerate(RATES):
        batch = given[number * BATCH :][:BATCH]
        pictures, labels = (np.stack([tensor(p) for p, _ in batch]), [[LABELS.index(w)] for _, w in batch])
        calls.append(call("train", pictures=pictures, label=labels, rate=rate))
    look = call("look", picture=tensor(last)[None])
    *losses, seen, values = run(apps, python_of("core"), [*calls, look, call("values", unused=[0])])
    random = np.random.default_rng(5)
    other = {name: random.normal(0, 1, value.shape).astype(np.float32) for name, value in values.items()}
    brought = tmp_path / "brought.safetensors"
    safetensors.numpy.save_file(other, brought)
    _, after = run(apps, python_of("core"), [call("take", **other), look])
    wanted = [float(v) for step in losses for v in (step["loss"], step["most"])]
    wanted += [float(v) for found in (seen, after) for v in found["scores"].reshape(-1)]
    assert losses[0]["loss"] > 0 and float(np.abs(seen["scores"] - after["scores"]).max()) > 0.01

    for language, answers in (("kotlin", apps.kotlin_answers), ("swift", apps.swift_answers)):
        kept = tmp_path / f"{language}.safetensors"
        told = answers("Training", [cases, kept, brought]).split("\n")
        assert np.allclose([float(n) for n in told[0].split()], wanted, atol=2e-6)
        assert told[1:4] == [
            "there are 3 examples, and the model learns from 4 at a time",
            "the checkpoint is damaged, or of a model with other variables",
            "as new: true",
        ]
        saved = safetensors.numpy.load_file(kept)  # the package of Python reads it, and would write the same
        assert saved.keys() == values.keys()
        assert all(np.allclose(saved[name], values[name], atol=2e-6) for name in values)
        assert kept.read_bytes() == safetensors.numpy.save(saved)


SIGNATURES = PUPIL.partition("[signature.train.argument")[0]
ROLE = '[method.{0}]\nrole = "{0}"\n'
WRONG = {
    "alone": '[method.save]\nrole = "save"\nsignatures = ["values"]\n',
    "quantized": ROLE.format("train") + '[variant.small]\nquantize = "dynamic-int8"\n',
    "compiled": ROLE.format("train") + '[runtime]\napi = "compiled-model"\n',
    "states": ROLE.format("train") + '[state.x]\ninput = "a"\noutput = "b"\n',
    "hidden": '[method.train]\nrole = "train"\nprivate = true\n',
    "two": '[method.train]\nrole = "train"\n[method.a]\nrole = "save"\nsignatures = ["values"]\n'
    '[method.b]\nrole = "save"\nsignatures = ["look"]\n[method.c]\nrole = "restore"\nsignatures = ["take"]\n',
    "learns_nothing": '[method.look]\nrole = "train"\n',
    "other_shapes": '[method.train]\nrole = "train"\n[method.s]\nrole = "save"\nsignatures = ["look"]\n'
    '[method.r]\nrole = "restore"\nsignatures = ["take"]\n',
    "pieces": ROLE.format("train")
    + '[signature.train.argument.p]\nkind = "text"\nids = "label"\n'
    + 'tokenizer = { type = "sentencepiece", model = "labels.txt" }\n',
    "of_examples": ROLE.format("train")
    + '[signature.train.argument.p]\nkind = "tensor"\ninput = "pictures"\ngroup = "g"\n',
}


def test_what_does_not_fit_is_told(
    tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran], snapshot: Any
) -> None:
    files = {"model.py": CODE, "labels.txt": "x\n"}
    models = {name: Model(SIGNATURES + more, files) for name, more in WRONG.items()}
    said = build(models, tmp_path_factory.mktemp("wrong"), module_cli)[1]
    assert not any(model.ok for model in said.values()), [name for name, model in said.items() if model.ok]
    assert {name: said[name].told for name in WRONG} == snapshot
