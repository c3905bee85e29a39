"""Waiting for what another build is doing, as long as the user wants to wait.

The kernel frees a lock when its holder dies. Knows nothing of what is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

Stop = Callable[[], bool]
_SAID_AFTER = 0.5  # seconds: a shorter wait is nothing to speak of


def never() -> bool:
    """A `Stop` for who cannot be stopped."""
    return False


@contextmanager
def held(lock: FileLock, *, waiting: Callable[[], None], stop: Stop = never) -> Iterator[None]:
    """Hold `lock`; `waiting` is called once where another process has it.

    Raises:
        KeyboardInterrupt: If `stop` says so meanwhile.
    """
    said = False
    while True:
        try:
            lock.acquire(timeout=_SAID_AFTER)
            break
        except Timeout:
            if stop():
                raise KeyboardInterrupt from None
            if not said:
                waiting()
                said = True
    try:
        yield
    finally:
        lock.release()
