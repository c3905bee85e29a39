"""Layers that lose most under quantization: named where a limit is missed, and tried in float by `check --suggest`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tomli
from harness import Ran

import tflite_build
from tflite_build.tflite import reader

ROOT = Path(__file__).resolve().parents[2]
# Between the two products one channel is 60 times as large as the others, which eight bits for all of them cannot hold.
BROKEN = """
import jax.numpy as jnp
import numpy as np

random = np.random.default_rng(0)
NAMES = ("first", "wide", "narrow", "last")
first, wide, narrow, last = (random.normal(size=(16, 16)).astype("f") / 4 for _ in NAMES)
SCALE = np.ones(16, "f")
SCALE[3] = 60


def f(x):
    x = jnp.tanh(x @ first)
    x = (x @ (wide * SCALE))
    x = (x + 0.1) @ (narrow / SCALE[:, None])
    return {"y": jnp.tanh(x) @ last}
"""
SPEC = """spec = 1
[model]
name = "broken"
[source]
format = "jax"
entry = "model.py:f"
[input.x]
shape = [1, 16]
dtype = "float32"
[variant.int8]
quantize = "int8"
[calibration]
data = "c.npz"
[checks]
min_cosine = 0.999
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "model.py").write_text(BROKEN)
    (folder / "model.toml").write_text(SPEC)
    np.savez(folder / "c.npz", x=np.random.default_rng(1).normal(size=(40, 1, 16)).astype("f"))
    return folder


def test_a_model_that_breaks_under_int8(broken: Path, module_cli: Callable[..., Ran]) -> None:
    """The layer that is to blame is named, and left in float it mends the variant."""
    failed = module_cli("build", broken)
    assert failed.code == 4
    at = failed.err.splitlines().index("    the layers that lose most, as keep_float names them:")
    assert "FULLY_CONNECTED" in failed.err.splitlines()[at + 1]
    ran = module_cli("check", broken, "--suggest", "--json")
    assert ran.code == 4
    (suggestion,) = json.loads(ran.out)["models"][0]["suggestions"]
    assert suggestion["layers"][0]["added"] > 0.1 > suggestion["layers"][-1]["added"]
    first, *trials = suggestion["trials"]
    assert first["layers"] == [] and not first["ok"]
    assert {trial["kind"] for trial in trials} == {"FULLY_CONNECTED", "TANH", None}
    good = [trial for trial in trials if trial["ok"]]
    smallest = min(good, key=lambda trial: trial["size"])
    assert suggestion["layers"][0]["name"] in smallest["layers"]
    assert 1 <= len(suggestion["keep_float"]) == len(smallest["layers"]) <= 3
    patterns = ", ".join(f"'{pattern}'" for pattern in suggestion["keep_float"])
    toml = SPEC.replace('quantize = "int8"\n', f'quantize = "int8"\nkeep_float = [{patterns}]\n')
    (broken / "model.toml").write_text(toml)
    built = module_cli("build", broken, "--json")
    assert built.code == 0, built.text
    file = broken / "build" / "broken" / "broken-int8.tflite"
    assert file.stat().st_size == smallest["size"]
    with reader.model(file) as model:
        assert {t.dtype for t in model.subgraphs[0].tensors} >= {"int8", "float32"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits") / "digits"
    shutil.copytree(ROOT / "examples" / "digits", folder, ignore=shutil.ignore_patterns("build"))
    spec = folder / "model.toml"
    spec.write_text(spec.read_text().replace("[checks]\n", "[checks]\nmax_error = 0.06\n"))
    return folder


def test_digits(digits: Path, module_cli: Callable[..., Ran]) -> None:
    ran = module_cli("check", f"{digits}:int8", "--suggest", cwd=digits)
    assert ran.code == 4
    rows = ran.out.splitlines()
    at = rows.index("digits, int8: which layers in float keep its limits")
    table = [row.split() for row in rows[at + 2 :] if row.startswith("  ")]
    assert table[0][:2] == ["nothing", "more"] and table[0][-1] == "missed"
    assert [row[-1] for row in table[:-1]].count("smallest") == 1
    assert rows[-1].startswith("  in [variant.int8]: keep_float = [")
    patterns = tomli.loads(rows[-1].partition("]: ")[2])["keep_float"]
    spec = digits / "model.toml"
    text = spec.read_text()
    spec.write_text(text.replace('io = "int8"', f'io = "int8"\nkeep_float = {patterns}'))
    kept = module_cli("check", f"{digits}:int8", cwd=digits)
    spec.write_text(text)
    assert kept.code == 0, kept.text
    assert not (digits / "build").exists()


def test_a_broken_spec_beside_it_takes_nothing_away(digits: Path, module_cli: Callable[..., Ran]) -> None:
    broken = digits.parent / "wrong"
    broken.mkdir()
    (broken / "model.toml").write_text("spec = 1\n")
    ran = module_cli("check", f"{digits}:int8", broken, "--suggest", "--json")
    good, bad = json.loads(ran.out)["models"]
    assert ran.code == 4 and good["checks"] and good["suggestions"][0]["keep_float"]
    assert (bad["ok"], bad["suggestions"], bad["errors"][0]["code"]) == (False, [], 2)
    ran = module_cli("check", broken, "--suggest", "--json")
    assert (ran.code, len(json.loads(ran.out)["models"])) == (2, 1)
    ran = module_cli("check", broken / "none", "--suggest", "--json")
    assert (ran.code, len(json.loads(ran.out)["errors"])) == (64, 1)


def test_what_nothing_helps(digits: Path, module_cli: Callable[..., Ran]) -> None:
    spec = digits / "model.toml"
    text = spec.read_text()
    spec.write_text(text.replace("max_error = 0.06", "max_error = 1e-9"))
    ran = module_cli("check", f"{digits}:int8", "--suggest", cwd=digits)
    dynamic = module_cli("check", f"{digits}:dynamic", "--suggest", cwd=digits)
    spec.write_text(text)
    rows = ran.out.splitlines()
    assert rows[-1] == "  none of these does: calibrate with more samples, or ask for less"
    tried = [
        row.split("  ")[1] for row in rows[rows.index("digits, int8: which layers in float keep its limits") + 2 : -1]
    ]
    assert tried[0] == "nothing more" and "op:CONV_2D" in tried and len(set(tried)) == len(tried), tried
    assert "the layers that lose most" in dynamic.err and "samples" not in dynamic.text
    assert dynamic.out.splitlines()[-1] == "  none of these does: ask for less"


def test_what_the_source_misses_itself(digits: Path, module_cli: Callable[..., Ran]) -> None:
    spec = digits / "model.toml"
    text = spec.read_text()
    wanted = text.replace("max_error = 0.06\n", "")
    spec.write_text(wanted.replace("[variant.int8]\n", "[variant.int8]\nchecks.accuracy.min = 0.99\n"))
    ran = module_cli("check", f"{digits}:int8", "--suggest", cwd=digits)
    spec.write_text(text)
    last = "  none: the source itself has 0.9778 in top1, and at least 0.99 is wanted"
    assert ran.code == 4 and ran.out.splitlines()[-1] == last, ran.text
    assert "the layers that lose most" not in ran.err
    assert f"help: {last.removeprefix('  none: ')}: no quantization mends that\n" in ran.err


STILL = """spec = 1
[model]
name = "still"
[source]
format = "jax"
entry = "model.py:f"
[input.x]
shape = [1, 4]
dtype = "float32"
[variant.float32]
[checks]
min_cosine = 0.9
"""


def test_a_constant_output_has_no_cosine(tmp_path: Path, module_cli: Callable[..., Ran]) -> None:
    """Which is said: a limit that is not in the table looks like one that is kept."""
    (tmp_path / "model.py").write_text("import jax.numpy as jnp\n\ndef f(x):\n    return {'y': jnp.tanh(x) * 0 + 2}\n")
    (tmp_path / "model.toml").write_text(STILL)
    ran = module_cli("check", tmp_path, cwd=tmp_path)
    (row,) = [row for row in ran.out.splitlines() if "min_cosine" in row]
    assert ran.code == 0 and [cell.strip() for cell in row.split("  ") if cell] == [
        "float32",
        "min_cosine",
        "not measured: the output is constant, and off by 0",
        "at least 0.9",
        "ok",
    ], ran.out


def test_nothing_is_tried_where_nothing_is_missed(small) -> None:
    assert tflite_build.suggest(small.folder) == ()
    small.write(checks='max_size = "1 KB"')  # which float layers would make worse
    assert tflite_build.suggest(small.folder) == ()
