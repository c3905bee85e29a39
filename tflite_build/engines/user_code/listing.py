"""What a folder holds for user code, and what the record says of files that were seen and not read.

Hidden files, `__pycache__` and the tool's own outputs are never there: `build` and `model.lock`, and elsewhere what is
known by its content, such as the lock of NAME.toml or an --out-dir within the project. Used by the tool as well, which
finds out whether anything has changed.
"""

# The same paths as text, many of them, where pathlib would take longer than the disk.
# ruff: noqa: PTH112, PTH114, PTH118, PTH119, PTH120, PTH123, PTH208

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

LOCK_HEAD = "# Written by tflite-build"
REPORT = "report.json"
REJECTED = "rejected"
REJECTED_MARK = ".tflite-build"  # beside what was rejected, which may be all that there is of a model
_MARK_HEAD = f"{LOCK_HEAD}: files that were rejected, of the model "
_LONGEST_NAME = 100  # bytes, of a model
HIDDEN_AT_TOP = frozenset({"build", "model.lock"})


def rejected_mark(model: str) -> str:
    """The content of the file that says whose rejected files lie beside it."""
    return f"{_MARK_HEAD}{model}\n"


def visible(project: Path, relative: str) -> bool:
    """Whether user code can see `relative`, a path below the project with `/` between its parts."""
    return _has_visible_name(relative) and not _is_output(os.path.join(project, relative))


def listing(project: Path, relative: str) -> tuple[str, ...]:
    """The visible names in a folder of the project, sorted. `relative` is its path below the project, or ""."""
    below = f"{relative}/" if relative else ""
    with os.scandir(project / relative) as entries:
        found = [e.name for e in entries if _has_visible_name(below + e.name) and not _is_output(e.path)]
    return tuple(sorted(found))


def own_outputs(project: Path, relative: str) -> tuple[str, ...]:
    """The paths that `listing` leaves out for what they hold, and not for their names."""
    below = f"{relative}/" if relative else ""
    with os.scandir(project / relative) as entries:
        return tuple(sorted(e.path for e in entries if _has_visible_name(below + e.name) and _is_output(e.path)))


def outside_listing(folder: str | Path) -> tuple[str, ...]:
    """The names in a folder outside of the project, sorted; nothing is hidden there."""
    return tuple(sorted(os.listdir(folder)))


def listing_digest(names: Iterable[str]) -> str:
    """SHA-256 of a listing, as the record holds it: of the names as canonical JSON."""
    text = json.dumps(list(names), separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def looks(file: str | Path, *, outside: bool) -> str:
    """What is to be seen of a file from without: its size and, where user code sees the file itself, its time."""
    found = os.stat(file)  # noqa: PTH116
    return f"{found.st_size} {found.st_mtime_ns}" if outside else str(found.st_size)


def _has_visible_name(relative: str) -> bool:
    parts = relative.split("/")
    hidden = any(part.startswith(".") or part == "__pycache__" for part in parts if part)
    return not hidden and parts[0] not in HIDDEN_AT_TOP


def _is_output(path: str) -> bool:
    """Whether the tool wrote `path`, or everything in the folder `path`."""
    folder, name = os.path.split(path)
    if name.endswith(".lock"):
        return _head(path, len(LOCK_HEAD)) == LOCK_HEAD.encode()
    if name == REPORT:
        return _reported(folder) is not None
    if name.endswith(".tflite"):
        if os.path.basename(folder) == REJECTED:
            model = _marked(folder) or _reported(os.path.dirname(folder))
        else:
            model = _reported(folder)
        return model is not None and name.startswith(f"{model}-")
    if _reported_folder(folder, name):
        return True
    return not os.path.islink(path) and os.path.isdir(path) and _holds_outputs_alone(path)


def _holds_outputs_alone(folder: str) -> bool:
    found = False
    try:
        with os.scandir(folder) as entries:
            for entry in entries:  # in a folder of the user's the first file ends it
                if entry.name == REJECTED_MARK:
                    found = _marked(folder) is not None
                elif not entry.name.startswith("."):
                    if not _is_output(entry.path):
                        return False
                    found = True
    except OSError:
        return False
    return found


def _reported(folder: str) -> str | None:
    """The model whose report lies in `folder`; None where there is none of this tool's."""
    try:
        with open(os.path.join(folder, REPORT), encoding="utf-8") as file:
            report = json.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    ours = isinstance(report, dict) and {"version", "model", "variants", "decisions"} <= report.keys()
    return str(report["model"]) if ours else None


def _reported_folder(folder: str, name: str) -> bool:
    """Whether the report in `folder` says that the folder `name` beside it was generated."""
    if _reported(folder) is None:
        return False
    with open(os.path.join(folder, REPORT), encoding="utf-8") as file:
        folders = json.load(file).get("folders", ())
    return isinstance(folders, list) and any(isinstance(f, dict) and f.get("name") == name for f in folders)


def _marked(folder: str) -> str | None:
    """The model whose rejected files lie in `folder`, as their mark says; None where there is none."""
    head = _MARK_HEAD.encode()
    text = _head(os.path.join(folder, REJECTED_MARK), len(head) + _LONGEST_NAME)
    return text[len(head) :].decode("utf-8", "replace").strip() if text.startswith(head) else None


def _head(file: str, size: int) -> bytes:
    try:
        with open(file, "rb") as read:
            return read.read(size)
    except OSError:
        return b""
