"""The command line, written over the Python API."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of `tflite-build`."""
    try:
        from .app import run
    except KeyboardInterrupt:  # while Python still reads its files
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))
