"""What `gc` removes while others use the store: nothing that they took, made, hold or need, at whatever moment."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tflite_build.locking import FileLock
from tflite_build.run import code
from tflite_build.store import contents, garbage
from tflite_build.store.artifact import File
from tflite_build.store.results import Result
from tflite_build.store.store import Store
from tflite_build.store.use import Use

DAY = 86400.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "cache")
    yield found
    found.close()


def put(store: Store, key: str, *blobs: bytes) -> list[Path]:
    """A result with files; the blobs' paths."""
    digests = [store.blobs.put_bytes(data) for data in blobs]
    store.results.put(key, Result(outputs={f"o{i}": File(d) for i, d in enumerate(digests)}))
    return [store.root / "blobs" / d.sha256[:2] / d.sha256 for d in digests]


def result_of(store: Store, key: str) -> Path:
    return store.root / "results" / "actions" / key[:2] / f"{key}.json"


def age(*paths: Path, days: float = 40) -> None:
    for path in paths:
        os.utime(path, (time.time() - days * DAY,) * 2)


def collect(store: Store, **options: Any) -> garbage.Collected:
    return garbage.collect(store, older_than=30 * DAY, **options)


@contextmanager
def after(module: Any, name: str, action: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Do `action` right after the first call of a function that `gc` calls."""
    real, done = getattr(module, name), []

    def then(*arguments: Any) -> Any:
        found = real(*arguments)
        if not done:
            done.append(action())
        return found

    with monkeypatch.context() as patch:
        patch.setattr(module, name, then)
        yield
    assert done, f"gc does not call {name} any more"


def test_what_is_taken_after_it_was_looked_at_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = put(store, "aa", b"taken") + put(store, "bb", b"not")
    age(*blobs, result_of(store, "aa"), result_of(store, "bb"))

    def take() -> None:
        found = store.results.get("aa")
        assert found is not None and store.has(found.outputs["o0"])

    with after(contents, "blobs", take, monkeypatch):
        collect(store)
    assert [p.exists() for p in (*blobs, result_of(store, "aa"), result_of(store, "bb"))] == [True, False, True, False]


def test_nothing_is_removed_at_the_moment_in_which_it_is_taken(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build is between finding a result and noting that it uses it."""
    (blob,) = put(store, "aa", b"taken")
    path = result_of(store, "aa")
    age(blob, path)
    use, asked = Use(store.root / "use.lock"), threading.Event()
    real = Use.alone

    def alone(self: Use) -> Any:
        asked.set()
        return real(self)

    monkeypatch.setattr(Use, "alone", alone)
    gc = threading.Thread(target=collect, args=(store,))
    with use.noting():
        gc.start()
        assert asked.wait(20), "gc removes without asking"
        assert path.exists() and blob.exists()
        use.note(path)
        use.note(blob)
    gc.join()
    assert path.exists() and blob.exists()


def test_what_was_used_since_the_oldest_build_began_stays(store: Store) -> None:
    """It may be needed again, and no file says so."""
    old, used = put(store, "aa", b"old"), put(store, "bb", b"used")
    age(*old, result_of(store, "aa"), days=3)
    age(*used, result_of(store, "bb"), days=1)
    lock = FileLock(store.root / "tmp" / "build.lock")
    assert lock.acquire(0)
    age(store.root / "tmp" / "build.lock", days=2)
    garbage.collect(store, older_than=60.0)
    assert [p.exists() for p in (*old, *used)] == [False, True] and result_of(store, "bb").exists()
    lock.release()
    (store.root / "tmp" / "build.lock").unlink(missing_ok=True)
    garbage.collect(store, older_than=60.0)
    assert not used[0].exists() and not result_of(store, "bb").exists()


def test_a_file_whose_result_is_still_to_be_written_stays(store: Store) -> None:
    new, old = (store.root / "blobs" / d.sha256[:2] / d.sha256 for d in map(store.blobs.put_bytes, (b"new", b"old")))
    age(old)
    collect(store)
    assert new.exists() and not old.exists()


def test_a_file_of_two_results_goes_with_the_last(store: Store) -> None:
    (shared, _), (_, alone) = put(store, "aa", b"shared", b"x"), put(store, "bb", b"shared", b"alone")
    age(*(store.root / "blobs").rglob("*"), result_of(store, "bb"))
    collect(store)
    assert shared.exists() and not alone.exists()


class Killed(BaseException):
    """In place of kill -9."""


@pytest.mark.parametrize("removals", range(6))
def test_every_result_that_is_left_has_its_files(store: Store, removals: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a kill at any removal: results go before what they name."""
    for key in ("aa", "bb", "cc"):
        age(*put(store, key, b"shared", key.encode()), result_of(store, key))
    real, done = garbage._Collection._remove, []

    def remove(self: garbage._Collection, file: contents.Stored) -> bool:
        if len(done) == removals:
            raise Killed
        done.append(file.path)
        return real(self, file)

    monkeypatch.setattr(garbage._Collection, "_remove", remove)
    with pytest.raises(Killed):
        collect(store)
    left = contents.results(store.root)
    assert len(left) == max(0, 3 - removals)
    assert all(result.whole for result in left)


def test_locks_that_are_held_stay(store: Store) -> None:
    held, free = store.lock("aa"), store.root / "locks" / "bb.lock"
    assert held.acquire(0)
    free.touch()
    collect(store)
    assert (store.root / "locks" / "aa.lock").exists() and not free.exists()
    held.release()


def test_folders_of_builds_under_way_stay(store: Store) -> None:
    with store.scratch() as scratch:
        work, left = scratch.parent, store.root / "tmp" / "killed"
        left.mkdir()
        age(work, work.with_name(f"{work.name}.lock"))
        age(left, days=50)
        collect(store)
        assert scratch.is_dir() and not left.exists()


def test_code_of_engines_that_is_taken_meanwhile_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another version of the tool, whose build begins while gc looks about."""
    mine = code.unpack(store.root)
    theirs, unused = (store.root / "engines" / name for name in ("theirs", "unused"))
    for folder in (theirs, unused):
        folder.mkdir()
        (folder / "__main__.py").write_text("")
        age(folder)
    age(mine.folder)

    def take() -> None:
        use = Use(store.root / "use.lock")
        with use.noting():
            assert use.note(theirs)

    with after(contents, "needs", take, monkeypatch):
        collect(store, engine_code=mine.folder)
    assert theirs.is_dir() and mine.folder.is_dir() and not unused.exists()
    age(mine.folder)
    assert code.unpack(store.root) == mine
    collect(store)
    assert mine.folder.is_dir(), "taking it notes the time"


def test_code_of_engines_goes_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never is a part of it there under its name, for a build to find."""
    folder = store.root / "engines" / "old"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.py").write_text("")
    age(folder)
    seen: list[bool] = []
    real = garbage.shutil.rmtree

    def rmtree(path: Any, **options: Any) -> None:
        seen.append(folder.exists())
        real(path, **options)

    monkeypatch.setattr(garbage.shutil, "rmtree", rmtree)
    collect(store)
    assert seen == [False] and [*folder.parent.iterdir()] == []
