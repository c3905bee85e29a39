"""JAX functions: what converts gives JAX's own numbers; what does not is told with the operation and the user's line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Said, Workshop

MANY = """
import jax
import jax.numpy as jnp
import numpy as np
from pathlib import Path

WEIGHTS = dict(np.load(Path(__file__).parent / "weights.npz"))


def dense(x):
    return jax.nn.softmax(jnp.tanh(x @ WEIGHTS["w1"] + WEIGHTS["b1"]) @ WEIGHTS["w2"])


def scanned(x):
    final, all_sums = jax.lax.scan(lambda sums, row: (sums + row, sums * row), jnp.zeros(4), x)
    return {"final": final, "all": all_sums}


def looped(x):
    return jax.lax.while_loop(lambda c: (c[0] < 20) & (c[1].sum() < 50), lambda c: (c[0] + 1, c[1] * 1.5), (0, jnp.abs(x)))


def branched(x):
    return jax.lax.cond(x.sum() > 0, lambda a: a * 2 + 1, lambda a: jax.lax.cond(a[0, 0] > 0, jnp.sin, jnp.cos, a), x)


def switched(x, which):
    return jax.lax.switch(which, [lambda a: a * 2, lambda a: a - 1, lambda a: a + 7], x)


def turned(x, which):
    # Branches that read several values, each in an order of its own, and loops around and inside.
    y, z = jnp.sin(x), x * 3
    branches = [lambda: y - z, lambda: z / (y + 9), lambda: scanned(z)["all"] + y, lambda: x]
    return jax.lax.fori_loop(0, 2, lambda i, v: v + jax.lax.switch(which + i, branches), x)


def chosen(x, which):
    # Weights in branches, some of them on both sides, and branches inside of branches.
    w1, w2 = WEIGHTS["w1"], WEIGHTS["w2"]

    def upper(a):
        return jax.lax.cond(which > 1, lambda b: jnp.tanh(b @ w1) @ w2, lambda b: b[:, :6] @ w2 * 2, a)

    return jax.lax.cond(which > 0, upper, lambda a: (a @ w1)[:, :3] + WEIGHTS["b1"][:3], x)


def without_operand(x):
    return jax.lax.cond(x[0, 0] > 0, lambda: x @ WEIGHTS["w1"], lambda: jnp.zeros((2, 6)))


def top(x):
    values, places = jax.lax.top_k(x, 3)
    return values, {"places": places}


def unused(x, extra):
    return x * 2


def tree(x, y):
    return {"pair": (x + y, x - y), "deep": {"er": [x * y]}, "flag": x > y}


def looked_up(ids, table=WEIGHTS["w1"]):
    return jnp.take(table, ids, axis=0)


def keywords(x, /, *, scale):
    return x * scale
"""
SHAPES = {
    "dense": {"x": (2, 8)},
    "scanned": {"x": (5, 4)},
    "looped": {"x": (2, 4)},
    "branched": {"x": (2, 4)},
    "switched": {"x": (2, 4), "which": ()},
    "turned": {"x": (4, 4), "which": ()},
    "chosen": {"x": (2, 8), "which": ()},
    "without_operand": {"x": (2, 8)},
    "top": {"x": (2, 8)},
    "unused": {"x": (2, 4), "extra": (3,)},
    "tree": {"x": (2, 4), "y": (2, 4)},
    "looked_up": {"ids": (3,)},
    "keywords": {"x": (2, 4), "scale": ()},
}
INTEGERS = {"which": 2, "ids": 7}
# Run by the toolchain's own Python: what JAX computes without this tool, for arrays called FUNCTION/INPUT.
EXPECT = """
import os, sys
os.environ["JAX_PLATFORMS"] = "cpu"
sys.path.insert(0, sys.argv[1])
import jax, numpy as np
import model

given, made = np.load(sys.argv[2]), {}
for name in dict.fromkeys(key.split("/")[0] for key in given):
    inputs = {key.split("/")[1]: given[key] for key in given if key.startswith(name + "/")}
    first = [inputs.pop("x")] if name.startswith("keywords:") else []
    result = getattr(model, name.split(":")[0])(*first, **inputs)
    for number, leaf in enumerate(jax.tree.leaves(result)):
        made[f"{name}/{number}"] = np.asarray(leaf)
np.savez(sys.argv[3], **made)
"""


def signatures() -> str:
    """The model.toml of MANY, from [source] on."""
    lines = ['format = "jax"']
    for name, inputs in SHAPES.items():
        lines += [f"[source.signature.{name}]", f'entry = "model.py:{name}"']
        for tensor, shape in inputs.items():
            lines += [f"[signature.{name}.input.{tensor}]", f"shape = {list(shape)}"]
            top = INTEGERS.get(tensor)
            lines += ['dtype = "int32"', f"range = [0, {top}]"] if top else ['dtype = "float32"']
    return "\n".join(lines)


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> dict[str, Said]:
    """Models that convert: one with many signatures, two with dynamic dimensions."""
    random = np.random.default_rng(1)
    many = workshop.model("many", signatures(), {"model.py": MANY})
    np.savez(
        many / "weights.npz",
        w1=random.normal(size=(8, 6)).astype("float32"),
        b1=random.normal(size=6).astype("float32"),
        w2=random.normal(size=(6, 3)).astype("float32"),
    )
    open_ = """
        format = "jax"
        entry = "model.py:predict"
        [input.x]
        shape = ["n", "m", 4]
        dtype = "float32"
        sizes.n = [1, 5]
        sizes.m = [2, 3]
        """
    code = """
        import jax
        import numpy as np

        WEIGHTS = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


        def predict(x):
            return {"classes": jax.nn.softmax(x @ WEIGHTS), "mean": x.mean((1, 2))}
        """
    workshop.model("open", open_, {"model.py": code})
    counts = """
        import jax.numpy as jnp
        from jax import lax


        def predict(x):
            n, m = x.shape[:2]
            return {
                "line": lax.iota(jnp.float32, n),
                "rows": lax.broadcasted_iota(jnp.int32, (n, m), 0),
                "columns": lax.broadcasted_iota(jnp.float32, (n, m, 2), 1),
                "fixed": lax.broadcasted_iota(jnp.int32, (2, n, 4), 2),
                "bytes": lax.broadcasted_iota(jnp.uint8, (n, 2), 0),
                "mask": jnp.tril(jnp.ones((n, m), bool)),
            }
        """
    workshop.model("counts", open_, {"model.py": counts})
    return workshop.build("many", "open", "counts")


QUANTIZED = """
format = "jax"
entry = "model.py:chosen"
[input.x]
shape = [2, 8]
dtype = "float32"
[input.which]
shape = []
dtype = "int32"
range = [0, 2]
[variant.dynamic]
quantize = "dynamic-int8"
[variant.float16]
quantize = "float16"
"""


def test_weights_in_branches_are_quantized(built: dict[str, Said], workshop: Workshop) -> None:
    folder = workshop.model("quantized", QUANTIZED, {"model.py": MANY})
    shutil.copy(workshop.folder / "many" / "weights.npz", folder)
    said = workshop.build("quantized")["quantized"]
    assert said.ok, said.text
    assert said.value["warnings"] == []  # as where most weights stay float
    for variant, lowest in zip(said.value["variants"], (0.99, 0.999999), strict=True):
        assert variant["cosine"] > lowest and variant["max_abs"] > 1e-5, variant["name"]


def inputs_of(name: str, random: np.random.Generator) -> dict[str, Any]:
    return {
        tensor: np.array(random.integers(0, INTEGERS[tensor] + 1, shape), np.int32)
        if tensor in INTEGERS
        else np.array(random.normal(size=shape), np.float32)
        for tensor, shape in SHAPES[name].items()
    }


Execute = Callable[[Path, str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def execute(engine: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Execute:
    """Runs one signature of a .tflite file in the LiteRT runtime."""
    call = engine("core")

    def run(model: Path, signature: str, arrays: dict[str, Any]) -> dict[str, Any]:
        data = tmp_path_factory.mktemp("data") / "in.npz"
        np.savez(data, **arrays)
        reply = call("execute", {"signature": signature, "dequantize": False}, {"model": model, "data": data})
        assert reply.done is not None, reply
        with np.load(reply.outputs / "outputs.npz") as made:
            return dict(made)

    return run


NAMES = {
    "dense": ["output"],
    "scanned": ["all", "final"],
    "looped": ["output_0", "output_1"],
    "branched": ["output"],
    "switched": ["output"],
    "turned": ["output"],
    "chosen": ["output"],
    "without_operand": ["output"],
    "top": ["output_0", "output_1_places"],
    "unused": ["output"],
    "tree": ["deep_er_0", "flag", "pair_0", "pair_1"],
    "looked_up": ["output"],
    "keywords": ["output"],
}


def test_every_signature_gives_the_numbers_of_jax(
    built: dict[str, Said], workshop: Workshop, execute: Execute, run_script: Callable[..., Any]
) -> None:
    said = built["many"]
    assert said.ok, said.value["errors"]
    random = np.random.default_rng(7)
    given = {name: [inputs_of(name, random) for _ in range(6)] for name in SHAPES}
    assert {int(case["which"]) for case in given["chosen"]} == {0, 1, 2}
    assert {bool(case["x"][0, 0] > 0) for case in given["without_operand"]} == {True, False}
    flat = {f"{n}:{i}/{t}": a for n, cases in given.items() for i, case in enumerate(cases) for t, a in case.items()}
    expected = run_script("litert", EXPECT, workshop.folder / "many", flat)
    for name, cases in given.items():
        for number, case in enumerate(cases):
            made = execute(said.file(), name, case)
            assert sorted(made) == NAMES[name]
            for place, output in enumerate(NAMES[name]):
                wanted = expected[f"{name}:{number}/{place}"]
                assert made[output].dtype == wanted.dtype, (name, output)
                assert made[output].shape == wanted.shape, (name, output)
                np.testing.assert_allclose(made[output], wanted, rtol=1e-5, atol=1e-5, err_msg=f"{name} {output}")


def test_a_dynamic_dimension_takes_any_size(
    built: dict[str, Said], workshop: Workshop, execute: Execute, run_script: Callable[..., Any]
) -> None:
    said = built["open"]
    assert said.ok, said.value["errors"]
    random = np.random.default_rng(3)
    given = {f"predict:{n}{m}/x": random.normal(size=(n, m, 4)).astype("float32") for n, m in [(1, 2), (5, 3), (7, 1)]}
    expected = run_script("litert", EXPECT, workshop.folder / "open", given)
    for key, x in given.items():
        made = execute(said.file(), "serving_default", {"x": x})
        name = key.split("/")[0]
        np.testing.assert_allclose(made["classes"], expected[f"{name}/0"], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(made["mean"], expected[f"{name}/1"], rtol=1e-5, atol=1e-6)


def test_counting_along_a_dynamic_dimension(built: dict[str, Said], execute: Execute) -> None:
    """As a causal mask does."""
    said = built["counts"]
    assert said.ok, said.value["errors"]
    for n, m in ((1, 2), (5, 3), (2, 6)):
        made = execute(said.file(), "serving_default", {"x": np.zeros((n, m, 4), np.float32)})
        wanted = {
            "line": np.arange(n, dtype=np.float32),
            "rows": np.indices((n, m), np.int32)[0],
            "columns": np.indices((n, m, 2), np.float32)[1],
            "fixed": np.indices((2, n, 4), np.int32)[2],
            "bytes": np.indices((n, 2), np.uint8)[0],
            "mask": np.tril(np.ones((n, m), bool)),
        }
        for name, value in wanted.items():
            assert made[name].dtype == value.dtype
            assert np.array_equal(made[name], value), name
