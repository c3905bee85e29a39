"""What stands around every command: each way to fail has its words and its exit code."""

from __future__ import annotations

import errno
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from tflite_build.errors import BuildError, ExitCode

from . import console

_terminated = False  # by SIGTERM


class StoppedError(Exception):
    """Ctrl-C or SIGTERM ended a command that has something to say of it."""


def stopped() -> ExitCode:
    """The exit code of a command that was interrupted: which signal did it."""
    return ExitCode.TERMINATED if _terminated else ExitCode.INTERRUPTED


@contextmanager
def keeping() -> Iterator[None]:
    """Around a command whose finished steps the next build need not do again."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError("what was finished is kept for the next build") from None


@contextmanager
def _terminable() -> Iterator[None]:
    """Inside, SIGTERM does what Ctrl-C does, so that the screen is left clean and what was finished is told.

    Not where somebody else's program runs the command in a thread, or has chosen what the signal does.
    """
    global _terminated
    _terminated = False
    own = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not own:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(_: int, __: FrameType | None) -> None:
    global _terminated
    if not _terminated:  # some send it to the process and then to its group: what is being cleaned up goes on
        _terminated = True
        raise KeyboardInterrupt


def guarded(command: Callable[[], int]) -> int:
    """The exit code of `command`, whatever becomes of it; errors are printed."""
    with _terminable():
        return _guarded(command)


def _guarded(command: Callable[[], int]) -> int:
    try:
        return command()
    except BuildError as error:
        console.error(error.render(console.current_folder()))
        return int(error.code)
    except StoppedError as error:
        console.error(f"interrupted; {error}")
        return int(stopped())
    except KeyboardInterrupt:
        console.error("interrupted")
        return int(stopped())
    except BrokenPipeError:
        return 0  # help, which typer writes itself, and nobody reads to its end
    except Exception as error:
        if console.current_folder() is None:
            console.error("error: the current folder does not exist any more\nhelp: change into another one")
            return int(ExitCode.USAGE)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:  # help, again
            console.give_up(sys.stdout)
            console.error(f"error: cannot write the output: {error.strerror}")
            return int(ExitCode.STORE_FAILED)
        traceback.print_exc()
        console.error("error: this is a fault of tflite-build itself; please report it with the lines above")
        return int(ExitCode.FAULT)
