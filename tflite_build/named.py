"""Paths as a user names them: whether something is there, and what may be meant where nothing is.

Imports little, since commands that only look at files wait for it.
"""

from __future__ import annotations

from pathlib import Path

from tflite_build.errors import BuildError, ExitCode, Problem, UsageError, nearest


def there(path: Path) -> bool:
    """Whether there is something at `path`.

    Raises:
        UsageError: If it is a name that cannot be looked for, or stands in a folder that may not be entered.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(Problem(f"cannot open '{path}': {reason}")) from None
    return True


def file(path: Path) -> Path:
    """`path`, which has to be a file.

    Raises:
        UsageError: If it is none.
    """
    if not there(path):
        message, hint = absent(path, str(path), "file")
        raise UsageError(Problem(message, hint=hint))
    if path.is_dir():
        raise UsageError(Problem(f"'{path}' is a folder, not a file"))
    ordinary(path)
    return path


def ordinary(path: Path) -> None:
    """Look whether what is at `path` can be read: a file, or a folder.

    Raises:
        UsageError: If it is something that might never end.
        BuildError: If it may not be read.
    """
    try:
        if path.is_dir():
            path.joinpath(".").stat()  # whether it may be entered
            next(path.iterdir(), None)
        elif not path.is_file():
            raise UsageError(Problem(f"'{path}' is a pipe, socket or device, not a file"))
        else:
            path.open("rb").close()
    except OSError as error:
        raise BuildError(Problem(f"cannot read '{path}': {error.strerror}"), ExitCode.SPEC_WRONG) from None


def absent(path: Path, shown: str, what: str) -> tuple[str, str]:
    """Message and hint where nothing can be opened at `path`: there is no such `what`, or a link leads nowhere."""
    try:
        aim = path.readlink()
    except (OSError, ValueError):
        return f"there is no {what} '{shown}'", _near_file(path)
    return f"'{shown}' is a link to '{aim}', which is not there", "put the file there, or link to where it is"


def _near_file(path: Path) -> str:
    """`did you mean 'X'?` for a path beside `path` with nearly its name, endings aside, or an empty string."""
    try:
        beside = sorted(path.parent.iterdir(), key=lambda p: (p.suffix == path.suffix, p.name))
        there = {p.stem: p.name for p in beside if p.exists()}
    except (OSError, ValueError):
        return ""
    stem = nearest(path.stem, there)
    return f"did you mean '{there[stem]}'?" if stem else ""
