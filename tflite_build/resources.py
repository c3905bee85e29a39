"""Where the data files of the tool lie (`specs/`, `templates/`, the engines' code), installed or in a checkout.

The only module that knows. An editable install keeps a stale copy of force-included data beside the package, so a
checkout's own folders win.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def _data() -> Path:
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "specs").is_dir():
        return checkout
    return _PACKAGE / "_data"


def specs(*parts: str) -> Path:
    """A file or folder under `specs/`."""
    return _data().joinpath("specs", *parts)


def templates(*parts: str) -> Path:
    """A file or folder under `templates/`."""
    return _data().joinpath("templates", *parts)


def package() -> Path:
    """The folder of the tool's own code, part of which runs in engine processes."""
    return _PACKAGE
