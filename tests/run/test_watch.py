"""`watch`: a change that matters is built at once, by processes that are warm, and nothing else wakes it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tflite_build.run import code
from tflite_build.run.area import area
from tflite_build.run.worker import Environment, Workers

QUIET = 1.5  # seconds in which something would have been said


class Watching:
    """`tflite-build watch` as a process, and what it has said so far."""

    def __init__(self, *arguments: str | Path, cwd: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tflite_build", "watch", *map(str, arguments)],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "160"},
        )
        self._said = ""
        self._seen = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said += line

    def until(self, pattern: str, seconds: float = 60) -> str:
        """What is said up to the first line that matches `pattern`, from what was asked for last."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(f".*{pattern}.*\n", self._said[self._seen :])
            if found:
                text = self._said[self._seen : self._seen + found.end()]
                self._seen += found.end()
                return text
            assert time.monotonic() < end and self.process.poll() is None, self._said
            time.sleep(0.02)

    def more(self) -> str:
        """What is said in a while."""
        time.sleep(QUIET)
        return self._said[self._seen :]

    def until_it_works(self, seconds: float = 60) -> None:
        """Waits for the first process that it starts."""
        end = time.monotonic() + seconds
        while not self.children():
            assert time.monotonic() < end and self.process.poll() is None, self._said
            time.sleep(0.02)

    def children(self) -> set[int]:
        """The processes that it started and that still run."""
        out = subprocess.run(
            ["ps", "-o", "pid=,stat=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return {int(pid) for pid, stat in map(str.split, out.stdout.splitlines()) if not stat.startswith("Z")}


@pytest.fixture
def watching(cache: Path) -> Iterator[Callable[..., Watching]]:
    started: list[Watching] = []

    def start(*arguments: str | Path, cwd: Path) -> Watching:
        started.append(Watching(*arguments, cwd=cwd))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


DONE = r"steps run, \d+ reused"


def test_what_matters_is_built_and_nothing_else(small, watching: Callable[..., Watching]) -> None:
    watch = watching(cwd=small.folder.parent)
    assert "variant " in watch.until(DONE)
    watch.until("watching 1 model; Ctrl-C ends it")
    assert not watch.more()  # its own outputs wake nobody
    warm = watch.children()
    assert warm

    for name in (".model.toml.swp", "4913", "model.toml~", "#model.toml#", ".hidden", "x.pyc"):
        (small.folder / name).write_text("x")
    (small.folder / "notes.txt").write_text("nothing that a build reads")
    small.source.touch()
    os.utime(small.lock)
    (small.folder / "build" / "beside.txt").write_text("x")
    assert not watch.more()

    small.write(int8='quantize = "int8"\ngranularity = "tensor"')
    said = watch.until(DONE)
    assert said.startswith("\nchanged: small/model.toml\n") and "changed, " in said
    assert warm & watch.children()  # the same processes do it

    for seed in range(20):  # a burst is one change
        small.calibrate(seed)
    assert watch.until(DONE).count("changed: small/c.npz") == 1 and not watch.more()


def test_mistakes_are_shown_and_it_goes_on(small, watching: Callable[..., Watching]) -> None:
    watch = watching(small.folder, cwd=small.folder)
    watch.until("watching 1 model")
    small.write(int8='quantize = "int9"')
    assert "'int9' is not one of" in watch.until("did you mean")
    (small.folder / "notes.txt").write_text("x")
    assert not watch.more()  # what was said is not said again
    small.write(int8='quantize = "int8"')
    watch.until(DONE)
    data = small.source.read_bytes()
    small.source.unlink()
    watch.until("error: ")
    small.source.write_bytes(data)
    watch.until(DONE)
    small.output("int8").unlink()  # nobody else's business: the next build puts it back
    assert not watch.more()


def test_new_models_and_what_lies_elsewhere_are_seen(small_model, watching: Callable[..., Watching]) -> None:
    one, two = small_model(name="one"), small_model(name="two")
    work = one.folder.parent
    elsewhere = work.parent / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    shutil.move(one.folder / "c.npz", elsewhere / "c.npz")
    one.write(calibration=f'data = "{os.path.relpath(elsewhere, one.folder)}/c.npz"')
    shutil.move(two.folder, work.parent / "later")
    watch = watching(".", cwd=work)
    watch.until("watching 1 model")
    shutil.copy(two.folder.parent.parent / "later" / "c.npz", elsewhere / "other.npz")
    assert not watch.more()
    two.folder = work.parent / "later"
    two.calibrate(5)
    (two.folder / "c.npz").replace(elsewhere / "c.npz")  # as editors save
    assert "elsewhere/deep/c.npz" in watch.until(DONE)
    two.calibrate(6)
    shutil.copytree(two.folder, work / "below" / "two")
    said = watch.until(DONE)
    assert "\ntwo" in said and "1 model is up to date" in said
    two.folder = work / "below" / "two"
    assert not watch.more()
    two.calibrate(7)
    assert "changed: below/two/c.npz" in watch.until(DONE)
    shutil.rmtree(elsewhere)
    watch.until("error: ")
    elsewhere.mkdir()
    shutil.copy(two.folder / "c.npz", elsewhere / "c.npz")
    watch.until(DONE)
    (work / "tflite-build.toml").write_text("[checks]\nmin_cosine = 1\n")
    watch.until("at least 1 is wanted")


def test_a_store_that_went_is_made_anew(small, cache: Path, watching: Callable[..., Watching]) -> None:
    watch = watching(cwd=small.folder)
    watch.until("watching 1 model")
    shutil.rmtree(cache / "store")
    small.calibrate(3)
    said = watch.until(DONE)
    assert "variant " in said and "failed" not in said.splitlines()[-1]
    small.calibrate(4)
    watch.until(DONE)


@pytest.mark.parametrize("busy", [False, True])
def test_ctrl_c_ends_it_at_once(busy: bool, small, watching: Callable[..., Watching]) -> None:
    watch = watching(cwd=small.folder)
    if busy:
        watch.until_it_works()
    else:
        watch.until("watching 1 model")
    children = watch.children()
    watch.process.send_signal(signal.SIGINT)
    assert watch.process.wait(5) == 130
    time.sleep(0.2)
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_names_that_mean_nothing_end_it(tmp_path: Path, cli) -> None:
    ran = cli("watch", tmp_path)
    assert ran.code == 64 and "there is no model.toml in" in ran.err


def test_idle_processes_are_ended(tmp_path: Path, python_of: Callable[[str], Path]) -> None:
    workers = Workers(code.unpack(tmp_path), tmp_path, 3)
    environment = Environment("core", python_of("core"))
    try:
        one, two = (workers.take(environment, fresh=False) for _ in range(2))
        workers.give_back(one, reusable=True)
        time.sleep(0.3)
        workers.give_back(two, reusable=True)
        workers.end_idle(0.2)
        assert not one.alive and two.alive
        assert workers.take(environment, fresh=False) is two
        workers.end_idle(0)
        assert two.alive  # somebody has it
    finally:
        workers.close()


def test_no_tool_of_ours_is_watched(small) -> None:
    small.build()
    where = area([small.folder], None)
    assert str(small.folder) in where.folders
    assert not [
        f for f in where.folders if f.startswith((str(small.folder / "build"), os.environ["TFLITE_BUILD_CACHE"]))
    ]
