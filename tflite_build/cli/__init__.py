"""The command line, written over the Python API."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of `tflite-build`."""
    arguments = sys.argv[1:]
    try:
        if arguments[:1] == ["build"]:
            from . import front

            if front.answer(arguments[1:]):
                sys.exit(0)
            from tflite_build.run import ahead

            ahead.start(arguments[1:])
        from .app import run
    except KeyboardInterrupt:  # while Python still reads its files
        sys.exit(130)
    sys.exit(run(arguments))
