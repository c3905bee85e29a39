"""Looking into a .tflite file: the `inspect` command. What builds is not imported, which would take longer."""

from __future__ import annotations

from pathlib import Path

from tflite_build import named
from tflite_build.tflite.summary import Summary, summarize

from . import arguments


def inspect(file: str | Path) -> Summary:
    """What a .tflite file holds.

    Raises:
        BuildError: If it cannot be read or is no .tflite file.
    """
    return summarize(named.file(arguments.path(file, "file")))
