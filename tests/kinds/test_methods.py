"""Methods: signatures under other names, several under one, private ones, and states that they hand on to each other."""

from __future__ import annotations

import pytest
from kinds_bed import Apps, Model, jax_model

CODE = """
import jax
import jax.numpy as jnp
import numpy as np

r = np.random.default_rng(7)
table, out = (jnp.asarray(r.normal(size=s).astype("f")) for s in ((16, 8), (8, 16)))

def prefill(tokens, positions, cache):
    rows = jnp.take(table, tokens[0], 0) * (1 + 0.1 * positions.astype("float32"))[:, None]
    return {"cache": jax.lax.dynamic_update_slice(cache, jnp.sum(rows, 0)[None, None], (0, 0, 0)) * 0.5 + 0.5 * cache}

def encode(tokens, scale):
    return {"hidden": jnp.take(table, tokens[0], 0)[None] * scale, "first": table[tokens[0, 0]] * scale}

def decode(token, cache):
    following = cache + jnp.take(table, token, 0)[None]
    return {"scores": following[:, 0] @ out, "cache": following}

def probe(cache):
    return {"sum": jnp.sum(cache)}
"""


def signature(name: str, function: str, inputs: str) -> str:
    lines = [f"[source.signature.{name}]", f'entry = "model.py:{function}"']
    for line in inputs.split(";"):
        tensor, dtype, shape = line.split(":")
        lines += [f"[signature.{name}.input.{tensor}]", f'dtype = "{dtype}"', f"shape = {shape}"]
        if dtype == "int32":
            lines.append("range = [0, 15]")
    return "\n".join(lines) + "\n"


CACHE = "cache:float32:[1, 1, 8]"
LANGUAGE_MODEL = (
    'format = "jax"\n'
    + signature("prefill_4", "prefill", f"tokens:int32:[1, 4];positions:int32:[4];{CACHE}")
    + signature("prefill_8", "prefill", f"tokens:int32:[1, 8];positions:int32:[8];{CACHE}")
    + signature("decode", "decode", f"token:int32:[1];{CACHE}")
    + signature("probe", "probe", CACHE)
    + '[state.memory]\ninput = "cache*"\noutput = "cache*"\n[method.prefill]\nsignatures = ["prefill_4", "prefill_8"]\n'
    'select_by = "tokens"\nfill = { tokens = 3 }\ndescription = "Reads a prompt."\n[method.probe]\nprivate = true\n'
    '[signature.decode.output.scores]\ncontent = "classes"\n'
)
ENCODER = (
    'format = "jax"\n'
    + signature("short", "encode", "tokens:int32:[1, 3];scale:float32:[]")
    + signature("long", "encode", "tokens:int32:[1, 6];scale:float32:[]")
    + '[method.encode]\nsignatures = ["long", "short"]\nselect_by = "tokens"\n'
)
MODELS = {
    "language": Model(LANGUAGE_MODEL, {"model.py": CODE}),
    "encoder": Model(ENCODER, {"model.py": CODE}),
    "renamed": jax_model(
        CODE,
        "encode",
        '[method.embed]\n[input.tokens]\ndtype = "int32"\nshape = [1, 3]\nrange = [0, 15]\n[input.scale]\n'
        'dtype = "float32"\nshape = []\n',
    ),
}
TESTS = {"language": 7, "encoder": 5, "renamed": 3}  # of the file, and two for each signature that is called


@pytest.mark.parametrize("name", MODELS)
def test_kotlin_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.kotlin_tests(name)) == TESTS[name]


@pytest.mark.parametrize("name", MODELS)
def test_swift_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.swift_tests(name)) == TESTS[name]


def test_the_formatter_finds_nothing(apps: Apps) -> None:
    apps.check_format()
