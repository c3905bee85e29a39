"""Which release has which operator: the tables, held against the runtimes that are installed here, and what follows."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli

from tflite_build import resources
from tflite_build.tflite import reader, runtimes
from tflite_build.tflite.runtimes import Release

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "tflite"


def numbers(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def known(line: str, newest: str) -> dict[str, set[int]]:
    """The versions of each operator that the table gives releases up to `newest`."""
    parts = {"litert": ("runtimes", "litert.toml"), "tflite": ("operators.toml",)}[line]
    table = tomli.loads(resources.specs(*parts).read_text("utf-8"))
    return {
        name: {int(v) for v, first in of.items() if first != "pending" and numbers(first) <= numbers(newest)}
        for name, of in table.items()
        if isinstance(of, dict) and name != "repaired"
    }


@pytest.mark.parametrize(
    ("toolchain", "line", "package"),
    [("core", "litert", "ai-edge-litert"), ("tensorflow", "tflite", "tensorflow"), ("flex", "tflite", "tensorflow")],
)
def test_the_tables_are_what_installed_runtimes_load(
    toolchain: str, line: str, package: str, python_of: Callable[[str], Path]
) -> None:
    pins = resources.specs("toolchains", f"{toolchain}.txt").read_text("utf-8")
    version = next(row for row in pins.splitlines() if row.startswith((f"{package}==", f"{package}-cpu=="))).split()[0]
    done = subprocess.run(
        [python_of(toolchain), ROOT / "scripts" / "probe_runtimes.py"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found = {name: set(of) for name, of in tomli.loads(done.stdout).items()}
    wanted = known(line, version.partition("==")[2])
    assert {name: of for name, of in found.items() if of} == {name: of for name, of in wanted.items() if of}


def lacks(name: str, release: str) -> list[tuple[str, int, str, int]]:
    with reader.model(FIXTURES / f"{name}.tflite") as model:
        found = runtimes.lacks(model, runtimes.release(release))
    return [(lack.need.operator, lack.need.version, lack.need.runtime, lack.count) for lack in found]


def test_what_a_release_lacks() -> None:
    assert lacks("float32", "tflite 2.0") == []
    assert lacks("dynamic-int8", "tflite 2.17") == lacks("dynamic-int8", "litert 1.0") == []
    assert lacks("dynamic-int8", "tflite 2.16") == [("FULLY_CONNECTED", 12, "2.17.0", 1)]
    # A kernel that is there under the same version and computes something else does not count.
    assert lacks("dynamic-int4", "litert 1.0") == [("CONV_2D", 7, "1.1.0", 1)]
    with reader.model(FIXTURES / "dynamic-int8.tflite") as model:
        (lack,) = runtimes.lacks(model, Release("tflite", "2.16.0"))
        used = {t.name for g in model.subgraphs for o in g.operators for t in (g.tensors[i] for i in o.outputs)}
    assert lack.layer in used


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2.16", 'write "tflite 2.16"'),
        ("2.3", 'write "tflite 2.3" or "litert 2.3"'),
        ("v1.4", 'write "litert 1.4"'),
        ("litert 9.1", "there is no litert 9.1.0: this version of tflite-build knows 1.0.0 to 2.3.0"),
        ("tflite 2.18", "there is no tflite 2.18.0"),
        ("tensorflow 2.16", "is no runtime"),
        ("tflite 2", "'tflite 2' has no minor number: write it as in"),
        ("", "is no runtime"),
    ],
)
def test_what_names_no_release(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        runtimes.release(text)


def test_releases_of_platforms() -> None:
    assert runtimes.release("litert 2.1") == Release("litert", "2.1.0")
    assert runtimes.exists(Release("tflite", "2.16.1"), "android") == ""
    assert runtimes.exists(Release("tflite", "2.17.0"), "ios") == ""
    assert "org.tensorflow:tensorflow-lite exists from" in runtimes.exists(Release("tflite", "2.17.0"), "android")
    assert "Swift package exists from 2.1.6" in runtimes.exists(Release("litert", "2.1.0"), "ios")
    assert runtimes.bundled() == Release("litert", "2.3.0")
