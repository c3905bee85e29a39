"""The command line, written over the Python API."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of `tflite-build`."""
    arguments = sys.argv[1:]
    try:
        code = _run(arguments)
        signal = sys.modules.get("signal")  # which a command that answers at once has not imported
        if signal is not None:  # everything is done and said: Ctrl-C while Python ends changes nothing of that
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:  # while Python still reads its files
        code = 130
    sys.exit(code)


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
