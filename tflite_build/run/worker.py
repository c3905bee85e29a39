"""Engine processes: one each for a toolchain, started when needed, kept for further requests, ended with the tool.

Requests and replies are JSON lines on pipes of their own; what the process prints goes to a log. A process that ran
the user's code, crashed or hung is not used again. Knows nothing of what the requests mean.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_build.errors import EngineError, Problem

from .code import EngineCode, forget_byte_code

_TAIL = 1 << 16  # bytes of a log that are looked at: the rest may be a gigabyte
ANSWERS = {"done", "refused", "invalid", "failed"}
# What finds programs, libraries, the home and the network. All else could change results, and no key would say so.
_PASSED = frozenset({
    "PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
})  # fmt: skip
_BACKENDS = {"litert": "jax", "tensorflow": "tensorflow"}  # what Keras computes with: what the toolchain has


@dataclass(frozen=True, slots=True)
class Environment:
    """What a process runs in: a toolchain's Python, and folders of the user's packages over it."""

    toolchain: str
    python: Path
    overlay: Path | None = None


class EngineDied(Exception):
    """The process ended without a reply.

    Attributes:
        status: Its exit status; negative is a signal.
        log: The last lines that it printed.
        garbage: Whether it gave an answer that is none, and was stopped.
    """

    def __init__(self, status: int, log: str, *, garbage: bool = False) -> None:
        super().__init__(f"engine process ended with status {status}")
        self.status = status
        self.log = log
        self.garbage = garbage


class EngineTimeout(Exception):
    """The process did not reply in time and was stopped."""

    def __init__(self, seconds: float, log: str) -> None:
        super().__init__(f"no reply in {seconds} s")
        self.seconds = seconds
        self.log = log


class EngineProcess:
    """One running process.

    Args:
        environment: What it runs in.
        code: What it runs.
        logs: The folder for what it prints, in a file without a name that is gone with this object; default: the
            system's for temporary files.
    """

    def __init__(self, environment: Environment, code: EngineCode, logs: Path | None = None) -> None:
        self.environment = environment
        self.code = code
        self.used = False
        self.idle_since = time.monotonic()
        self._log = tempfile.TemporaryFile(dir=logs)  # noqa: SIM115 - lives as long as the process
        request_read, request_write = os.pipe()
        reply_read, reply_write = os.pipe()
        self._requests = os.fdopen(request_write, "w", encoding="utf-8")
        self._replies = os.fdopen(reply_read, "rb", buffering=0)
        try:
            self._process = self._start((request_read, reply_write))
        except BaseException:
            for stream in (self._requests, self._replies, self._log):
                stream.close()
            raise
        finally:
            os.close(request_read)
            os.close(reply_write)
        self._buffer = b""
        self._begun = 0

    def _start(self, pipes: tuple[int, int]) -> subprocess.Popen[bytes]:
        environment = self.environment
        try:
            return subprocess.Popen(
                [str(environment.python), "-s", "-P", str(self.code.folder), str(os.getpid()), *map(str, pipes)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=pipes,
                env=_environ(environment),
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(
                Problem(
                    f"the Python of the toolchain '{environment.toolchain}' cannot be started: {error}",
                    hint=f"`tflite-build toolchain remove {environment.toolchain}`, then build again",
                )
            ) from None

    def warm(self, kinds: Sequence[str], *, guard: bool = False) -> None:
        """Have it import what `kinds` of steps need, ahead of the first request; with `guard` that may run user code."""
        with contextlib.suppress(OSError):
            self._send({"warm": list(kinds), "guard": guard})

    def call(self, message: Mapping[str, Any], timeout: float, cancelled: Callable[[], bool]) -> dict[str, Any]:
        """Send a request and wait for its reply.

        Raises:
            EngineDied: If the process ends first.
            EngineTimeout: If `timeout` seconds pass.
        """
        self.used = True
        self._begun = self._log_size()
        try:
            self._send(message)
        except OSError:
            raise EngineDied(self._wait(), self.said) from None
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._replies, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0:
                    self.kill()
                    raise EngineTimeout(timeout, self.said)
                if cancelled():
                    self.kill()
                    raise EngineDied(-signal.SIGINT, "")
                ended = not self.alive  # asked before the pipe: what it wrote before its end is there by now
                readable = selector.select(0 if ended else min(left, 0.2))
                data = self._replies.read(1 << 16) if readable else b""
                # A child that the user's code forked may keep the pipe open beyond the process's end.
                if not data and (readable or ended):
                    raise EngineDied(self._wait(), self.said)
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            reply = json.loads(line)
        except ValueError:
            reply = None
        if not isinstance(reply, dict) or not reply.keys() & ANSWERS:
            self.kill()
            raise EngineDied(self._wait(), self.said, garbage=True)
        return reply

    @property
    def alive(self) -> bool:
        """Whether it still runs. What it started ends with it."""
        if self._process.returncode is None and self._process.poll() is not None:
            self._end_group()  # now: its number is free, and may soon be another's
        return self._process.returncode is None

    @property
    def said(self) -> str:
        """The last lines that it printed for the last request."""
        return self._log_tail(self._begun)

    def kill(self) -> None:
        """End it and everything that it started, and wait until it is gone."""
        self.end()
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End it and everything that it started; the kernel takes a while to free the memory of a large one."""
        if self._process.returncode is None:
            self._end_group()
        for stream in (self._requests, self._replies):
            with contextlib.suppress(OSError):
                stream.close()

    def _end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _send(self, message: Mapping[str, Any]) -> None:
        self._requests.write(json.dumps(message) + "\n")
        self._requests.flush()

    def _wait(self) -> int:
        until = time.monotonic() + 10
        while self.alive and time.monotonic() < until:
            time.sleep(0.01)
        self.kill()
        return self._process.returncode

    def _log_size(self) -> int:
        return os.fstat(self._log.fileno()).st_size

    def _log_tail(self, start: int, lines: int = 12) -> str:
        end = self._log_size()
        start = max(start, end - _TAIL)
        # Not by reading on: the position in the file is the process's, which writes there.
        text = os.pread(self._log.fileno(), end - start, start).decode("utf-8", "replace") if end > start else ""
        return "\n".join(text.rstrip().splitlines()[-lines:])


def _environ(environment: Environment) -> dict[str, str]:
    """The whole environment of the process: the same values everywhere, and a few of the machine's."""
    kept = {k: v for k, v in os.environ.items() if k in _PASSED}
    kept.update(
        CUDA_VISIBLE_DEVICES="-1",
        LC_ALL="C.UTF-8",
        PYTHONHASHSEED="0",
        TF_CPP_MIN_LOG_LEVEL="1",
        TF_ENABLE_ONEDNN_OPTS="0",
        TZ="UTC",
    )
    if environment.toolchain in _BACKENDS:
        kept["KERAS_BACKEND"] = _BACKENDS[environment.toolchain]
    if environment.overlay is not None:
        kept["TFLITE_BUILD_OVERLAY"] = str(environment.overlay)
    return kept


class Workers:
    """The engine processes of one build: at most `limit` alive, idle ones reused by toolchain."""

    def __init__(self, code: EngineCode, logs: Path, limit: int) -> None:
        self._code = code
        self._logs = logs
        self._limit = limit
        self._lock = threading.Lock()
        self._idle: list[EngineProcess] = []
        self._busy: list[EngineProcess] = []
        self._ending: list[EngineProcess] = []
        # Linux ends a process with the thread that started it, and those of one build's steps end with the build.
        self._starter = concurrent.futures.ThreadPoolExecutor(1, "starter")

    def take(self, environment: Environment, *, fresh: bool) -> EngineProcess:
        """An idle process of `environment`, or a new one; with `fresh` one that has done nothing yet."""
        with self._lock:
            self._drop_dead()
            for process in self._idle:
                if process.environment == environment and not (fresh and process.used):
                    self._idle.remove(process)
                    self._busy.append(process)
                    return process
            self._make_room()
            process = self._start(environment)
            self._busy.append(process)
            return process

    def give_back(self, process: EngineProcess, *, reusable: bool) -> None:
        """The process is no longer needed by who took it."""
        with self._lock:
            self._busy.remove(process)
            if reusable and process.alive:
                process.idle_since = time.monotonic()
                self._idle.append(process)
                return
        process.kill()

    def forget_byte_code(self) -> None:
        """Have Python make the byte code of engines again; idle processes may have stumbled over the old one."""
        forget_byte_code(self._code)
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.kill()

    def warm(self, environment: Environment, kinds: Sequence[str], count: int, *, guard: bool = False) -> None:
        """Start processes ahead of need, until there are `count` of the environment or no room is left.

        With `guard` they may run user code, and only those count that have done nothing yet.
        """
        with self._lock:
            self._drop_dead()
            processes = self._idle + self._busy
            room = self._limit - len(processes)
            there = sum(p.environment == environment and not (guard and p.used) for p in processes)
            started = []
            for _ in range(min(room, count - there)):
                process = self._start(environment)
                self._idle.append(process)  # at once: a later start may fail
                started.append(process)
        for process in started:
            process.warm(kinds, guard=guard)

    def adopt(self, processes: Sequence[EngineProcess]) -> None:
        """Take over idle processes that were started before."""
        with self._lock:
            self._idle += processes

    def retire(self, toolchain: str) -> None:
        """End the idle processes of a toolchain that no step needs any more."""
        with self._lock:
            gone = [p for p in self._idle if p.environment.toolchain == toolchain]
            self._idle = [p for p in self._idle if p not in gone]
            self._ending += gone
        for process in gone:
            process.end()

    def end_idle(self, seconds: float) -> None:
        """End those that nobody has wanted for `seconds`."""
        with self._lock:
            until = time.monotonic() - seconds
            gone = [p for p in self._idle if p.idle_since <= until]
            self._idle = [p for p in self._idle if p not in gone]
        for process in gone:
            process.kill()

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            processes = self._idle + self._busy + self._ending
            self._idle, self._busy, self._ending = [], [], []
        for process in processes:
            process.end()
        for process in processes:
            process.kill()
        self._starter.shutdown()

    def _drop_dead(self) -> None:
        dead = [p for p in self._idle if not p.alive]
        self._idle = [p for p in self._idle if p not in dead]
        for process in dead:
            process.kill()  # lets go of its pipes

    def _make_room(self) -> None:
        while self._idle and len(self._idle) + len(self._busy) >= self._limit:
            self._idle.pop(0).kill()

    def _start(self, environment: Environment) -> EngineProcess:
        return self._starter.submit(EngineProcess, environment, self._code, self._logs).result()
