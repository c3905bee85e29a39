"""What is used between the look of `gc` at it and its removal stays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from shelves import HOUR, Shelves

from tflite_build.store.results import Result
from tflite_build.store.use import Use


@contextmanager
def before_each_removal(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> Iterator[None]:
    """Has `do` called whenever somebody wants to be alone with the store, before they are."""
    alone = Use.alone

    @contextmanager
    def hooked(use: Use) -> Iterator[None]:
        do()
        with alone(use):
            yield

    with monkeypatch.context() as patched:
        patched.setattr(Use, "alone", hooked)
        yield


def test_a_result_that_is_taken_before_it_is_removed_stays(shelves: Shelves, monkeypatch: pytest.MonkeyPatch) -> None:
    key = shelves.put(b"taken", used=HOUR)
    taken: list[Result | None] = []
    with (
        shelves.opened() as building,
        before_each_removal(monkeypatch, lambda: taken.append(building.results.get(key))),
    ):
        removed = shelves.collect()
    assert taken and taken[0] is not None
    assert shelves.keys() == {key} and (removed.results, removed.blobs, removed.freed) == (0, 0, 0)


def test_a_blob_that_is_put_again_before_it_is_removed_stays(shelves: Shelves, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that names it will follow."""
    orphan = shelves.orphan(b"again", used=HOUR)
    put: list[object] = []
    with (
        shelves.opened() as building,
        before_each_removal(monkeypatch, lambda: put.append(building.blobs.put_bytes(b"again"))),
    ):
        removed = shelves.collect()
    assert put and orphan.exists() and removed.blobs == 0


def test_nothing_goes_while_somebody_takes_it(shelves: Shelves, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader has read a result and not noted it yet when `gc` comes: `gc` waits, and finds the note."""
    key = shelves.put(b"taken", used=HOUR)
    reading = threading.Event()
    met = threading.Event()  # `gc` wants to be alone, or has ended
    taken: list[Result | None] = []
    note = Use.note

    def slow(use: Use, path: Path) -> bool:
        if threading.current_thread() is reader:
            reading.set()
            assert met.wait(60)
            assert shelves.result(key).exists()
        return note(use, path)

    def read() -> None:
        with shelves.opened() as building:
            taken.append(building.results.get(key))

    monkeypatch.setattr(Use, "note", slow)
    reader = threading.Thread(target=read)
    reader.start()
    assert reading.wait(60)
    try:
        with before_each_removal(monkeypatch, met.set):
            shelves.collect()
    finally:
        met.set()
        reader.join(60)
    assert taken and taken[0] is not None
    assert shelves.keys() == {key}
