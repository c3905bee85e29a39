"""Random sequences of edits, builds, kills and damage: a build always gives what an undisturbed one would.

The model of what should be true: outputs are a function of the project's files alone, and a build after a build does
nothing. What they are for given files is found out once, with an empty store.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import new_cache
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import tflite_build
from tflite_build.progress import Event, StepFinished

FIXTURE = Path(__file__).parents[1] / "fixtures" / "tflite" / "float32.tflite"
SPEC = """spec = 1
[model]
name = "small"
[source]
format = "tflite"
path = "m.tflite"
[variant.float32]
[variant.int8]
quantize = "int8"
io = "{io}"
[calibration]
data = "c.npz"
"""
IO = ("float32", "int8", "uint8")
SEEDS = range(3)
State = tuple[str, int, int]  # io, source, calibration


@dataclass
class Project:
    """A project, a store, and what happens to them between two builds."""

    folder: Path
    cache: Path
    state: State = (IO[0], 0, 0)
    comments: int = 0

    def spec(self, chance: random.Random) -> None:
        self.state = (chance.choice(IO), *self.state[1:])
        write(self.folder, self.state)

    def source(self, chance: random.Random) -> None:
        self.state = (self.state[0], chance.choice(SEEDS), self.state[2])
        write(self.folder, self.state)

    def data(self, chance: random.Random) -> None:
        self.state = (*self.state[:2], chance.choice(SEEDS))
        write(self.folder, self.state)

    def comment(self, chance: random.Random) -> None:
        self.comments += 1
        with (self.folder / "model.toml").open("a") as spec:
            spec.write(f"# {self.comments}\n")

    def touch(self, chance: random.Random) -> None:
        for file in self.folder.rglob("*.*"):
            file.touch()

    def lose_output(self, chance: random.Random) -> None:
        names = ("small-int8.tflite", "small-float32.tflite", "report.json", "../../model.lock")
        (self.folder / "build" / "small" / chance.choice(names)).unlink(missing_ok=True)

    def lose_outputs(self, chance: random.Random) -> None:
        shutil.rmtree(self.folder / "build", ignore_errors=True)

    def edit_output(self, chance: random.Random) -> None:
        output = self.folder / "build" / "small" / chance.choice(("small-int8.tflite", "report.json"))
        if output.exists():
            damage(output, chance)

    def damage_blobs(self, chance: random.Random) -> None:
        self._damage("blobs", chance)
        self.lose_outputs(chance)  # so that they have to come from there

    def damage_results(self, chance: random.Random) -> None:
        self._damage("results", chance)
        self.lose_outputs(chance)

    def damage_engines(self, chance: random.Random) -> None:
        self._damage("engines", chance)
        self._damage("results", chance)
        self.lose_outputs(chance)

    def damage_databases(self, chance: random.Random) -> None:
        self._damage("*.sqlite*", chance)

    def lose_half_the_store(self, chance: random.Random) -> None:
        for file in sorted((self.cache / "store").rglob("*"))[chance.randrange(2) :: 2]:
            if file.is_file():
                file.unlink()
        self.lose_outputs(chance)

    def collect_garbage(self, chance: random.Random) -> None:
        """All of the store is a day old, and most of it has to go, save what the model needs."""
        for file in (self.cache / "store").rglob("*"):
            if file.is_file():
                os.utime(file, (time.time() - 86400,) * 2)
        with cache_of(self):
            tflite_build.cache_gc(max_size=chance.choice(["1 kB", "20 kB"]))
        if chance.random() < 0.5:
            self.lose_outputs(chance)

    def kill_build(self, chance: random.Random) -> None:
        if chance.random() < 0.5:
            self.source(chance)
        tool = subprocess.Popen(
            [sys.executable, "-m", "tflite_build", "build", self.folder],
            env={**os.environ, "TFLITE_BUILD_CACHE": str(self.cache)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.01, 0.8))
        tool.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        tool.wait(60)

    def _damage(self, part: str, chance: random.Random) -> None:
        tops = sorted((self.cache / "store" / "v1").glob(part))
        files = [p for top in tops for p in (sorted(top.rglob("*")) if top.is_dir() else [top]) if p.is_file()]
        for file in chance.sample(files, round(len(files) * chance.choice([0.1, 0.5, 1.0]))):
            damage(file, chance)


EVENTS = [name for name in vars(Project) if not name.startswith("_") and callable(getattr(Project, name))]


def write(folder: Path, state: State) -> None:
    """The project's files for `state`."""
    io, source, data = state
    (folder / "model.toml").write_text(SPEC.format(io=io))
    content = bytearray(FIXTURE.read_bytes())
    place = content.rindex(b"\x3e")  # the highest byte of a float
    content[place - 1] ^= source
    (folder / "m.tflite").write_bytes(content)
    samples = np.random.default_rng(data).normal(size=(6, 8, 8, 2)).astype("float32")
    np.savez(folder / "c.npz", image=samples)


def build(project: Project) -> tuple[bool, list[str]]:
    """Build in this process; whether it went well, and the steps that ran."""
    events: list[Event] = []
    with cache_of(project):
        result = tflite_build.build(project.folder, on_event=events.append)
    return result.ok, [e.step for e in events if isinstance(e, StepFinished) and e.outcome != "reused"]


@contextmanager
def cache_of(project: Project) -> Iterator[None]:
    """The project's store in the environment."""
    before = os.environ.get("TFLITE_BUILD_CACHE")
    os.environ["TFLITE_BUILD_CACHE"] = str(project.cache)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TFLITE_BUILD_CACHE"]
        else:
            os.environ["TFLITE_BUILD_CACHE"] = before


def outputs(project: Project) -> dict[str, bytes]:
    """All that a build leaves, lock included."""
    found = {p.name: p.read_bytes() for p in sorted((project.folder / "build").rglob("*")) if p.is_file()}
    return {**found, "model.lock": (project.folder / "model.lock").read_bytes()}


def damage(file: Path, chance: random.Random) -> None:
    """Flip a bit of `file`, cut it, or remove it."""
    data = file.read_bytes()
    kind = chance.randrange(3)
    if kind == 2 or not data:
        file.unlink()
        return
    place = chance.randrange(len(data))
    changed = (
        data[:place] if kind else data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
    )
    mode = file.stat().st_mode
    file.chmod(0o644)
    file.write_bytes(changed)
    file.chmod(mode)


def test_any_sequence_ends_in_what_an_undisturbed_build_gives(tmp_path: Path, shared_cache: Path) -> None:
    numbers = itertools.count()
    expected: dict[State, dict[str, bytes]] = {}

    def new(folder: Path) -> Project:
        (folder / "work").mkdir(parents=True)
        project = Project(folder / "work", new_cache(folder / "cache", shared_cache))
        write(project.folder, project.state)
        return project

    def wanted(state: State) -> dict[str, bytes]:
        if state not in expected:
            project = new(tmp_path / "undisturbed" / "-".join(map(str, state)))
            write(project.folder, state)
            assert build(project)[0]
            expected[state] = outputs(project)
        return expected[state]

    @settings(max_examples=20, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
    @given(
        seed=st.integers(0, 1 << 32),
        rounds=st.lists(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=3), min_size=4, max_size=8),
    )
    def check(seed: int, rounds: list[list[str]]) -> None:
        project, chance = new(tmp_path / str(next(numbers))), random.Random(seed)
        assert build(project)[0]
        for number, events in enumerate(rounds):
            for event in events:
                getattr(project, event)(chance)
            ok, _ = build(project)
            assert ok and outputs(project) == wanted(project.state), (number, rounds)
            assert build(project) == (True, []) and outputs(project) == wanted(project.state), (number, rounds)

    check()
