"""TensorFlow functions: what converts gives the numbers that the user's own code gives; what does not names their line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Ran, Said, Workshop

MANY = """
import collections

import keras
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(3)


def weights(*shape):
    return rng.normal(0, 0.5, shape).astype("float32")


W = tf.Variable(weights(4, 3))
Pair = collections.namedtuple("Pair", "high low")


@tf.function(input_signature=[tf.TensorSpec([None, 4], name="measures")])
def stated(x):
    return {"probabilities": tf.nn.softmax(x @ W), "best": tf.argmax(x @ W, -1, tf.int32)}


@tf.function
def _concrete(subtrahend, minuend):
    return minuend - 2.0 * subtrahend, minuend * subtrahend


concrete = _concrete.get_concrete_function(tf.TensorSpec([2, 3]), tf.TensorSpec([2, 3]))


def plain(values, times):
    total = values
    while tf.reduce_sum(total) < 20.0:
        total = total * 2.0 + 1.0
    if times > 1:
        return total * tf.cast(times, tf.float32)
    return total


class Scaler(tf.Module):
    def __init__(self):
        self.factors = [tf.Variable(2.0), tf.Variable([1.0, -1.0])]

    @tf.function
    def scale(self, x):
        return Pair(x * self.factors[0], x + self.factors[1])

    def offset(self, x, by=tf.constant(3.0)):
        return [x + by]


scaler = Scaler()
inputs = keras.Input((4,))
net = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.LayerNormalization()(keras.layers.Dense(5, "relu")(inputs))))
net.set_weights([weights(*w.shape) for w in net.get_weights()])
net.compile("adam", "mse")
net.optimizer.build(net.trainable_variables)  # as after a fit


def by_keras(features):
    return net(features, training=False)


@tf.function(input_signature=[tf.TensorSpec([1, 4], name="features")])
def by_keras_traced(features):
    return {"scores": net(features)}


class Counter(tf.Module):
    def __init__(self):
        self.count = tf.Variable(tf.zeros([2]))

    @tf.function(input_signature=[tf.TensorSpec([2], name="by")])
    def step(self, by):
        self.count.assign_add(by)
        return {"count": self.count * 1.0}


counter = Counter()
words = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([3, 5], ["a", "b"], tf.int64, tf.string), "a")
numbers = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [30, 50], tf.string, tf.int64), -1)


def looked_up(ids):
    return {"numbers": numbers.lookup(words.lookup(ids))}


@tf.function(input_signature=[{"left": tf.TensorSpec([2]), "right": [tf.TensorSpec([2]), tf.TensorSpec([], tf.int32)]}])
def nested(tree):
    left, (right, exponent) = tree["left"], tree["right"]
    return {"deep": {"er": (left - right,)}, "power": left ** tf.cast(exponent, tf.float32), "less": left < right}


def keywords(x, /, *, scale):
    return x * scale


def small(pixels):
    return tf.cast(pixels, tf.float32) / 255.0, pixels
"""
SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "stated": {"measures": (1, 4)},
    "concrete": {"subtrahend": (2, 3), "minuend": (2, 3)},
    "plain": {"values": (2, 2), "times": ()},
    "scale": {"x": (2,)},
    "offset": {"x": (2,), "by": ()},
    "by_keras": {"features": (1, 4)},
    "by_keras_traced": {"features": (1, 4)},
    "step": {"by": (2,)},
    "looked_up": {"ids": (3,)},
    "nested": {"tree_left": (2,), "tree_right_0": (2,), "tree_right_1": ()},
    "keywords": {"x": (2,), "scale": (2,)},
    "small": {"pixels": (2, 2)},
}
ENTRIES = {"scale": "scaler.scale", "offset": "scaler.offset", "step": "counter.step"}
STATED = ("stated", "concrete", "by_keras_traced", "step", "nested")
INTEGERS = {"times": ("int32", 3), "ids": ("int64", 6), "tree_right_1": ("int32", 3), "pixels": ("uint8", 255)}
NAMES = {
    "stated": ["best", "probabilities"],
    "concrete": ["output_0", "output_1"],
    "plain": ["output"],
    "scale": ["high", "low"],
    "offset": ["output_0"],
    "by_keras": ["output"],
    "by_keras_traced": ["scores"],
    "step": ["count"],
    "looked_up": ["numbers"],
    "nested": ["deep_er_0", "less", "power"],
    "keywords": ["output"],
    "small": ["output_0", "output_1"],
}
# Run by the toolchain's own Python: what the user's code gives without this tool.
EXPECT = """
import os, sys
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", KERAS_BACKEND="tensorflow")
sys.path.insert(0, sys.argv[1])
import numpy as np
import tensorflow as tf
import model

given, made = np.load(sys.argv[2]), {}
for call in dict.fromkeys(key.rpartition("/")[0] for key in given):
    name = call.partition("/")[0]
    inputs = {key.rpartition("/")[2]: tf.constant(given[key]) for key in given if key.startswith(call + "/")}
    if name == "nested":
        arguments, inputs = [{"left": inputs["tree_left"], "right": [inputs["tree_right_0"], inputs["tree_right_1"]]}], {}
    else:
        arguments = [inputs.pop(tensor) for tensor in list(inputs) if (name, tensor) != ("keywords", "scale")]
    for variable in model.counter.variables:
        variable.assign(tf.zeros_like(variable))
    function = model
    for part in {"scale": "scaler.scale", "offset": "scaler.offset", "step": "counter.step"}.get(name, name).split("."):
        function = getattr(function, part)
    if name == "plain":
        function = tf.function(function)
    result = function(*arguments, **inputs)
    if name == "nested":
        result = {"deep_er_0": result["deep"]["er"][0], "less": result["less"], "power": result["power"]}
    elif hasattr(result, "_asdict"):
        result = result._asdict()
    elif isinstance(result, (tuple, list)):
        result = {f"output_{i}": value for i, value in enumerate(result)}
    elif not isinstance(result, dict):
        result = {"output": result}
    for output, value in result.items():
        made[f"{call}/{output}"] = np.asarray(value)
np.savez(sys.argv[3], **made)
"""
RUN = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
given, made = np.load(sys.argv[2]), {}
for call in dict.fromkeys(key.rpartition("/")[0] for key in given):
    inputs = {key.rpartition("/")[2]: given[key] for key in given if key.startswith(call + "/")}
    run = Interpreter(sys.argv[1]).get_signature_runner(call.partition("/")[0])
    for output, value in run(**inputs).items():
        made[f"{call}/{output}"] = value
np.savez(sys.argv[3], **made)
"""


def spec() -> str:
    lines = ['format = "function"']
    for name, inputs in SHAPES.items():
        lines += [f"[source.signature.{name}]", f'entry = "model.py:{ENTRIES.get(name, name)}"']
        for tensor, shape in inputs.items():
            dtype, top = INTEGERS.get(tensor, ("float32", 0))
            lines.append(f"[signature.{name}.input.{tensor}]")
            lines += [] if name in STATED else [f"shape = {list(shape)}", f'dtype = "{dtype}"']
            lines += [f"range = [0, {top}]"] if top else []
    return "\n".join(lines)


OPEN = """
import tensorflow as tf

table = tf.constant([[1.0, 2.0], [3.0, -4.0], [5.0, 6.0]])


@tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, name="ids"), tf.TensorSpec([None, 2], name="bias")])
def embed(ids, bias):
    return {"vectors": tf.reduce_sum(tf.gather(table, ids), axis=1) + bias}
"""


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> dict[str, Said]:
    workshop.model("many", spec(), {"model.py": MANY})
    open_ = """
        format = "function"
        entry = "model.py:embed"
        [input.words]
        from = "ids"
        shape = ["n", "length"]
        sizes = { n = [1, 4], length = [2, 5] }
        range = [0, 2]
        [input.bias]
        shape = ["n", 2]
        [output.sums]
        from = "vectors"
        """
    workshop.model("open", open_, {"model.py": OPEN})
    return workshop.build("many", "open")


def value(tensor: str, shape: tuple[int, ...], random: np.random.Generator) -> Any:
    dtype, top = INTEGERS.get(tensor, ("float32", 0))
    return np.asarray(random.integers(0, top + 1, shape) if top else random.normal(size=shape), dtype)


def test_every_signature_gives_the_numbers_of_the_users_code(
    built: dict[str, Said], workshop: Workshop, run_script: Callable[..., Any]
) -> None:
    said = built["many"]
    assert said.ok, said.text
    random = np.random.default_rng(7)
    given = {
        f"{name}/{number}/{tensor}": value(tensor, shape, random)
        for name, inputs in SHAPES.items()
        for number in range(3)
        for tensor, shape in inputs.items()
    }
    expected = run_script("tensorflow", EXPECT, workshop.folder / "many", given)
    made = run_script("core", RUN, said.file(), given)
    assert sorted(made) == sorted(expected)
    assert sorted(made) == sorted(
        f"{n}/{i}/{output}" for n, outputs in NAMES.items() for i in range(3) for output in outputs
    )
    for key, wanted in expected.items():
        assert made[key].dtype == wanted.dtype, key
        assert made[key].shape == wanted.shape, key
        np.testing.assert_allclose(made[key], wanted, rtol=3e-6, atol=3e-6, err_msg=key)


def test_open_dimensions_take_any_size_and_names_are_the_users(
    built: dict[str, Said], run_script: Callable[..., Any]
) -> None:
    said = built["open"]
    assert said.ok, said.text
    random = np.random.default_rng(3)
    given = {}
    for n, length in ((1, 2), (4, 5), (7, 1)):
        given[f"serving_default/{n}/words"] = random.integers(0, 3, (n, length)).astype("int32")
        given[f"serving_default/{n}/bias"] = random.normal(size=(n, 2)).astype("float32")
    made = run_script("core", RUN, said.file(), given)
    table = np.array([[1, 2], [3, -4], [5, 6]], "float32")
    for n in (1, 4, 7):
        wanted = table[given[f"serving_default/{n}/words"]].sum(1) + given[f"serving_default/{n}/bias"]
        np.testing.assert_allclose(made[f"serving_default/{n}/sums"], wanted, rtol=1e-6)
    (output,) = said.value["variants"][0]["outputs"]
    assert output["max_share"] == 0


BRANCHING = """
import tensorflow as tf


def f(x):
    if tf.reduce_sum(x) > 0:
        return {"y": x + 1}
    return {"y": x - 1}
"""


def test_nothing_is_left_of_what_tensorflow_writes(tmp_path: Path, module_cli: Callable[..., Ran]) -> None:
    folder = tmp_path / "m"
    for made in (tmp_path / "t", folder):
        made.mkdir()
    (folder / "model.py").write_text(BRANCHING)
    (folder / "model.toml").write_text(
        'spec = 1\n[model]\nname = "m"\n[source]\nformat = "function"\nentry = "model.py:f"\n'
        '[input.x]\nshape = [1, 4]\ndtype = "float32"\n'
    )
    ran = module_cli("build", folder, cwd=folder, env={"TMPDIR": str(tmp_path / "t")})
    assert ran.code == 0, ran.text
    assert [path.name for path in (tmp_path / "t").rglob("*")] == []
    assert "0 steps run" in module_cli("build", folder, cwd=folder, env={"TMPDIR": str(tmp_path / "t")}).out
