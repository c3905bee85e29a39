"""The process that is started before the tool knows what it will do: taken where it fits, else never there."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tflite_build
from tflite_build.progress import Event, StepStarted
from tflite_build.run import ahead, code
from tflite_build.run.worker import EngineProcess, Environment, Workers
from tflite_build.store.store import cache_root, store_folder
from tflite_build.toolchain import pins, provision

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def python(cache: Path) -> Iterator[Path]:
    """The Python of an installed litert toolchain."""
    yield provision.ensure(pins.load("litert"), cache_root(), offline=False, report=print)
    for process in ahead._started:
        process.kill()
    ahead._started.clear()


def project(folder: Path, source: str, more: str = "") -> Path:
    folder.mkdir()
    toml = f'spec = 1\n[model]\nname = "{folder.name}"\n[source]\nformat = "{source}"\n{more}'
    (folder / "model.toml").write_text(toml, "utf-8")
    return folder


@pytest.mark.parametrize(("source", "options"), [("keras", ["--json"]), ("jax", []), ("jax", ["-v", "-k"])])
@pytest.mark.parametrize("name", ["model", "model/model.toml", "."])
def test_the_first_build_of_a_model_takes_it(
    source: str, options: list[str], name: str, python: Path, tmp_path: Path
) -> None:
    project(tmp_path / "model", source)
    ahead.start([*options, str(tmp_path / name)])
    engine_code = code.unpack(store_folder(cache_root()))
    workers = Workers(engine_code, tmp_path, 2)
    started: list[EngineProcess] = ahead.taken(engine_code)
    try:
        assert len(started) == 1
        workers.adopt(started)
        assert workers.take(Environment("litert", python), fresh=True) is started[0]
        assert started[0].alive
    finally:
        workers.close()
    assert not started[0].alive


def test_it_is_started_only_where_it_is_wanted(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = project(tmp_path / "built", "keras")
    (built / "build").mkdir()
    keras = project(tmp_path / "keras", "keras")
    for arguments in (
        [str(built)],
        [str(project(tmp_path / "other", "saved_model"))],
        [str(keras), str(keras)],
        [str(keras), "--out-dir", str(tmp_path)],
        [f"{keras}:int8"],
        [str(project(tmp_path / "packages", "jax", '[toolchain]\npackages = ["einops"]\n'))],
        [str(tmp_path / "nowhere")],
        ["\0"],
    ):
        ahead.start(arguments)
        assert ahead._started == [], arguments
    monkeypatch.setenv("TFLITE_BUILD_CACHE", str(tmp_path / "empty"))
    ahead.start([str(keras)])
    assert ahead._started == []
    assert not (tmp_path / "empty").exists()


def test_it_is_ended_at_once_where_no_step_wants_it(python: Path, tmp_path: Path) -> None:
    more = 'path = "small.keras"\n[convert]\nengine = "tensorflow"\n[limits]\ntimeout = 1\n'
    folder = project(tmp_path / "model", "keras", more)
    shutil.copy(FIXTURES / "init" / "sequential.keras", folder / "small.keras")
    ahead.start([str(folder)])
    (process,) = ahead._started
    alive = []

    def noted(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "lower":
            until = time.monotonic() + 20  # it is asked to end, and does so by itself
            while process.alive and time.monotonic() < until:
                time.sleep(0.02)
            alive.append(process.alive)

    tflite_build.build(folder, on_event=noted)  # in vain: TensorFlow needs more than a second
    assert alive == [False]


GUARDED = """
import os
from pathlib import Path

sizes = []
for process in Path("/proc").glob("[0-9]*"):
    try:
        group = int((process / "stat").read_text().rpartition(")")[2].split()[2])
        if group == os.getpgrp() and int(process.name) != os.getpid():
            sizes += [line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS")]
    except OSError:  # it ended meanwhile
        pass
raise ValueError("; ".join(sizes))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a process is read in Linux's /proc")
def test_the_guard_beside_it_is_small(python: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    """It is there before the frameworks are, whose memory would otherwise be its own from the first change on."""
    folder = project(tmp_path / "model", "jax", 'entry = "model.py:predict"\n[input.x]\nshape = [2]\n')
    (folder / "model.py").write_text(GUARDED)
    ran = cli("build", folder)
    (size,) = re.findall(r"VmRSS:\s+(\d+) kB", ran.err)
    assert int(size) < 40_000


def test_one_that_runs_other_code_is_ended(python: Path, tmp_path: Path) -> None:
    ahead.start([str(project(tmp_path / "model", "keras"))])
    (process,) = ahead._started
    assert ahead.taken(code.EngineCode(tmp_path, "of another version")) == []
    assert not process.alive
