"""Builds of the same at once: each action runs once over all of them, whoever waits says so, nobody fails."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import events

import tflite_build
from tflite_build.run import code
from tflite_build.tflite import reader

SLOW = """\
import pathlib, time
begun = pathlib.Path({begun!r})
with begun.open("a") as file:
    file.write(".")
time.sleep({seconds})


def model(x):
    return x + 1
"""
JAX = """\
spec = 1
[model]
name = "slow"
[source]
format = "jax"
entry = "model.py:model"
[input.x]
shape = [2]
dtype = "float32"
"""


def start(*paths: Path | str, json_: bool = True) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tflite_build", "build", *(["--json"] if json_ else []), *map(str, paths)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def steps(outs: list[str]) -> tuple[Counter[tuple[str, str]], set[tuple[str, str]]]:
    """How often each step of each model ran over all builds, and all steps there are."""
    found = [(m["model"], s) for out in outs for m in events(out, "model") for s in m["steps"]]
    return Counter((m, s["id"]) for m, s in found if not s["reused"]), {(m, s["id"]) for m, s in found}


def differing(small_model: Callable[..., Any], names: str) -> list[Any]:
    models = []
    for number, name in enumerate(names):
        model = small_model(name=name)
        for _ in range(number % 2):
            model.change_a_weight()
        model.calibrate(number)
        models.append(model)
    return models


def test_eight_builds_of_one_workspace(small_model: Callable[..., Any], cache: Path) -> None:
    """Two of the three models share nothing but what their common source gives."""
    models = differing(small_model, "abc")
    workspace = models[0].folder.parent
    builds = [start(workspace) for _ in range(8)]
    said = [build.communicate(timeout=300) for build in builds]
    assert [build.returncode for build in builds] == [0] * 8, said
    ran, there = steps([out for out, _ in said if out])
    keys = {p.stem for p in (cache / "store" / "v1" / "results" / "actions").glob("*/*.json")}
    assert sum(ran.values()) == len(keys) and max(ran.values()) == 1 and ran.keys() <= there
    outputs = [model.outputs() for model in models]
    for model in models:
        assert model.build().ran == []
    assert [model.outputs() for model in models] == outputs


def test_two_builds_of_targets_that_overlap(small_model: Callable[..., Any], cache: Path) -> None:
    models = differing(small_model, "ab")
    for model in models:
        model.write(float16='quantize = "float16"')
    a, b = (model.folder for model in models)
    builds = [start(f"{a}:int8", f"{b}:float16"), start(f"{a}:float16", b), start(a, f"{b}:int8")]
    said = [build.communicate(timeout=300) for build in builds]
    assert [build.returncode for build in builds] == [0] * 3, said
    ran, _ = steps([out for out, _ in said])
    keys = list((cache / "store" / "v1" / "results" / "actions").glob("*/*.json"))
    assert sum(ran.values()) == len(keys) and max(ran.values()) == 1
    for model in models:
        assert model.build().ran == [] and len(model.outputs()) == 4


def test_who_waits_takes_over_from_one_that_is_killed(tmp_path: Path, cache: Path) -> None:
    begun = tmp_path / "begun"
    project = tmp_path / "project"
    project.mkdir()
    (project / "model.toml").write_text(JAX)
    (project / "model.py").write_text(SLOW.format(begun=str(begun), seconds=4))
    first = start(project)
    until = time.monotonic() + 100
    while not begun.exists() and time.monotonic() < until:
        time.sleep(0.02)
    second = start(project)
    assert second.stderr is not None
    line = second.stderr.readline()
    assert line == "slow: lower: another build is doing this; waiting for it\n", line
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    out, err = second.communicate(timeout=300)
    assert second.returncode == 0, err
    (model,) = events(out, "model")
    assert model["ok"] and all(not step["reused"] for step in model["steps"])
    assert begun.read_text() == ".."
    assert tflite_build.build(project).ok


def test_readers_see_whole_files(small: Any) -> None:
    """As an app build that copies build/ while models are built again and again."""
    small.build()
    known: dict[str, set[bytes]] = {}
    for _ in range(2):
        small.change_a_weight()
        small.build()
        for name, content in small.outputs().items():
            known.setdefault(name, set()).add(content)
    models = [name for name in known if name.endswith(".tflite")]
    end = threading.Event()
    wrong: list[str] = []
    reads = Counter[str]()

    def read() -> None:
        folder = small.folder / "build"
        while not end.is_set():
            for name in models:
                try:
                    content = (folder / name).read_bytes()
                except FileNotFoundError:
                    wrong.append(f"{name} is missing")
                    continue
                reads[name] += 1
                if content not in known[name]:
                    wrong.append(f"{name} is neither the old file nor the new one")
            report = json.loads((folder / "small" / "report.json").read_bytes())
            assert len(report["variants"]) == 2

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(10):
        small.change_a_weight()
        build = start(small.folder)
        build.communicate()
        assert build.returncode == 0
    end.set()
    thread.join()
    assert wrong == [] and min(reads.values()) > 100
    with reader.model(small.output("int8")) as model:
        assert model.subgraphs


def test_builds_into_two_folders_and_cleaning_beside_them(small: Any, tmp_path: Path) -> None:
    small.build()
    expected = {Path(name).name: content for name, content in small.outputs().items() if name.endswith("tflite")}
    out = tmp_path / "out"
    end = threading.Event()
    failed: list[str] = []

    def clean() -> None:
        while not end.is_set():
            try:
                tflite_build.clean(small.folder)
                tflite_build.clean(small.folder, out_dir=out)
            except Exception as error:
                failed.append(repr(error))

    thread = threading.Thread(target=clean)
    thread.start()
    for _ in range(25):
        for into in (None, out):
            built = small.build(out_dir=into)
            assert built.model.ok, built.shown
    end.set()
    thread.join()
    assert failed == []
    assert small.build().model.ok and small.build(out_dir=out).model.ok
    for folder in (small.folder / "build", out):
        assert {p.name: p.read_bytes() for p in folder.rglob("*.tflite")} == expected


def test_two_specs_of_one_name_into_one_folder(small_model: Callable[..., Any], tmp_path: Path) -> None:
    """One build refuses this; two at once cannot know, and each leaves whole files."""
    models = differing(small_model, "ab")
    for model in models:
        model.name = "same"
        model.write()
        model.build()
    sources = [[p.read_bytes() for p in sorted(m.folder.rglob("build/*/*.tflite"))] for m in models]
    for _ in range(4):
        builds = [
            subprocess.Popen(
                [sys.executable, "-m", "tflite_build", "build", "--out-dir", str(tmp_path / "out"), str(m.folder)],
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            )
            for m in models
        ]
        said = [b.communicate()[1] for b in builds]
        assert [b.returncode for b in builds] == [0, 0], said
        left = [p.read_bytes() for p in sorted((tmp_path / "out").rglob("*.tflite"))]
        assert left in sources
    assert not list((tmp_path / "out").rglob(".*"))


def test_engine_code_is_unpacked_by_several_at_once(tmp_path: Path) -> None:
    """Where there is none yet: whoever has it can use it, whatever the others do meanwhile."""

    def unpack(root: Path) -> bool:
        folder = code.unpack(root).folder
        return all((folder / path).is_file() for _ in range(5) for path in code.sources())

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for number in range(15):
            root = tmp_path / str(number)
            assert all(pool.map(unpack, [root] * 8))
            assert [p.name for p in (root / "engines").iterdir()] == [code.unpack(root).folder.name]
