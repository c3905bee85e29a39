"""Calibration code draws the same random numbers in every build; where it cannot be made to, the build says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from harness import Said
from shop import CLASSIFIER, Shop

FIXTURES = Path(__file__).parents[1] / "fixtures"
TOML = '[variant.int8]\nquantize = "int8"\n[calibration]\nentry = "data.py:samples"\nsamples = 20\n'
HEAD = "import os, random, time\nimport numpy as np\nSHAPE = (1, 8, 8, 2)\n"
LOOP = "def samples():\n    for number in range(20):\n        "
# Draws from the state of the process, or from an object with a seed of its own.
SAME: Mapping[str, str] = {
    "numpy": LOOP + "yield np.random.normal(size=SHAPE).astype('f')",
    "random": LOOP + "yield np.full(SHAPE, random.random(), 'f')",
    "at_import": "data = np.random.normal(size=(20, *SHAPE)).astype('f')\ndef samples():\n    return iter(data)",
    "own_seed": "rng = np.random.default_rng(0)\n" + LOOP + "yield rng.normal(size=SHAPE).astype('f')",
    "keras": "os.environ['KERAS_BACKEND'] = 'jax'\nimport keras\n"
    + LOOP
    + "yield np.array(keras.random.normal(SHAPE))",
    "used_up": "data = [np.full(SHAPE, 1, 'f')] * 20\ndef samples():\n    while data:\n        yield data.pop()",
    "once": LOOP + "yield np.full(SHAPE, number, 'f')\n    os.mkdir('made')",
}
# As SAME, of a source whose toolchain has TensorFlow.
SAVED_MODEL = """format = "saved_model"
path = "source"
signatures = ["serve"]
[input.measures]
shape = [1, 4]
"""
TENSORFLOW: Mapping[str, str] = {
    "tf_shuffle": "import tensorflow as tf\ndata = tf.data.Dataset.from_tensor_slices(np.eye(4, dtype='f')).repeat(5)\n"
    "def samples():\n    return ([row.numpy()] for row in data.shuffle(20))",
    "tf_at_import": "import tensorflow as tf\ndata = tf.random.normal((20, 1, 4)).numpy()\n"
    "def samples():\n    return list(data)",
    "tf_late": LOOP + "import tensorflow as tf\n        yield tf.random.normal((1, 4)).numpy()",
    "tf_own_seed": "import tensorflow as tf\nfirst = tf.random.normal((1, 4)).numpy()\ntf.random.set_seed(3)\n"
    + LOOP
    + "yield first + tf.random.normal((1, 4)).numpy()",
    "keras_on_tensorflow": "import keras\n" + LOOP + "yield np.array(keras.random.normal((1, 4)))",
}
OTHERS: Mapping[str, str] = {
    "default_rng": LOOP + "yield np.random.default_rng().normal(size=SHAPE).astype('f')",
    "late": LOOP + "yield np.full(SHAPE, number if number < 15 else np.random.default_rng().normal(), 'f')",
    "urandom": LOOP + "yield np.frombuffer(os.urandom(128), np.uint8).reshape(SHAPE).astype('f')",
    # The fast part of the clock alone: beside the seconds since the start float32 does not keep it.
    "clock": LOOP + "yield np.full(SHAPE, time.perf_counter_ns() % 1000 / 1000, 'f')",
}

OTHER_BYTES = "the same inputs as in model.lock gave other bytes"


@pytest.fixture(scope="module")
def builds(shop: Shop, new_cli: Callable[[], Callable[..., Any]]) -> list[tuple[dict[str, Said], dict[str, bytes]]]:
    """All of them built twice, each time from an empty store: what was said, and the files."""
    source = shop.folder / "source.tflite"
    shop.make({source: CLASSIFIER})
    for name, code in (SAME | OTHERS).items():
        (shop.tflite(name, TOML, source=source) / "data.py").write_text(f"{HEAD}{code}\n")
    for name, code in TENSORFLOW.items():
        folder = shop.model(name, SAVED_MODEL + TOML, {"data.py": f"{HEAD}{code}\n"})
        shutil.copytree(FIXTURES / "saved_models" / "keras3_export", folder / "source")
    made = []
    for _ in range(2):
        said = Shop(shop.folder, new_cli(), shop.python).build()
        assert not [s.told for s in said.values() if s.errors]
        made.append((said, {name: s.file("int8").read_bytes() for name, s in said.items()}))
    return made


@pytest.mark.parametrize("name", SAME | TENSORFLOW)
def test_the_same_files_from_an_empty_store(name: str, builds: Any) -> None:
    (said, files), (_, again) = builds
    assert files[name] == again[name]
    assert said[name].value["warnings"] == []


@pytest.mark.parametrize("name", OTHERS)
def test_what_no_seed_reaches_is_said(name: str, builds: Any) -> None:
    """The samples are blamed in each build; that the files are other ones than in model.lock, in the second alone."""
    (first, _), (second, _) = builds
    samples = (
        "'data.py:samples' gives other samples each time it runs, so a build from an empty store gives other files: "
        "seed what it draws from, as in np.random.default_rng(0), and take no part of the time or of the system"
    )
    assert first[name].value["warnings"] == [samples]
    assert [w for w in second[name].value["warnings"] if w.startswith(OTHER_BYTES)] != []
    assert [w for w in second[name].value["warnings"] if not w.startswith(OTHER_BYTES)] == [samples]


def test_the_warning_stays_while_the_samples_are_reused(builds: Any, shop: Shop) -> None:
    first = shop.build("urandom")["urandom"]
    again = shop.build("urandom")["urandom"]
    assert again.ran == []
    kept = [warning for warning in first.value["warnings"] if not warning.startswith(OTHER_BYTES)]
    assert again.value["warnings"] == kept != []
