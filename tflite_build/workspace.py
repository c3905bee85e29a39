"""Which workspace a folder belongs to: the nearest tflite-build.toml above it. Knows no word of what stands in there.

Built-in modules alone, and paths as text: the fast path looks here.
"""

# ruff: noqa: PTH110, PTH113, PTH118, PTH120

from __future__ import annotations

import os

WORKSPACE_NAME = "tflite-build.toml"
_BOUNDARY = ".git"


def workspace_of(folder: str, known: dict[str, str] | None = None) -> str:
    """The workspace file that counts for specs in `folder`, an absolute path; "" where there is none.

    Nothing is looked for above a folder that holds `.git`: a repository means the same wherever it was checked out.

    Args:
        folder: Whose.
        known: What was found for other folders; what is found now is added.
    """
    looked: list[str] = []
    found = ""
    while True:
        if known is not None and folder in known:
            found = known[folder]
            break
        looked.append(folder)
        file = os.path.join(folder, WORKSPACE_NAME)
        if os.path.isfile(file):
            found = file
            break
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, _BOUNDARY)):
            break
        folder = parent
    if known is not None:
        known.update(dict.fromkeys(looked, found))
    return found


def candidates(folder: str) -> list[str]:
    """The paths that decide what `workspace_of` says of `folder`."""
    found: list[str] = []
    while True:
        file, boundary = os.path.join(folder, WORKSPACE_NAME), os.path.join(folder, _BOUNDARY)
        found += (file, boundary)
        parent = os.path.dirname(folder)
        if parent == folder or os.path.isfile(file) or os.path.exists(boundary):
            return found
        folder = parent
