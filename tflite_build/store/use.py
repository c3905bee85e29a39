"""When what is in the store was last used, and that nothing is removed at the moment in which it is.

Whoever takes something notes it in the file's time of modification, under a lock that many may hold at once. Whoever
removes something looks at that time again, alone. So a build either finds a thing absent, or has it until it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Use:
    """The lock over the uses of one store.

    Args:
        file: The lock's file, which stays.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Hold it together with others. Where it cannot be written, nobody can remove anything either."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                stack.enter_context(self._held(fcntl.LOCK_SH))
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold it alone; OSError where it cannot be written."""
        with self._held(fcntl.LOCK_EX):
            yield

    @contextmanager
    def _held(self, how: int) -> Iterator[None]:
        file = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o644)  # one each: threads exclude each other, too
        try:
            fcntl.flock(file, how)
            yield
        finally:
            os.close(file)

    def note(self, path: Path) -> bool:
        """Note that the file at `path` is used; whether it is there. Only while `noting`."""
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        except OSError:  # of someone else, or read-only: it stays anyway
            return True
        return True
