"""`cache stats`, `gc` and `verify`: what goes, what stays, and that neither a build nor a kill loses anything by it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Ran

import tflite_build
from tflite_build.progress import Event, Note
from tflite_build.store import contents
from tflite_build.store.artifact import File
from tflite_build.store.results import Result
from tflite_build.store.store import Store

LONG_AGO = time.time() - 40 * 86400


@pytest.fixture
def store_folder(cache: Path) -> Path:
    return cache / "store" / "v1"


def age(folder: Path, seconds: float = 40 * 86400) -> None:
    """As if nothing had been used for so long."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            stat = path.stat()
            os.utime(path, (stat.st_atime - seconds, stat.st_mtime - seconds))


def size(folder: Path) -> int:
    return sum(f.size for part in ("blobs", "results/actions") for f in contents.files(folder / part))


def lose_outputs(*models: Any) -> None:
    for model in models:
        shutil.rmtree(model.folder / "build", ignore_errors=True)


def test_stats_say_what_takes_space_and_what_was_reused(small, store_folder: Path) -> None:
    empty = tflite_build.cache_stats()
    assert (empty.models, empty.needed, empty.hits.rate) == (0, 0, None)
    steps = len(small.build().ran)
    lose_outputs(small)
    assert small.build().ran == []
    found = tflite_build.cache_stats()
    parts = {p.name: p for p in found.parts}
    assert parts["blobs"].size == sum(p.stat().st_size for p in (store_folder / "blobs").rglob("*") if p.is_file())
    assert parts["results"].count == steps + 1 and parts["engine code"].count == 1 and parts["scratch"].count == 0
    assert "toolchain core" in parts
    assert (found.models, found.hits.builds, found.hits.ran, found.hits.reused) == (1, 2, steps, steps)
    assert found.hits.rate == 0.5
    assert 0 < found.needed <= parts["blobs"].size + parts["results"].size
    assert found.to_json()["size"] == found.size


def test_gc_removes_what_was_not_used_and_what_lies_about(small, store_folder: Path) -> None:
    small.build()
    small.change_a_weight()
    small.build()
    age(store_folder)
    before = size(store_folder)
    for path in (
        "locks/1.lock",
        "results/actions/ab/.tmp1",
        "engines/.new-x/y",
        "engines/0123456789abcdef/y",
        "tmp/1-a/y",
        "blobs/ab/" + "ab" * 32,
    ):
        (store_folder / path).parent.mkdir(parents=True, exist_ok=True)
        (store_folder / path).write_bytes(b"left")
        age(store_folder / path)
        if path.endswith("y"):
            age((store_folder / path).parent)
    removed = tflite_build.cache_gc()
    assert (removed.results, removed.blobs, removed.freed, removed.left) == (0, 1, 4, before)
    assert removed.leftovers == 5
    removed = tflite_build.cache_gc(older_than="50d")
    assert (removed.results, removed.blobs) == (0, 0)
    removed = tflite_build.cache_gc(older_than="30d")
    assert removed.results and removed.blobs and removed.freed and removed.left == size(store_folder)
    assert removed.left == removed.kept and removed.models == 1
    lose_outputs(small)
    assert small.build().ran == []  # what the model needs has stayed
    lose_outputs(small)
    small.lock.unlink()
    age(store_folder)
    removed = tflite_build.cache_gc(older_than="30d")
    assert (removed.left, size(store_folder), removed.models) == (0, 0, 0)
    assert small.build().model.ok


def test_gc_keeps_to_a_size_and_begins_with_what_was_used_least_recently(
    small_model: Callable[..., Any], store_folder: Path
) -> None:
    old, new, needed = (small_model(name=name) for name in ("old", "new", "needed"))
    for number, model in enumerate((old, new, needed)):
        for _ in range(number):
            model.change_a_weight()
        model.calibrate(number)
        model.build()
        if model is not needed:
            model.lock.unlink()
        age(store_folder, 86400)
    everything = size(store_folder)
    lose_outputs(old, new, needed)
    removed = tflite_build.cache_gc(max_size=f"{(everything - 1) / 1000:.3f}kB")
    assert removed.results and size(store_folder) < everything
    assert new.build().ran == []
    assert needed.build().ran == []
    assert old.build().ran
    removed = tflite_build.cache_gc(max_size="0kB")
    assert removed.left > 0  # all of this was used just now
    lose_outputs(old, new, needed)
    for model in (old, new):
        model.lock.unlink()
    age(store_folder)
    removed = tflite_build.cache_gc(max_size="0kB")
    assert removed.left == removed.kept == size(store_folder) > 0
    assert needed.build().ran == []
    assert set(new.build().ran)


def test_gc_leaves_what_a_build_under_way_uses(cache: Path, store_folder: Path) -> None:
    """All that a store took or got since it was opened stays, however old it was."""
    first = Store()
    for name in (b"used", b"unused", b"kept again", b"an orphan"):
        digest = first.blobs.put_bytes(name)
        if name != b"an orphan":
            first.results.put(name.hex().ljust(64, "0"), Result({"x": File(digest)}))
    first.close()
    age(store_folder)
    building = Store()
    found = building.results.get(b"used".hex().ljust(64, "0"))
    assert found is not None
    orphan = building.blobs.put_bytes(b"an orphan")  # a result that names it will follow
    removed = tflite_build.cache_gc(max_size="0kB")
    assert building.has(found.outputs["x"]) and building.blobs.get(orphan)
    assert removed.results == 2 and removed.blobs == 2
    building.results.put("ab" * 32, Result({"x": File(orphan)}))
    age(store_folder / "results", 3600)
    age(store_folder / "blobs", 3600)
    building.close()
    assert tflite_build.cache_gc(max_size="0kB").left == 0


@pytest.fixture
def collecting(cache: Path) -> Iterator[None]:
    """Garbage is collected again and again meanwhile, as greedily as can be."""
    end = threading.Event()
    errors: list[BaseException] = []

    def collect() -> None:
        while not end.is_set():
            try:
                tflite_build.cache_gc(max_size="0kB", older_than="0h")
            except BaseException as error:
                errors.append(error)
                return

    thread = threading.Thread(target=collect)
    thread.start()
    yield
    end.set()
    thread.join()
    assert errors == []


@pytest.mark.usefixtures("collecting")
def test_builds_do_not_mind_gc(small, store_folder: Path) -> None:
    for number in range(4):
        small.calibrate(number)
        assert small.build().model.ok
        age(store_folder / "results", 3600)
        lose_outputs(small)
        assert small.build().model.ok


KILLED = """\
import os, pathlib, signal, sys, tflite_build
left, unlink = [int(sys.argv[1])], pathlib.Path.unlink
def killed(path, missing_ok=False):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    unlink(path, missing_ok)
pathlib.Path.unlink = killed
tflite_build.cache_gc(max_size="0kB")
"""


def test_a_kill_of_gc_loses_nothing(small_model: Callable[..., Any], store_folder: Path, tmp_path: Path) -> None:
    """Before each of the files that it removes."""
    needed, other = small_model(name="needed"), small_model(name="other")
    needed.build()
    other.calibrate(1)
    other.change_a_weight()
    other.build()
    other.lock.unlink()
    age(store_folder)
    kept = tmp_path / "kept"
    shutil.copytree(store_folder, kept, symlinks=True)
    instants = range(0, 1000, 4)
    for killed in instants:
        shutil.rmtree(store_folder)
        shutil.copytree(kept, store_folder, symlinks=True)
        code = subprocess.run([sys.executable, "-c", KILLED, str(killed)]).returncode
        checked = tflite_build.cache_verify()
        assert (checked.damaged, checked.incomplete) == ((), 0), killed
        lose_outputs(needed)
        assert needed.build().ran == [], killed
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert 10 < killed < instants[-1]
    assert size(store_folder) < size(kept)


def test_verify_finds_every_damage(small, store_folder: Path) -> None:
    small.build()
    assert tflite_build.cache_verify().damaged == ()
    blob = next(p for p in (store_folder / "blobs").rglob("*") if p.is_file())
    result, other = sorted((store_folder / "results" / "actions").glob("*/*.json"))[:2]
    for file in (blob, result):
        file.chmod(0o644)
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    other.write_bytes(b"")
    events: list[Event] = []
    checked = tflite_build.cache_verify(on_event=events.append)
    assert [e.text for e in events if isinstance(e, Note)] == list(checked.damaged)
    assert sorted(line.split(":")[0].split(",")[0] for line in checked.damaged) == sorted(
        [f"blob {blob.name[:12]}", f"result {result.stem[:12]}", f"result {other.stem[:12]}"]
    )
    assert tflite_build.cache_verify().damaged == ()
    lose_outputs(small)
    assert small.build().model.ok


def test_the_commands(small, cli: Callable[..., Ran], store_folder: Path) -> None:
    small.build()
    shown = cli("cache", "stats")
    assert shown.code == 0 and "the last builds of 1 model on this machine need" in shown.out, shown.text
    assert "the last build with something to do reused 0 of " in shown.out
    small.change_a_weight()
    small.build()
    assert "the last 2 builds with something to do reused " in cli("cache", "stats").out
    assert json.loads(cli("cache", "stats", "--json").out)["models"] == 1
    removed = cli("cache", "gc", "--max-size", "1kB", "--older-than", "30d")
    assert removed.code == 0 and "stay for 1 model on this machine and for builds under way" in removed.out
    assert json.loads(cli("cache", "gc", "--json").out)["results"] == 0
    whole = cli("cache", "verify")
    assert whole.code == 0 and whole.out.endswith(": all whole\n")
    for file in (store_folder / "blobs").rglob("*"):
        if file.is_file():
            file.chmod(0o644)
            file.write_bytes(b"")
    damaged = cli("cache", "verify")
    assert damaged.code == 5 and "damaged and removed" in damaged.out and "it does not have its hash" in damaged.err
    assert json.loads(cli("cache", "verify", "--json").out)["ok"] is True
    for option, value in (("--max-size", "5"), ("--older-than", "soon")):
        wrong = cli("cache", "gc", option, value)
        assert wrong.code == 64 and wrong.err.startswith(f"error: '{value}' is not a"), wrong.text


def test_old_toolchains_and_packages_go_and_others_stay(cache: Path, small, tmp_path: Path) -> None:
    small.build()
    for name in ("toolchains", "overlays"):
        shared = (cache / name).resolve()
        (cache / name).unlink()
        (cache / name).mkdir()
        for one in shared.iterdir():
            (cache / name / one.name).symlink_to(one)
    old = cache / "toolchains" / "core-0123456789ab"
    packages = cache / "overlays" / "3.11-0123456789abcdef"
    for folder, mark, text in ((old, "complete.json", '{"size": 5}'), (packages, ".complete", "")):
        folder.mkdir()
        (folder / mark).write_text(text)
    before = sorted(p.name for p in (cache / "toolchains").iterdir())
    tflite_build.cache_gc(older_than="30d")
    assert old.exists() and packages.exists()
    for file in (old / "complete.json", packages / ".complete"):
        os.utime(file, (LONG_AGO, LONG_AGO))
    tflite_build.cache_gc()
    assert old.exists() and packages.exists()
    tflite_build.cache_gc(older_than="30d")
    assert not old.exists() and not packages.exists()
    assert sorted(p.name for p in (cache / "toolchains").iterdir()) == [n for n in before if n != old.name]
