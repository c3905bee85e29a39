"""`build --depfile`: other build systems read there what was made and from what, and run again for that alone."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import ninja
import pytest
from harness import Ran

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
ODD = "a b$c#d\\ e"  # all that Makefiles give a meaning to
READ = ("model.toml", "m.tflite", "c.npz")
OUTPUT = f"{ODD}/build/small/small-float32.tflite"


def rules(file: Path) -> dict[str, list[str]]:
    """Targets -> prerequisites as they stand in the file, those lines left out that only name a prerequisite."""
    lines = file.read_text("utf-8").replace(" \\\n  ", "\n  ").split("\n")
    found: dict[str, list[str]] = {}
    target = ""
    for line in lines:
        if line.startswith("  "):
            found.setdefault(target, []).append(line.strip())
        else:
            target = line.removesuffix(":")
    return found


def test_a_rule_for_each_model(small_model, cli: Callable[..., Ran]) -> None:
    work = small_model(name="one").folder.parent
    small_model(name="two")
    ran = cli("build", "--depfile", "out/all.d", cwd=work)
    assert ran.code == 0, ran.text
    file = work / "out" / "all.d"
    assert rules(file) == {
        f"{n}/build/{n}/{n}-float32.tflite {n}/build/{n}/{n}-int8.tflite": [f"{n}/{name}" for name in READ]
        for n in ("one", "two")
    }
    file.unlink()
    again = cli("build", "--depfile", "out/all.d", cwd=work)  # by then the locks are older than the build
    assert "2 models are up to date" in again.out
    assert [sources[-1] for sources in rules(file).values()] == ["one/model.lock", "two/model.lock"]
    written = file.stat().st_mtime_ns
    assert cli("build", "--depfile", "out/all.d", cwd=work).code == 0 and file.stat().st_mtime_ns == written
    assert cli("build", "--depfile", "one.d", "two:float32", cwd=work).code == 0  # of a variant only that
    assert list(rules(work / "one.d")) == ["two/build/two/two-float32.tflite"]


def test_nothing_is_written_of_what_failed(small, cli: Callable[..., Ran]) -> None:
    file = small.folder / "x.d"
    small.write(checks="min_cosine = 1")
    assert cli("build", small.folder, "--depfile", file).code == 4 and not file.exists()
    small.write(checks="min_cosine = 0.5")
    assert cli("build", small.folder, "--depfile", file, "--json").code == 0 and file.exists()
    before = file.read_bytes()
    small.write(checks="min_cosine = 1")
    assert cli("build", small.folder, "--depfile", file).code == 4 and file.read_bytes() == before


def test_what_was_built_is_shown_though_the_file_cannot_be_written(small, cli: Callable[..., Ran]) -> None:
    (small.folder / "in the way").write_text("")
    ran = cli("build", small.folder, "--depfile", "in the way/x.d", cwd=small.folder)
    assert ran.code == 5 and "cannot write in the way/x.d" in ran.err
    assert ran.out == "", "what is seen before the build is told before it"
    ran = cli("build", small.folder, "--depfile", "/dev/full", cwd=small.folder)
    assert ran.code == 5 and "cannot write /dev/full: No space left on device" in ran.err
    assert "2 files in build/small" in ran.out and small.output("int8").is_file()


@pytest.fixture
def odd(small) -> tuple[Path, list[str]]:
    """A folder that holds the model in one called ODD, and the command that builds it there."""
    work = small.folder.parent
    small.folder.rename(work / ODD)
    return work, [sys.executable, "-m", "tflite_build", "build", "--depfile", "x.d", ODD]


def test_ninja_reads_odd_names(odd: tuple[Path, list[str]], cache: Path) -> None:
    work, command = odd
    output = OUTPUT.replace("$", "$$").replace(" ", "$ ")
    (work / "build.ninja").write_text(
        f"rule models\n  command = {shlex.join(command).replace('$', '$$')}\n"
        f"  depfile = x.d\n  deps = gcc\n  restat = 1\nbuild {output}: models\n"
    )

    def ran() -> bool:
        done = subprocess.run([Path(ninja.BIN_DIR) / "ninja"], cwd=work, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        return "no work to do" not in done.stdout

    assert ran() and not ran()
    for name in READ:
        (work / ODD / name).touch()
        assert ran() and not ran()


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_reads_odd_names(odd: tuple[Path, list[str]], cache: Path) -> None:
    work, command = odd
    (work / "Makefile").write_text("%-float32.tflite: ; @echo made\n-include x.d\n")

    def ran() -> bool:
        done = subprocess.run(["make", OUTPUT], cwd=work, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout == "made\n"

    subprocess.run(command, cwd=work, check=True, capture_output=True)
    assert not ran()
    now = (work / OUTPUT).stat().st_mtime
    for number, name in enumerate(READ, 1):  # with times apart, however coarse the clock is
        os.utime(work / ODD / name, (now + 2 * number,) * 2)
        assert ran()
        os.utime(work / OUTPUT, (now + 2 * number + 1,) * 2)
        assert not ran()
    (work / ODD / "c.npz").unlink()
    assert ran()  # so that the tool says what is missing


def test_a_new_file_in_a_saved_model_is_a_reason(tmp_path: Path, cli: Callable[..., Ran]) -> None:
    source = tmp_path / "elsewhere" / "source"
    shutil.copytree(FIXTURES / "saved_models" / "keras3_export", source)
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.toml").write_text(
        'spec = 1\n[model]\nname = "measure"\n[source]\nformat = "saved_model"\npath = "../elsewhere/source"\n'
        'signatures = ["serve"]\n[input.measures]\nshape = [1, 4]\n'
    )
    ran = cli("build", model, "--depfile", "x.d", cwd=tmp_path)
    assert ran.code == 0, ran.text
    (found,) = rules(tmp_path / "x.d").values()
    read = {(tmp_path / path).resolve() for path in found}  # a path may hold `..`
    assert {source, *source.rglob("*")} <= read


def test_what_user_code_reads_is_a_reason(tmp_path: Path, cli: Callable[..., Ran]) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (tmp_path / "scale.txt").write_text("2.0")
    (model / "helper.py").write_text("ONE = 1.0\n")
    (model / "model.py").write_text(
        f"import helper\nSCALE = float(open({str(tmp_path / 'scale.txt')!r}).read())\n"
        "def double(x):\n    return x * SCALE * helper.ONE\n"
    )
    (model / "model.toml").write_text(
        'spec = 1\n[model]\nname = "double"\n[source]\nformat = "jax"\nentry = "model.py:double"\n[input.x]\n'
        'shape = [1, 4]\ndtype = "float32"\n'
    )
    ran = cli("build", model, "--depfile", "x.d", cwd=tmp_path)
    assert ran.code == 0, ran.text
    (found,) = rules(tmp_path / "x.d").values()
    assert {"model/model.toml", "model/model.py", "model/helper.py", "scale.txt"} <= set(found)
    assert "model" not in found  # where model.lock and build/ are made
