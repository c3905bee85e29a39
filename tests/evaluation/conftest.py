"""A few models, converted once: layers of many kinds, branches and residuals, with a variant for each quantization."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Said, Workshop, command, new_cache

CODE = """
import jax
import jax.numpy as jnp
import numpy as np

rng = np.random.default_rng(0)


def weights(*shape):
    return rng.normal(0, 0.3, shape).astype("float32")


def conv(x, kernel, strides=(1, 1), groups=1):
    return jax.lax.conv_general_dilated(
        x, kernel, strides, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups
    )


K1, K2, K3, D, W = weights(3, 3, 4, 8), weights(1, 1, 8, 8), weights(3, 3, 8, 8), weights(3, 3, 1, 8), weights(128, 10)


def residual(x):
    with jax.named_scope("stem"):
        a = jax.nn.relu(conv(x, K1))
    with jax.named_scope("left"):
        b = jax.nn.relu(conv(a, K2))
    with jax.named_scope("right"):
        c = jax.nn.relu(conv(a, K3))
    with jax.named_scope("joined"):
        d = b + c * 0.5
    with jax.named_scope("deep"):
        e = conv(d, D, (2, 2), 8)
    with jax.named_scope("ends"):
        f = jnp.concatenate([e, jax.lax.reduce_window(d, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")], -1)
    with jax.named_scope("scores"):
        return jax.nn.softmax(f[..., :8].reshape(1, 128) @ W)


V = weights(2, 2, 2, 3, 4)


def cubes(x):
    # Five dimensions, which no GPU takes, between two pieces that it does.
    with jax.named_scope("before"):
        y = jnp.tanh(x * 2)
    with jax.named_scope("volume"):
        z = jax.lax.conv_general_dilated(y, V, (1, 1, 1), "VALID", dimension_numbers=("NDHWC", "DHWIO", "NDHWC"))
    with jax.named_scope("after"):
        return jnp.tanh(z.reshape(1, 2, 16)) + 1


def relu_of(x):
    return jax.nn.relu(x.reshape(1, 64) @ TWICE)


TWICE = weights(64, 256)


def squares_of(x):
    return relu_of(x) ** 2


def products(x, y):
    with jax.named_scope("scores"):
        return jnp.einsum("bij,bkj->bik", jnp.exp(x), y)
"""
INPUTS = {
    "residual": {"x": (1, 8, 8, 4)},
    "cubes": {"x": (1, 3, 3, 3, 3)},
    "products": {"x": (2, 5, 6), "y": (2, 7, 6)},
}
VARIANTS = """
[variant.float32]
[variant.float16]
quantize = "float16"
[variant.dynamic]
quantize = "dynamic-int8"
[variant.int8]
quantize = "int8"
[calibration]
data = "data.npz"
"""


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> tuple[Workshop, dict[str, Said]]:
    """The workshop of the models, and what their build said."""
    folder = tmp_path_factory.mktemp("zoo")
    workshop = Workshop(folder / "models", command(new_cache(folder / "cache", shared_cache)))
    for name, inputs in INPUTS.items():
        tables = "".join(f'[input.{i}]\nshape = {list(shape)}\ndtype = "float32"\n' for i, shape in inputs.items())
        source = f'format = "jax"\nentry = "model.py:{name}"\n{tables}' + (VARIANTS if name == "residual" else "")
        random = np.random.default_rng(1)
        data = {i: random.normal(size=(4, *shape)).astype("float32") for i, shape in inputs.items()}
        if name == "residual":
            data = {"x": data["x"][:, 0]}
        workshop.model(name, source, {"model.py": CODE}, **data)
    built = workshop.build()
    assert all(said.ok for said in built.values()), {name: said.told for name, said in built.items()}
    return workshop, built


@pytest.fixture(scope="session")
def twice(zoo: tuple[Workshop, dict[str, Said]]) -> Said:
    """A model of two signatures that have their weights in common, with its variants."""
    workshop = Workshop(zoo[0].folder.parent / "twice", zoo[0].cli)
    functions = {"one": "relu_of", "other": "squares_of"}
    source = 'format = "jax"\n'
    for name, function in functions.items():
        source += f'[source.signature.{name}]\nentry = "model.py:{function}"\n'
        source += f'[signature.{name}.input.x]\nshape = [1, 64]\ndtype = "float32"\n'
    values = np.random.default_rng(1).normal(size=(8, 1, 64)).astype("float32")
    data = {f"{name}/x": values for name in functions}
    workshop.model("twice", source + VARIANTS, {"model.py": CODE}, **data)
    built = workshop.build()["twice"]
    assert built.ok, built.told
    return built


@pytest.fixture(scope="session")
def runtime(python_of: Callable[[str], Path]) -> Callable[[list[Path]], Mapping[Path, Any]]:
    """Asks the real runtime about files."""

    def ask(files: list[Path]) -> Mapping[Path, Any]:
        script = Path(__file__).with_name("runtime_pieces.py")
        ran = subprocess.run(
            [python_of("core"), script, *files], capture_output=True, text=True, check=True, timeout=120
        )
        return {Path(path): value for path, value in json.loads(ran.stdout).items()}

    return ask
