"""Engine processes that wait for work: those that died meanwhile are no help, and are not ended by number."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tflite_build.run import code
from tflite_build.run.worker import EngineProcess, Environment, Workers

FIXTURES = Path(__file__).parent.parent / "fixtures" / "tflite"


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


def test_one_whose_tool_is_gone_before_its_first_line(workers: Workers, python_of: Callable[[str], Path]) -> None:
    """It ends at once, whatever waits in its pipe."""
    requests, replies = os.pipe(), os.pipe()
    ends = requests[0], replies[1]
    os.write(requests[1], b'{"warm": ["quantize.tensorflow"], "guard": false}\n')  # and its end stays open
    command = [python_of("core"), "-s", "-P", workers._code.folder, str(os.getppid()), *map(str, ends)]
    ended = subprocess.run(command, pass_fds=ends, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, b"", b"")
    for end in (*requests, *replies):
        os.close(end)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system does not forget a process's peak")
def test_what_an_earlier_step_held_makes_no_refusal_doubtful(
    workers: Workers, python_of: Callable[[str], Path], tmp_path: Path
) -> None:
    process = workers.take(Environment("core", python_of("core")), fresh=True)
    (tmp_path / "nothing.tflite").write_bytes(b"no model at all")
    np.savez(tmp_path / "data.npz", rows=np.ones((3_000_000, 8), "float32"))  # 96 MB

    def execute(model: Path, memory: int | None) -> dict[str, Any]:
        outputs = tmp_path / uuid.uuid4().hex
        outputs.mkdir()
        inputs = {"model": str(model), "data": str(tmp_path / "data.npz")}
        params = {"signature": None, "dequantize": False}
        message = {"kind": "execute", "params": params, "inputs": inputs, "outputs": str(outputs), "memory": memory}
        return process.call(message, 60, lambda: False)

    def peak() -> int:
        (line,) = [t for t in Path(f"/proc/{process._process.pid}/status").read_text().splitlines() if "VmHWM" in t]
        return int(line.split()[1]) * 1024

    def refused() -> None:
        assert "refused" in execute(tmp_path / "nothing.tflite", 400_000_000)
        of_the_shell = (400_000_000, resource.RLIM_INFINITY)  # ulimit -v
        before = resource.prlimit(process._process.pid, resource.RLIMIT_AS, of_the_shell)
        assert "refused" in execute(tmp_path / "nothing.tflite", None)
        resource.prlimit(process._process.pid, resource.RLIMIT_AS, before)

    refused()
    assert "done" in execute(FIXTURES / "dynamic-shape.tflite", None)
    assert peak() > 200_000_000
    refused()
