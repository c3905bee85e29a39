"""Locks between processes, and waiting for what another build is doing as long as the user wants to wait.

Knows nothing of what is locked.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Stop = Callable[[], bool]
_SAID_AFTER = 0.5  # seconds: a shorter wait is nothing to speak of
_POLL = 0.02  # seconds


def never() -> bool:
    """A `Stop` for who cannot be stopped."""
    return False


class FileLock:
    """An exclusive lock by a file, which the kernel frees when its holder dies (flock(2)).

    The holder removes the file at the end: others who wait for it then see that theirs is no longer the one at `path`,
    and make it anew. Two objects exclude each other in one process, too. Not a library's, since the one that is made
    for this takes as long to import as a tenth of a small build, and keeps its files for ever.

    Args:
        path: The file, made where it is missing; its folder has to be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def acquire(self, timeout: float) -> bool:
        """Take the lock within `timeout` seconds, 0 for at once; whether that succeeded. OSError as of opening a file."""
        until = time.monotonic() + timeout
        while not self._take():
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL)
        return True

    def release(self) -> None:
        """Let go of it."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
            os.close(self._file)
            self._file = None

    def _take(self) -> bool:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.fstat(file).st_ino == os.stat(self.path).st_ino  # noqa: PTH116 - beside fstat
        except OSError as error:
            os.close(file)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.ENOENT):
                return False
            raise
        if not ours:  # it was removed, and made anew, while this one was opened
            os.close(file)
            return False
        self._file = file
        return True


@contextmanager
def held(lock: FileLock, *, waiting: Callable[[], None], stop: Stop = never) -> Iterator[None]:
    """Hold `lock`; `waiting` is called once where another process has it.

    Raises:
        KeyboardInterrupt: If `stop` says so meanwhile.
    """
    said = False
    while not lock.acquire(_SAID_AFTER):
        if stop():
            raise KeyboardInterrupt
        if not said:
            waiting()
            said = True
    try:
        yield
    finally:
        lock.release()
