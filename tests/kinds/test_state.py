"""What a model keeps between calls: handed on by sessions, in samples, and in what generated code is held against."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from kinds_bed import Apps, Model, jax_model

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "tflite"
CODE = """
import jax.numpy as jnp
import numpy as np

r = np.random.default_rng(5)
w, u = r.normal(size=(4, 6)).astype("f"), r.normal(size=(6, 6)).astype("f") / 3

def cell(x, h, steps):
    following = jnp.tanh(x @ w + h @ u)
    return {"scores": following[:, :3], "h_out": following, "steps_out": steps + 1}

def seen(x, h):
    return {"h": jnp.tanh(x @ w + h @ u)}

def only_states(x, h):
    return {"h": jnp.tanh(x @ w + h @ u)}
"""
ACCURACY = '[checks]\naccuracy = { data = "test.npz", metric = "top1", min = 0.9 }\n'
X = '[input.x]\ndtype = "float32"\nshape = [1, 4]\n'
H = '[input.h]\ndtype = "float32"\nshape = [1, 6]\n'
STEPS = '[input.steps]\ndtype = "int32"\nshape = [1]\n'
STATES = """
[state.hidden]
input = "h"
output = "h_out"
initial = 0.5
[state.steps]
input = "steps"
output = "steps_out"
"""
DATA = {"x": np.random.default_rng(1).normal(size=(40, 4)).astype("f")}


def labelled() -> bytes:
    """Data whose labels are the best classes of first calls."""
    r, x = np.random.default_rng(5), np.random.default_rng(2).normal(size=(60, 4)).astype("f")
    w, u = r.normal(size=(4, 6)).astype("f"), r.normal(size=(6, 6)).astype("f") / 3
    file = io.BytesIO()
    np.savez(file, x=x, labels=np.tanh(x @ w + np.full(6, 0.5) @ u)[:, :3].argmax(1))
    return file.getvalue()


MODELS = {
    "cell": jax_model(CODE, "cell", f'{X}{H}{STEPS}{STATES}[output.scores]\ncontent = "classes"\n'),
    "cell8": Model(
        'format = "jax"\nentry = "model.py:cell"\n'
        f'{X}{H}{STEPS}{STATES}[variant.int8]\nquantize = "int8"\n[calibration]\ndata = "data.npz"\nsequence = 10\n'
        + ACCURACY,
        {"model.py": CODE, "test.npz": labelled()},
        DATA,
    ),
    "seen": jax_model(
        CODE, "seen", f'{X}{H}[state.h]\ninput = "h"\noutput = "h"\n[result.y]\nkind = "tensor"\noutput = "h"\n'
    ),
    "silent": jax_model(CODE, "only_states", f'{X}{H}[state.h]\ninput = "h"\noutput = "h"\n'),
    "inside": Model(
        'format = "tflite"\npath = "m.tflite"\n[runtime]\napi = "interpreter"\n',
        {"m.tflite": (FIXTURES / "variable.tflite").read_bytes()},
        head='state = "internal"\n',
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
