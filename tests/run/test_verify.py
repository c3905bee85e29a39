"""`verify` builds again from nothing, elsewhere, and says which file is not as model.lock says, and what is not in it."""

from __future__ import annotations

import os

import pytest

import tflite_build
from tflite_build.errors import BuildError, ExitCode

# Weights from a generator without a seed, as notebooks have them; one number that depends on the surroundings.
MODEL = """
import os, time
import numpy as np

WEIGHTS = np.random.default_rng({seed}).normal(size=(4, 3)).astype("float32")


def predict(x):
    return x @ WEIGHTS + {more}
"""
SPEC = """spec = 1
[model]
name = "drawn"
[source]
format = "jax"
entry = "model.py:predict"
[input.x]
shape = [1, 4]
dtype = "float32"
[variant.float32]
[variant.float16]
quantize = "float16"
"""


def drawn(folder, seed: str = "0", more: str = "0"):
    folder.mkdir(exist_ok=True)
    (folder / "model.toml").write_text(SPEC)
    (folder / "model.py").write_text(MODEL.format(seed=seed, more=more))
    return folder


def test_what_comes_out_the_same(small, tmp_path, cli) -> None:
    """Every file again, into a store of its own: nothing of the build, its outputs or the store is touched."""
    small.build()
    outputs, lock = small.outputs(), small.lock.read_bytes()
    store = sorted(os.walk(tmp_path / "cache" / "store" / "v1" / "blobs"))
    (verified,) = tflite_build.verify(small.folder, keep=tmp_path / "kept")
    assert verified.ok and [f.name for f in verified.files] == ["small-float32.tflite", "small-int8.tflite"]
    assert (small.outputs(), small.lock.read_bytes()) == (outputs, lock)
    assert store == sorted(os.walk(tmp_path / "cache" / "store" / "v1" / "blobs"))
    kept = {f"small/{p.name}": p.read_bytes() for p in (tmp_path / "kept" / "small").iterdir()}
    assert kept == {name: data for name, data in outputs.items() if name.endswith(".tflite")}
    said = cli("verify", small.folder, "--offline")
    assert (said.code, said.out.splitlines()[-1]) == (0, "2 files are byte for byte as model.lock says")
    one = cli("verify", f"{small.folder}:int8")
    assert one.code == 0 and "float32" not in one.out and one.out.splitlines()[-1].startswith("1 file is byte")


@pytest.mark.parametrize(
    ("seed", "more"),
    [
        ("", "0"),  # no seed
        ("0", "len(os.path.dirname(os.path.abspath(__file__)))"),
        ("0", "len(os.path.expanduser('~'))"),
    ],
)
def test_what_comes_out_otherwise(tmp_path, cli, seed: str, more: str) -> None:
    """Of an unseeded generator, and of the folder or the home that a model looks at."""
    folder = drawn(tmp_path / "drawn", seed, more)
    assert cli("build", folder).code == 0
    said = cli("verify", folder)
    assert said.code == ExitCode.DIFFERS
    assert said.out.splitlines()[-1] == "2 of 2 files did not come out as model.lock says"
    assert (
        "drawn-float32.tflite  differs: " in said.out and "values of '" in said.out and "numbers differ, by" in said.out
    )


def test_a_locked_file_that_is_gone_is_told_by_its_hash(tmp_path, cli, cache) -> None:
    folder = drawn(tmp_path / "drawn")
    assert cli("build", folder).code == 0
    lock = folder / "model.lock"
    (line,) = [line for line in lock.read_text().splitlines() if "drawn-float16.tflite" in line]
    lock.write_text(lock.read_text().replace(line, f'"drawn-float16.tflite" = "{"0" * 64}"'))
    (verified,) = tflite_build.verify(folder)
    bad, good = verified.files
    assert (good.ok, bad.ok, bad.expected, bad.differences) == (True, False, "0" * 64, ())
    said = cli("verify", folder).out
    assert "000000000000 locked" in said and "the locked file is not there any more to be looked into" in said


def test_files_outside_of_the_folder_come_along(small, tmp_path) -> None:
    shared = small.folder.parent / "shared"
    shared.mkdir()
    small.source.rename(shared / "m.tflite")
    spec = small.folder / "model.toml"
    spec.write_text(spec.read_text().replace('"m.tflite"', '"../shared/m.tflite"'))
    assert small.build().model.ok
    (verified,) = tflite_build.verify(small.folder)
    assert verified.ok


def test_nothing_to_verify_against_and_what_cannot_be_built(small) -> None:
    with pytest.raises(BuildError) as caught:
        tflite_build.verify(small.folder)
    assert caught.value.code == ExitCode.DIFFERS and "'small' has no model.lock" in str(caught.value)
    small.build()
    small.write(calibration='data = "c.npz"', checks="min_cosine = 1.0")
    with pytest.raises(BuildError) as caught:
        tflite_build.verify(small.folder)
    assert caught.value.code == ExitCode.CHECK_FAILED and str(caught.value).startswith("it cannot be built again: ")
