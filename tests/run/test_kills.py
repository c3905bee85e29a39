"""kill -9 at random instants, and Ctrl-C: the next build ends as if nothing had been, and no process is left."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tflite_build
from tflite_build.store.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="which processes are left is read in Linux's /proc")

HERE = Path(__file__).parent
FIXTURE = HERE.parent / "fixtures" / "tflite" / "float32.tflite"
DIGITS = HERE.parents[1] / "examples" / "digits" / "digits.keras"
SEED = 1
STATES = 3
VARIANTS = {
    "a": '[variant.float32]\n[variant.dynamic]\nquantize = "dynamic-int8"\n',
    "b": '[variant.float32]\n[variant.half]\nquantize = "float16"\n',
    "c": '[variant.float32]\n[variant.int8]\nquantize = "int8"\n[calibration]\ndata = "c.npz"\n',
}


@dataclass
class Project:
    """A workspace whose sources have states, and what an undisturbed build of each makes."""

    folder: Path
    cache: Path
    write: Callable[[Path, int], None]
    expected: dict[int, dict[str, bytes]]
    takes: float = 0.0

    def everything(self) -> dict[str, bytes]:
        files = [p for p in self.folder.rglob("*") if p.is_file() and ("build" in p.parts or p.suffix == ".lock")]
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in files}

    def forget(self) -> None:
        """So that everything is to be done again."""
        store = self.cache / "store" / "v1"
        shutil.rmtree(store / "results", ignore_errors=True)
        for file in store.glob("snapshots.sqlite*"):
            file.unlink(missing_ok=True)

    def undisturbed(self, states: int) -> None:
        for state in range(states):
            for folder in self.folder.glob("**/build"):
                shutil.rmtree(folder)
            self.write(self.folder, state)
            self.forget()
            begun = time.monotonic()
            subprocess.run(self.command(), check=True, stdout=subprocess.DEVNULL)
            self.takes = time.monotonic() - begun
            self.expected[state] = self.everything()

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tflite_build", "build", str(self.folder)]

    def processes(self) -> list[int]:
        """All that belong to a build here."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                line = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if str(self.cache) in line and state != "Z" and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        return found

    def kill_a_build(self, chance: random.Random) -> str:
        """Kill the tool, a worker or both at a random instant of a build; which."""
        tool = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.takes * chance.random())
        victim = chance.choice(("tool", "worker", "both"))
        workers = self.processes() if victim != "tool" else []
        if victim != "worker":
            tool.kill()
        for process in chance.sample(workers, min(len(workers), 1 if victim == "worker" else 9)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        tool.wait(120)
        return victim

    def survives(self, rounds: int) -> None:
        killed: list[str] = []
        for number in range(rounds):
            chance = random.Random(f"{SEED} {number}")
            state = (number + 1) % len(self.expected)
            self.write(self.folder, state)
            self.forget()
            killed.append(self.kill_a_build(chance))
            where = (SEED, number, killed[-1])
            until = time.monotonic() + 5
            while self.processes() and time.monotonic() < until:
                time.sleep(0.01)
            assert self.processes() == [], where
            result = tflite_build.build(self.folder)
            assert result.ok, (where, [e.render() for m in result.models for e in m.errors])
            made, expected = self.everything(), self.expected[state]
            assert {n: d for n, d in made.items() if not n.endswith("report.json")} == {
                n: d for n, d in expected.items() if not n.endswith("report.json")
            }, where
            assert made.keys() == expected.keys(), where
            Store().close()  # as a build does that has something to do
            assert list((self.cache / "store" / "v1" / "tmp").iterdir()) == [], where
        assert tflite_build.cache_verify().damaged == ()
        assert {"tool", "worker", "both"} == set(killed)


def small(folder: Path, state: int) -> None:
    for number, (name, variants) in enumerate(VARIANTS.items()):
        own = folder / name
        own.mkdir(exist_ok=True)
        (own / "model.toml").write_text(
            f'spec = 1\n[model]\nname = "{name}"\n[source]\nformat = "tflite"\npath = "m.tflite"\n{variants}'
        )
        content = bytearray(FIXTURE.read_bytes())
        content[content.rindex(b"\x3e") - 1] ^= 1 + state + STATES * number
        (own / "m.tflite").write_bytes(content)
    samples = np.random.default_rng(state).normal(size=(6, 8, 8, 2)).astype("float32")
    np.savez(folder / "c" / "c.npz", image=samples)


def keras(folder: Path, state: int) -> None:
    shutil.copy(DIGITS, folder / "digits.keras")
    variant = ("float16", "dynamic-int8")[state]
    (folder / "model.toml").write_text(
        'spec = 1\n[model]\nname = "digits"\n[source]\nformat = "keras"\npath = "digits.keras"\n'
        f'[variant.float32]\n[variant.small]\nquantize = "{variant}"\n'
    )


def new(tmp_path: Path, cache: Path, write: Callable[[Path, int], None], states: int) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder, cache, write, {})
    write(folder, 0)
    subprocess.run(project.command(), check=True, stdout=subprocess.DEVNULL)  # makes byte code, too
    project.undisturbed(states)
    return project


def test_two_hundred_kills(tmp_path: Path, cache: Path) -> None:
    new(tmp_path, cache, small, STATES).survives(200)


def test_twenty_kills_of_conversions(tmp_path: Path, cache: Path) -> None:
    new(tmp_path, cache, keras, 2).survives(20)


def test_ctrl_c_says_what_was_finished_and_keeps_it(tmp_path: Path, cache: Path) -> None:
    """After several of its lines: sooner, it may be Python that is interrupted while it reads its files."""
    project = new(tmp_path, cache, small, 1)
    said: list[Any] = []
    for number in range(0, 24, 2):
        project.forget()
        for folder in project.folder.glob("*/build"):
            shutil.rmtree(folder)
        tool = subprocess.Popen(project.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert tool.stdout is not None and tool.stderr is not None
        out = "".join(tool.stdout.readline() for _ in range(number))
        tool.send_signal(signal.SIGINT)
        out, err = out + tool.stdout.read(), tool.stderr.read()
        tool.wait(60)
        assert "Traceback" not in err and project.processes() == []
        assert tool.returncode in (0, 130, -signal.SIGINT), (number, out, err)
        if out + err == "":  # Python was still reading its files
            continue
        assert tool.returncode != -signal.SIGINT, (number, out, err)
        if tool.returncode == 0 or "steps run" in out:  # it had ended
            continue
        ran = [line.split() for line in out.splitlines() if line.endswith(" s")]
        published = [name for name in VARIANTS if (project.folder / name / "build").is_dir()]
        *finished, last = err.splitlines()
        assert last.startswith("interrupted; ") and last.endswith("kept for the next build"), err
        told = re.search(r"finished, (.*) published", last)
        whole = told[1].split(", ") if told else []
        assert set(whole) <= set(published)
        for model, step, *_ in ran:
            mine = next((line for line in finished if line.startswith(f"finished of {model}: ")), "")
            assert model in whole or step in mine or " more" in mine, (err, ran)
            said.append(mine)
        result = tflite_build.build(project.folder)
        reused = {(m.name, s.id) for m in result.models for s in m.steps if s.reused}
        assert result.ok and {(model, step) for model, step, *_ in ran} <= reused
    assert any(said)
