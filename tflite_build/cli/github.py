"""Errors and warnings as workflow commands of GitHub Actions, which it shows beside the lines that they are about.

On the error stream, of which it reads the lines as well, so that `--json` has the other one for itself.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tflite_build.errors import BuildError, Problem
from tflite_build.progress import Event
from tflite_build.run.result import ModelFinished

from . import console


def listener(event: Event) -> None:
    """Print the errors and warnings of each model that is finished."""
    if isinstance(event, ModelFinished):
        result = event.result
        for text in result.warnings:
            console.error(_command("warning", text, result.spec, None, result.name))
        errors(result.errors)


def errors(found: Sequence[BuildError]) -> None:
    """Print all problems of `found`."""
    for error in found:
        for problem in error.problems:
            file, line = (problem.place.file, problem.place.line) if problem.place else (None, None)
            console.error(_command("error", _text(problem), file, line, "tflite-build"))


def _text(problem: Problem) -> str:
    parts = (problem.message, problem.detail, f"help: {problem.hint}" if problem.hint else "")
    return "\n".join(part for part in parts if part)


def _command(kind: str, text: str, file: Path | None, line: int | None, title: str) -> str:
    properties = {"file": _shown(file) if file else None, "line": str(line) if line else None, "title": title}
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{kind} {given}::{_data(text)}"


def _shown(file: Path) -> str:
    """From the top of the repository, where GitHub looks for it."""
    top = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    absolute = file.absolute()
    return absolute.relative_to(top).as_posix() if absolute.is_relative_to(top) else str(absolute)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
