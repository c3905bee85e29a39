"""Mistakes in the user's TensorFlow code: each is told with their file and line, and what to do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli
from harness import Said, Workshop
from syrupy.assertion import SnapshotAssertion

ROOT = Path(__file__).resolve().parents[2]
HEAD = "import tensorflow as tf\n\n\n"
ONE = "@tf.function(input_signature=[tf.TensorSpec([2, 2], name='x')])\n"
# case -> (the code after HEAD, the end of model.toml)
CASES: dict[str, tuple[str, str]] = {
    "raises_while_traced": (
        "def helper(x):\n    return tf.matmul(x, tf.zeros([3, 1]))\n\n\n"
        + ONE
        + "def predict(x):\n    return helper(x + 1.0)\n",
        "",
    ),
    "name_near": (ONE + "def predct(x):\n    return x\n", ""),
    "returns_nothing": (ONE + "def predict(x):\n    x + 1.0\n", ""),
    "returns_text": ("def predict(x):\n    return {'y': object()}\n", "[input.x]\nshape = [2]\ndtype = 'float32'\n"),
    "returns_ragged": (
        "def predict(x):\n    return {'y': tf.RaggedTensor.from_tensor(x)}\n",
        "[input.x]\nshape = [2, 2]\ndtype = 'float32'\n",
    ),
    "no_shapes": ("def predict(image, ids, flag=True):\n    return image\n", "[input.image]\nshape = [1, 2]\n"),
    "input_near": (ONE + "def predict(x):\n    return x\n", "[input.xs]\nshape = [2, 2]\n"),
    "shape_contradicts": (ONE + "def predict(x):\n    return x\n", "[input.x]\nshape = [2, 3]\n"),
    "no_parameters": ("def predict():\n    return tf.zeros([2])\n", ""),
    "a_class": ("class predict:\n    pass\n", ""),
    "not_callable": ("predict = 3\n", ""),
    "text_input": (
        "@tf.function(input_signature=[tf.TensorSpec([1], tf.string)])\ndef predict(x):\n    return tf.strings.length(x)\n",
        "",
    ),
    "eager_only": (ONE + "def predict(x):\n    return x.numpy() + 1\n", ""),
    "makes_a_variable": (ONE + "def predict(x):\n    return tf.Variable(x) + 1.0\n", ""),
    "wrong_arguments": (
        "def predict(x, *, y):\n    return x\n",
        "[input.x]\nshape = [2]\ndtype = 'float32'\n[input.z]\nshape = [2]\n",
    ),
}


# Run in one process of the toolchain's own Python, since TensorFlow takes seconds to import: the step of each case.
STEPS = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tflite_build.engines.sources import tf_function
from tflite_build.engines.contract import Invalid, Request

told = {}
cases, root = json.loads(sys.argv[3]), sys.argv[2]
for name, declared in cases.items():
    folder = Path(root, name)
    (folder / "out").mkdir()
    params = {"signatures": {"serving_default": {"entry": name + ".py:predict"}}, "declared": {"": declared}}
    try:
        tf_function.run(Request("lower.function", params, {}, folder / "out", folder / "project"))
    except Invalid as error:
        told[name] = [error.message, error.key, error.hint, error.detail]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("cases")
    declared = {}
    for name, (code, tail) in CASES.items():
        (folder / name / "project").mkdir(parents=True)
        (folder / name / "project" / f"{name}.py").write_text(HEAD + code, "utf-8")
        declared[name] = tomli.loads(tail).get("input", {})
    arguments = [str(ROOT), str(folder), json.dumps(declared)]
    done = subprocess.run(
        [python_of("tensorflow"), "-c", STEPS, *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", CASES)
def test_mistake_is_told_at_its_line(name: str, told: dict[str, list[str]], snapshot: SnapshotAssertion) -> None:
    assert "\n".join(told[name]) == snapshot(name=name)


RAISES = """
import tensorflow as tf


def helper(x):
    return tf.matmul(x, tf.zeros([3, 1]))


@tf.function(input_signature=[tf.TensorSpec([2, 2])])
def predict(x):
    if tf.reduce_sum(x) > 0.0:
        return helper(x)
    return x
"""
OPERATOR = """
import tensorflow as tf


def hidden(x):
    y = x + 5.0 * tf.eye(2)
    return tf.linalg.inv(y)


@tf.function(input_signature=[tf.TensorSpec([2, 2])])
def predict(x):
    return hidden(x)
"""
STEADY = """
import tensorflow as tf

weight = tf.Variable([1.0, 2.0])


@tf.function(input_signature=[tf.TensorSpec([2])])
def predict(x):
    return tf.nn.relu(x * weight)
"""


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> dict[str, Said]:
    for name, code in (("raises", RAISES), ("operator", OPERATOR), ("steady", STEADY)):
        workshop.model(name, 'format = "function"\nentry = "model.py:predict"', {"model.py": code})
    return workshop.build()


@pytest.mark.parametrize("name", ["raises", "operator"])
def test_build_names_the_users_line(name: str, built: dict[str, Said], snapshot: SnapshotAssertion) -> None:
    error = built[name].error
    lines = [f"{error['code']}: {error['message']}", f"at {error['key']}, line {error['line']}", error["hint"]]
    assert "\n".join([*lines, error["detail"]]) == snapshot(name=name)


def test_a_comment_or_another_folder_changes_nothing_after_the_lowering(
    built: dict[str, Said], workshop: Workshop
) -> None:
    assert built["steady"].ok, built["steady"].text
    moved = Workshop(workshop.folder / "elsewhere", workshop.cli)
    code = "\n# A comment that moves every line.\n" + STEADY
    moved.model("steady", 'format = "function"\nentry = "model.py:predict"', {"model.py": code})
    again = moved.build("steady")["steady"]
    assert again.ran == ["lower"]
    assert again.sha256() == built["steady"].sha256()
