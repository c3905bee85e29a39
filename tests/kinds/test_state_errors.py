"""Mistakes in [state] and [method], each told at its key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Ran, Said
from kinds_bed import Model, build

CODE = """
import jax.numpy as jnp

def cell(x, h):
    return {"y": x * 2, "h_out": jnp.tanh(h + x), "wide": jnp.concatenate([h, h], -1), "whole": h.astype("int32")}

def doubled(x, h):
    following = jnp.tanh(h + x)
    return {"y": following, "h_out": following}

def step(x, h):
    return {"y": x * 2, "h_out": jnp.tanh(h + x)}

def other(x, h, z):
    return {"y": x + z, "h_out": h}

def wide(x, h):
    return {"y": x[:, :3], "h_out": h}
"""


def inputs(prefix: str, size: int | str = 4, more: str = "") -> str:
    names = ["x", "h", *more]
    return "".join(f'[{prefix}input.{n}]\ndtype = "float32"\nshape = [1, {size}]\n' for n in names)


def one(spec: str, size: int | str = 4) -> Model:
    return Model(f'format = "jax"\nentry = "model.py:cell"\n{inputs("", size)}{spec}', {"model.py": CODE})


def two(spec: str, second: str = "step", size: int = 8) -> Model:
    source = "".join(f'[source.signature.{n}]\nentry = "model.py:{f}"\n' for n, f in (("a", "step"), ("b", second)))
    tables = inputs("signature.a.") + inputs("signature.b.", size, "z" if second == "other" else "")
    return Model(f'format = "jax"\n{source}{tables}{spec}', {"model.py": CODE})


def state(output: str, given: str = "h", more: str = "") -> str:
    return f'[state.hidden]\ninput = "{given}"\noutput = "{output}"\n{more}'


def method(more: str = "", signatures: str = '["a", "b"]', name: str = "run_all") -> str:
    return f"[method.{name}]\nsignatures = {signatures}\n{more}"


MODELS = {
    "no_input": one(state("h_out", "hid")),
    "no_output": one(state("h_uot")),
    "star_alone": one(state("h_out", "h*")),
    "stars_of_nothing": one(state("cache_*", "cache_*")),
    "other_shape": one(state("wide")),
    "other_type": one(state("whole")),
    "open_size": one(state("h_out"), '"n"'),
    "a_state_and_an_argument": one(state("h_out") + '[argument.before]\nkind = "tensor"\ninput = "h"\n'),
    "doubled": Model(one(state("h_out")).spec.replace(":cell", ":doubled"), {"model.py": CODE}),
    "unknown_key": one(state("h_out", more="intial = 1.0\n")),
    "no_number": one(state("h_out", more='initial = "zero"\n')),
    "no_word": Model(one("").spec, {"model.py": CODE}, head='state = "inside"\n'),
    "nowhere": two(method(signatures='["c"]')),
    "near": two("[method.runall]\n"),
    "twice": two(method('select_by = "x"\n') + "[method.a]\n"),
    "twice_in_one": two(method('select_by = "x"\n', '["a", "a"]')),
    "not_chosen": two(method()),
    "chosen_of_one": two(method('select_by = "x"\n', '["a"]')),
    "chosen_by_nothing": two(method('select_by = "xs"\n')),
    "alike": two(method('select_by = "x"\n'), size=4),
    "other_inputs": two(method('select_by = "x"\n'), "other"),
    "other_sizes": two(method('select_by = "x"\n'), "wide"),
    "filled_elsewhere": two(method('select_by = "x"\nfill = { z = 1.0 }\n')),
    "all_private": two("".join(f"[method.{n}]\nprivate = true\n" for n in "ab")),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> dict[str, Said]:
    """One build of all of them."""
    return build(MODELS, tmp_path_factory.mktemp("wrong"), module_cli)[1]


@pytest.mark.parametrize("name", MODELS)
def test_it_is_told_at_its_key(name: str, said: dict[str, Said], snapshot: Any) -> None:
    assert said[name].told == snapshot(name=name)
    assert {e["code"] for e in said[name].errors} == {2}
    assert not said[name].value["variants"]
