"""What stands around every command: each way to fail has its words and its exit code."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Callable

from tflite_build.errors import BuildError, ExitCode

from . import console


class StoppedError(Exception):
    """Ctrl-C ended a command that has something to say of it."""


def guarded(command: Callable[[], int]) -> int:
    """The exit code of `command`, whatever becomes of it; errors are printed."""
    try:
        return command()
    except BuildError as error:
        console.error(error.render(console.current_folder()))
        return int(error.code)
    except StoppedError as stopped:
        console.error(f"interrupted; {stopped}")
        return int(ExitCode.INTERRUPTED)
    except KeyboardInterrupt:
        console.error("interrupted; what was finished is kept for the next build")
        return int(ExitCode.INTERRUPTED)
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
