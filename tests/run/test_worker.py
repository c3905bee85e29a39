"""Engine processes that wait for work: those that died meanwhile are no help, and are not ended by number."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tflite_build.run import code
from tflite_build.run.worker import EngineProcess, Environment, Workers


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    made = Workers(code.unpack(tmp_path / "code"), tmp_path, 2)
    yield made
    made.close()


def kill(process: EngineProcess) -> int:
    """End it from outside, as the system does where memory runs out; its number."""
    number = process._process.pid
    os.kill(number, signal.SIGKILL)
    until = time.monotonic() + 20
    while os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < until:
        time.sleep(0.01)
    return number


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="whether a process is dead cannot be asked without burying it")
def test_one_that_died_while_it_was_idle(
    workers: Workers, python_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    core = Environment("core", python_of("core"))
    dead, idle, busy = (EngineProcess(core, workers._code) for _ in range(3))
    workers.adopt([dead, idle])
    number = kill(dead)
    assert workers.take(core, fresh=True) is idle
    ended: list[int] = []
    original = os.killpg

    def killpg(group: int, signal_: int) -> None:
        ended.append(group)
        original(group, signal_)

    monkeypatch.setattr(os, "killpg", killpg)
    workers.adopt([busy])
    assert workers.take(core, fresh=True) is busy  # the dead one takes no room: the other did not have to go
    assert idle.alive
    workers.close()
    assert not idle.alive and not busy.alive
    assert number not in ended  # by then it may be another process's
