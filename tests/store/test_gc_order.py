"""The store is whole at every instant of `gc`: results go before their blobs, and a kill in between loses nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from shelves import HOUR, Shelves

from tflite_build.store import checkup
from tflite_build.store.use import Use

KILLED = """\
import os, pathlib, signal, sys
from tflite_build.store import garbage
from tflite_build.store.store import Store
from tflite_build.store.use import Use
alone, left = Use.alone, [int(sys.argv[2])]
def killed(use):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return alone(use)
Use.alone = killed
garbage.collect(Store(pathlib.Path(sys.argv[1])), max_size=0)
"""


def test_no_result_ever_names_a_blob_that_is_gone(shelves: Shelves, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        shelves.put(bytes([number]) * 100, used=(number + 1) * HOUR)
    instants: list[set[str]] = []
    alone = Use.alone

    @contextmanager
    def watched(use: Use) -> Iterator[None]:
        with alone(use):
            yield
        instants.append(shelves.broken())

    monkeypatch.setattr(Use, "alone", watched)
    shelves.collect()
    assert len(instants) == 8 and not any(instants)
    assert shelves.keys() == set()


@pytest.mark.parametrize("removals", range(5))
def test_a_killed_gc_leaves_a_whole_store(shelves: Shelves, removals: int) -> None:
    keys = {shelves.put(data, used=2 * HOUR) for data in (b"one", b"two")}
    code = subprocess.run([sys.executable, "-c", KILLED, str(shelves.cache), str(removals)]).returncode
    assert code == (-signal.SIGKILL if removals < 4 else 0)
    with shelves.opened() as store:
        checked = checkup.check(store, print)
        assert (checked.damaged, checked.incomplete) == ((), 0)
        for key in keys & shelves.keys():
            found = store.results.get(key)
            assert found is not None and store.has(found.outputs["x"])
