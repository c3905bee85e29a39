"""The command line, written over the Python API."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of `tflite-build`."""
    arguments = sys.argv[1:]
    try:
        sys.exit(_run(arguments))
    except KeyboardInterrupt:  # while Python still reads its files
        sys.exit(130)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["build"]:
        from . import front

        looked = front.look(arguments[1:])
        if looked is not None and looked.done:
            return front.say(looked)
        from tflite_build.run import ahead

        ahead.start(arguments[1:])
        if looked is not None:
            from . import building

            return building.run(looked)
    from . import app

    return app.run(arguments)
