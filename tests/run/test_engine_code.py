"""The code of engines, of this version of the tool and of others: it stays while somebody may start an engine of it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import is_locked

from tflite_build.run import code
from tflite_build.store import garbage
from tflite_build.store.store import Store
from tflite_build.store.use import Use

DAYS = 3 * 86400.0
SESSION = """\
import sys
from tflite_build.run.driver import Options, Session
with Session(Options(), lambda event: None) as session:
    print(session.store.root, flush=True)
    sys.stdin.readline()
"""


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def collect() -> None:
    """As another version of the tool does, whose engines are others."""
    store = Store()
    try:
        garbage.collect(store, engine_code=store.root / "engines" / "another")
    finally:
        store.close()


def is_whole(folder: Path) -> bool:
    return all((folder / path).is_file() and (folder / path).read_bytes() == d for path, d in code.sources().items())


@pytest.fixture
def session(cache: Path) -> Iterator[subprocess.Popen[str]]:
    """A session of the tool, as `watch` holds one for days."""
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    end(process)


def end(session: subprocess.Popen[str]) -> None:
    if session.poll() is None:
        session.communicate("\n", timeout=60)


def test_what_a_session_runs_stays_for_days(cache: Path, session: subprocess.Popen[str]) -> None:
    before = Store()
    folder = code.unpack(before.root).folder
    before.close()
    age(folder, 10 * DAYS)  # of a build long ago
    assert session.stdout is not None and session.stdout.readline()
    assert time.time() - folder.stat().st_mtime < 60  # the session took it
    (lock,) = (before.root / "tmp").glob("*.lock")
    for path in (lock, folder):
        age(path, DAYS)
    inode = folder.stat().st_ino
    collect()
    assert folder.stat().st_ino == inode and is_whole(folder)
    end(session)
    collect()
    assert not folder.exists()


@pytest.fixture
def folder(cache: Path) -> Path:
    """Engine code that nobody used for days."""
    store = Store()
    folder = code.unpack(store.root).folder
    store.close()
    age(folder, DAYS)
    return folder


@pytest.mark.parametrize("look", [1, 2], ids=["first look", "last look"])
def test_who_takes_it_while_it_is_looked_at_has_it(folder: Path, look: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever comes first: `gc` keeps what was taken, or the session writes what is gone."""
    taken: list[Path] = []
    met = threading.Event()  # the session has it, or waits until `gc` is done
    looks = 0

    def take() -> None:
        taken.append(code.unpack(folder.parent.parent).folder)
        met.set()

    taking = threading.Thread(target=take)
    lstat, noting = Path.lstat, Use.noting

    def looked(path: Path) -> os.stat_result:
        nonlocal looks
        found = lstat(path)
        if path == folder:
            looks += 1
            if looks == look:
                taking.start()
                assert met.wait(60)
        return found

    @contextmanager
    def waiting(use: Use) -> Iterator[None]:
        if threading.current_thread() is taking:
            met.set()
        with noting(use):
            yield

    monkeypatch.setattr(Path, "lstat", looked)
    monkeypatch.setattr(Use, "noting", waiting)
    collect()
    taking.join(60)
    assert taken == [folder] and is_whole(folder)


def test_who_takes_it_before_it_is_removed_keeps_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inode = folder.stat().st_ino
    alone = Use.alone
    taken: list[Path] = []

    @contextmanager
    def after_taking(use: Use) -> Iterator[None]:
        taken.append(code.unpack(folder.parent.parent).folder)
        with alone(use):
            yield

    monkeypatch.setattr(Use, "alone", after_taking)
    collect()
    assert taken[0] == folder and folder.stat().st_ino == inode and is_whole(folder)


def test_taking_and_removing_shut_each_other_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uses = folder.parent.parent / "use.lock"
    locked: list[bool] = []
    note, rename = Use.note, Path.rename

    def noted(use: Use, path: Path) -> bool:
        locked.append(is_locked(uses, fcntl.LOCK_EX))
        return note(use, path)

    def renamed(path: Path, target: Path) -> Path:
        if path == folder:
            locked.append(is_locked(uses, fcntl.LOCK_SH))
        return rename(path, target)

    monkeypatch.setattr(Use, "note", noted)
    monkeypatch.setattr(Path, "rename", renamed)
    code.unpack(folder.parent.parent)
    assert locked == [True]
    age(folder, DAYS)
    collect()
    assert locked == [True, True] and not folder.exists()
