"""Where the model.toml files under a folder are. Built-in modules alone, and paths as text: the fast path looks here."""

from __future__ import annotations

import os

from . import SPEC_NAME

_SKIPPED = frozenset({"build", "node_modules", "__pycache__", "venv", "lost+found"})


def is_skipped(name: str) -> bool:
    """Whether no model.toml is looked for in a folder called `name`."""
    return name.startswith(".") or name in _SKIPPED


def specs_in(folder: str, unread: dict[str, OSError] | None = None) -> list[str]:
    """The model.toml files under `folder`, a folder's own before those below it, sorted by name.

    Hidden folders, folders of outputs and environments are left out, and links to folders are not followed. A folder
    that cannot be read holds none; `unread` gets those, and why. One that is gone meanwhile is none.
    """
    found: list[str] = []
    left = [folder]
    while left:
        below: list[str] = []
        place = left.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    name = entry.name
                    if name == SPEC_NAME and not entry.is_dir():
                        found.append(entry.path)
                    elif not is_skipped(name) and entry.is_dir(follow_symlinks=False):
                        below.append(entry.path)
        except OSError as error:
            if unread is not None and not isinstance(error, FileNotFoundError):
                unread[place] = error
            continue
        below.sort(reverse=True)
        left += below
    return found
