"""A build with nothing to do is answered from the file system alone, and every change that matters ends that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import Ran

import tflite_build
from tflite_build.cli import front
from tflite_build.progress import StepFinished
from tflite_build.store.store import cache_root, store_folder

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
LATER = 0.2  # seconds: well beyond what a file system's clock may hide
SPEC = """spec = 1
[model]
name = "small"
[source]
format = "tflite"
path = "m.tflite"
[variant.int8]
quantize = "int8"
[calibration]
entry = "data.py:samples"
samples = 6
"""
DATA = """import numpy as np
from helper import SCALE


def samples():
    for number in range(6):
        yield np.random.default_rng(number).normal(scale=SCALE, size=(1, 8, 8, 2)).astype("float32")
"""


@dataclass
class Project:
    """A model in a folder, a copy of the tool to build it with, and a store."""

    folder: Path
    tool: Path
    cache: Path

    def run(self, *arguments: str) -> tuple[Ran, bool]:
        """What `tflite-build` said, and whether it said so at once: without what reads specs and command lines."""
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "tflite_build", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.tool), "TFLITE_BUILD_CACHE": str(self.cache)},
            capture_output=True,
            text=True,
        )
        imports = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
        error = "\n".join(line for line in done.stderr.splitlines() if not line.startswith("import time:"))
        assert any(line.endswith("tflite_build.cli.front") for line in imports)
        return Ran(done.returncode, done.stdout, error), not any(" pydantic" in line for line in imports)

    def build(self) -> tuple[str, bool]:
        """What a build printed, and whether it was said at once."""
        ran, at_once = self.run("build")
        assert (ran.code, ran.err) == (0, "")
        return ran.out, at_once

    def settle(self) -> None:
        """Build until nothing is to be looked at any more."""
        self.build()
        time.sleep(LATER)
        assert self.build()[1]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory, module_cache: Path) -> Project:
    """A project that was built, with nothing to do."""
    root = tmp_path_factory.mktemp("nothing")
    tool = root / "tool"
    for name in ("tflite_build", "specs", "templates"):
        shutil.copytree(ROOT / name, tool / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tool)
    folder = root / "work"
    folder.mkdir()
    shutil.copy(FIXTURES / "tflite" / "float32.tflite", folder / "m.tflite")
    for name, text in {"model.toml": SPEC, "data.py": DATA, "helper.py": "SCALE = 1.0\n"}.items():
        (folder / name).write_text(text)
    project = Project(folder, tool, module_cache)
    project.settle()
    return project


def ran(out: str) -> int:
    """How many steps ran, by a build's last line."""
    (number,) = [
        int(word) for word, following in zip(out.split(), out.split()[1:], strict=False) if following == "steps"
    ]
    return number


def flipped(file: Path) -> bytes:
    """The bytes of a model with one low bit of a weight changed."""
    data = bytearray(file.read_bytes())
    data[data.rindex(b"\x3e")] ^= 1  # the highest byte of a float between 0.125 and 0.5
    return bytes(data)


def in_place(file: Path, data: bytes) -> None:
    with file.open("r+b") as opened:
        opened.write(data)


def with_its_time(file: Path, data: bytes) -> None:
    stat = file.stat()
    in_place(file, data)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def replaced_by_an_old_one(file: Path, data: bytes) -> None:
    other = file.with_name("other")
    other.write_bytes(data)
    os.utime(other, (1e9, 1e9))
    other.replace(file)


def test_the_fast_answer_is_that_of_the_whole_command_line(settled: Project) -> None:
    fast, at_once = settled.build()
    slow, whole = settled.run("build", "--verbose")
    assert at_once and not whole
    steps = [line for line in slow.out.splitlines() if line.endswith("reused") and line.startswith("  small ")]
    rest = "\n".join(line for line in slow.out.splitlines() if line not in steps) + "\n"
    assert rest == fast and "int8" in fast and ran(fast) == 0 and len(steps) == 7


@pytest.mark.parametrize("write", [in_place, with_its_time, replaced_by_an_old_one])
def test_a_changed_byte_of_a_source_is_seen(settled: Project, write: Callable[[Path, bytes], None]) -> None:
    source = settled.folder / "m.tflite"
    before = source.read_bytes()
    write(source, flipped(source))
    assert source.stat().st_size == len(before)
    out, at_once = settled.build()
    assert not at_once and "changed" in out
    write(source, before)
    out, at_once = settled.build()
    assert not at_once and ran(out) == 0 and "changed" in out  # served from the store
    settled.settle()


@pytest.mark.parametrize("write", [in_place, with_its_time, replaced_by_an_old_one])
@pytest.mark.parametrize("name", ["small-int8.tflite", "report.json"])
def test_an_edited_output_is_replaced(settled: Project, name: str, write: Callable[[Path, bytes], None]) -> None:
    output = settled.folder / "build" / "small" / name
    before = output.read_bytes()
    write(output, before[:-1] + bytes([before[-1] ^ 1]))
    out, at_once = settled.build()
    assert not at_once and ran(out) == 0 and output.read_bytes() == before
    assert ("small-int8.tflite was edited since the last build; it is replaced" in out) == (name != "report.json")
    settled.settle()


@pytest.mark.parametrize("name", ["build/small/small-int8.tflite", "build/small/report.json", "model.lock", "build"])
def test_a_removed_output_is_put_back(settled: Project, name: str) -> None:
    path = settled.folder / name
    before = {p: p.read_bytes() for p in sorted(settled.folder.rglob("*")) if p.is_file() and p.suffix != ".pyc"}
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    out, at_once = settled.build()
    assert not at_once and ran(out) == 0
    assert {p: p.read_bytes() for p in before} == before
    settled.settle()


def test_what_user_code_imports_is_seen(settled: Project) -> None:
    """The helper of a helper's content, and a file that would be imported in its place."""
    helper = settled.folder / "helper.py"
    in_place(helper, b"SCALE = 2.0\n")
    out, at_once = settled.build()
    assert not at_once and ran(out) > 0
    in_place(helper, b"SCALE = 1.0\n")
    settled.settle()
    (settled.folder / "helper").mkdir()
    (settled.folder / "helper" / "__init__.py").write_text("SCALE = 3.0\n")
    out, at_once = settled.build()
    assert not at_once and ran(out) > 0 and "changed" in out
    shutil.rmtree(settled.folder / "helper")
    settled.settle()


@pytest.mark.parametrize(
    ("name", "old", "new", "steps"),
    [
        ("templates/init/example.toml.jinja", "\n", "\n# more\n", 0),
        ("specs/toolchains/core.txt", "#", "# more\n#", 0),
        ("specs/limits.toml", "\n", "\n# more\n", 0),
        ("tflite_build/__init__.py", '__version__ = "', '__version__ = "7.', 0),
        ("tflite_build/engines/words.py", '"""', '"""More. ', 6),
        ("tflite_build/actions/pack.py", '"""', '"""More. ', 1),
    ],
)
def test_a_changed_tool_looks_again(settled: Project, name: str, old: str, new: str, steps: int) -> None:
    """Whatever part of it: a template, a pin, the version. Only what the part decides runs again."""
    file = settled.tool / name
    before = file.read_text("utf-8")
    assert old in before
    file.write_text(before.replace(old, new, 1), "utf-8")
    out, at_once = settled.build()
    assert not at_once and ran(out) == steps
    file.write_text(before, "utf-8")
    settled.settle()


def test_a_file_that_was_only_touched_changes_nothing(settled: Project) -> None:
    for path in [p for p in settled.folder.rglob("*") if p.is_file()]:
        path.touch()
    out, at_once = settled.build()
    assert at_once and ran(out) == 0


def test_a_comment_in_the_spec_runs_nothing(settled: Project) -> None:
    spec = settled.folder / "model.toml"
    spec.write_text(f"{SPEC}# a comment\n")
    out, at_once = settled.build()
    assert not at_once and ran(out) == 0
    assert settled.build()[1]
    spec.write_text(SPEC)
    settled.settle()


def test_an_edit_within_the_clocks_granularity_is_seen(small) -> None:
    """As by a program that writes right after the build: the times may be those that the build saw."""
    first, second = small.source.read_bytes(), flipped(small.source)
    small.build()
    outputs = {first: small.outputs()}
    in_place(small.source, second)
    small.build()
    outputs[second] = small.outputs()
    assert outputs[first] != outputs[second]
    for number in range(20):
        content = (first, second)[number % 2]
        with_its_time(small.source, content)
        small.build()
        assert small.outputs() == outputs[content], number


def test_a_new_file_in_a_saved_model_is_seen(tmp_path: Path, cli: Callable[..., Ran]) -> None:
    source = tmp_path / "source"
    shutil.copytree(FIXTURES / "saved_models" / "keras3_export", source)
    (tmp_path / "model.toml").write_text(
        'spec = 1\n[model]\nname = "measure"\n[source]\nformat = "saved_model"\npath = "source"\n'
        'signatures = ["serve"]\n[input.measures]\nshape = [1, 4]\n'
    )
    assert cli("build", tmp_path).code == 0
    assert ran(cli("build", tmp_path).out) == 0
    (source / "assets").mkdir(exist_ok=True)
    (source / "assets" / "words.txt").write_text("new\n")
    assert ran(cli("build", tmp_path).out) > 0


def test_several_models_are_counted(small_model, cli: Callable[..., Ran]) -> None:
    one, two = small_model(name="one"), small_model(name="two")
    work = one.folder.parent
    assert cli("build", work).out.count("variant ") == 2
    again = cli("build", work).out
    assert "variant " not in again and "\n2 models are up to date\n" in again and "4 files in" in again
    two.change_a_weight()
    changed = cli("build", work).out
    assert "\n1 model is up to date\n" in changed and changed.count("variant ") == 1 and "\ntwo" in changed


@pytest.mark.parametrize("chosen", [None, "", "/somewhere", "~/there", "relative"])
@pytest.mark.parametrize("xdg", [None, "", "/xdg"])
def test_the_fast_path_looks_where_the_store_is(chosen: str | None, xdg: str | None, monkeypatch) -> None:
    for name, value in (("TFLITE_BUILD_CACHE", chosen), ("XDG_CACHE_HOME", xdg)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert front.store() == str(store_folder(cache_root()))


WORKSPACE_FILE = "tflite-build.toml"


@pytest.mark.parametrize("what", ["source", "spec", "workspace", "data"])
def test_a_change_while_a_build_runs_is_seen_by_the_next(small, what: str) -> None:
    """Whenever it came: what was built is what was read, and what was changed since is built next."""
    changed: list[str] = []

    def change(event: object) -> None:
        if isinstance(event, StepFinished) and event.step == "compare:float32" and not changed:
            changed.append(what)
            if what == "source":
                in_place(small.source, flipped(small.source))
            elif what == "spec":
                small.write(int8='quantize = "int8"\nio = "int8"')
            elif what == "workspace":
                (small.folder / WORKSPACE_FILE).write_text('[build]\nout_dir = "elsewhere"\n')
            else:
                small.calibrate(1)

    tflite_build.build(small.folder, on_event=change)
    assert changed
    fresh = small.build()
    assert fresh.model.ok
    assert fresh.model.folder.parent.name == ("elsewhere" if what == "workspace" else "build")
    assert what == "workspace" or fresh.ran
    assert small.build().ran == []


def test_nothing_of_the_users_is_replaced_or_removed(small_model, cli: Callable[..., Ran]) -> None:
    """A build folder that is the model's own folder, or one above it; and files in it that no build made."""
    model = small_model(name="m", float32="")
    folder = model.folder
    model.source.rename(folder / "m-orig.tflite")
    spec = folder / "model.toml"
    spec.write_text(spec.read_text().replace('"m.tflite"', '"m-orig.tflite"'))
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    for out in (folder.parent, folder.parent.parent / "work"):
        for command in ("build", "clean"):
            said = cli(command, folder, "--out-dir", out)
            assert said.code == 2 and "would be built into" in said.err and "holds its own model.toml" in said.err
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before
    assert cli("build", folder).code == 0
    mine = folder / "build" / "m" / "m-notes.tflite"
    mine.write_text("mine")
    (folder / "build" / "m" / "notes.txt").write_text("mine")
    spec.write_text(spec.read_text() + '[variant.half]\nquantize = "float16"\n')
    assert cli("build", folder).code == 0 and mine.read_text() == "mine"
    said = cli("clean", folder)
    assert said.code == 0 and "stays: it holds files that no build made" in said.err
    assert sorted(p.name for p in mine.parent.iterdir()) == ["m-notes.tflite", "notes.txt"]
