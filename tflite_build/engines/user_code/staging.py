"""The folder that user code sees: a copy of the project that grows with what the code asks for, and a record of that.

What was asked for and how it stood is what the step depends on. What is never there says `listing`. Knows nothing of
Python code: `watching` tells it what is wanted.
"""

# Paths are compared here as text, and asking the disk about them would be seen as the user's asking.
# ruff: noqa: PTH100, PTH112, PTH113, PTH120

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import threading
from pathlib import Path

from .listing import listing, listing_digest, looks, outside_listing, visible

# Seen by whoever opens a listed file below Python's sight, in place of its content.
_PLACEHOLDER = b"tflite-build: this file was opened in a way that cannot be seen: name it in `files` of model.toml\n"
_TELLING = ("", "missing", "exists", "looks", "folder", "file", "outside")  # kinds of records, the vaguest first
_EPOCH = 315532800  # 1980-01-01: times of copies say nothing
# Parts of the machine, as they are; a build depends on the toolchain and not on them. All else is the user's: hidden
# folders at home and the temporary one, too, where weights and data sets are kept.
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/run", "/System")


class Staging:
    """The folder `stage` for the project at `project`.

    A path asked for is copied once; later questions find the copy. Kinds of record: "file" and "outside" with a
    SHA-256, "folder" with the digest of its listing, "exists" for a folder that was not listed, "looks" for a file that
    was looked at and not opened, "missing". Paths outside of the project are absolute; they are not copied, and what user
    code makes, changes or removes there is its own, as is the listing of the folder that it does so in.
    """

    def __init__(self, project: Path, stage: Path) -> None:
        self.project = Path(os.path.realpath(project))
        self.stage = Path(os.path.realpath(stage))
        self._roots = tuple(dict.fromkeys([str(self.stage), str(self.project), os.path.abspath(project)]))
        self._ignored = _ignored(self.stage.parent)
        self._records = _Records(self.stage.with_name(f"{self.stage.name}.children"))
        self._own: set[str] = set()  # paths outside
        self._settled: set[str] = set()  # copied, found missing, or written by the user's code
        self._placeholders: dict[str, str] = {}  # how each one looks
        self._lock = threading.RLock()
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self._lock = threading.RLock()  # which another thread of the parent may have held
        self._records.forked()

    def relative(self, path: str) -> str | None:
        """`path` below the project, "" for the project itself, None for one outside."""
        full = os.path.abspath(path)
        for root in self._roots:
            if _within(full, root):
                return full[len(root) + 1 :].replace(os.sep, "/")
        return None

    def holds(self, path: str) -> bool:
        """Whether `path`, which is absolute, is the stage or lies in it."""
        return _within(path, str(self.stage))

    def looked(self, path: str) -> None:
        """User code asks whether `path` is there, what it is, or how large."""
        relative = self.relative(path)
        with self._lock:
            if relative:
                self._bring(relative, content=relative not in self._placeholders)
            elif relative is None:
                self._outside(os.path.abspath(path), content=False)

    def read(self, path: str) -> None:
        """User code opens `path` to read it."""
        relative = self.relative(path)
        with self._lock:
            if relative:
                self._bring(relative, content=True)
            elif relative is None:
                self._outside(os.path.abspath(path), content=True)

    def listed(self, path: str) -> None:
        """User code lists the folder `path`."""
        relative = self.relative(path)
        if relative is None:
            with self._lock:
                self._outside_listed(os.path.abspath(path))
            return
        source = self.project / relative
        with self._lock:
            if not (relative == "" or visible(self.project, relative)):
                return
            if self._records.get(relative or ".", ("", ""))[0] == "folder":
                return
            if not source.is_dir():
                self._bring(relative, content=True)
                return
            names = listing(self.project, relative)
            self._records[relative or "."] = ("folder", listing_digest(names))
            self._settled.add(relative)
            (self.stage / relative).mkdir(parents=True, exist_ok=True)
            for name in names:
                self._show(f"{relative}/{name}" if relative else name)

    def written(self, path: str) -> None:
        """User code makes or replaces the file `path`: what it reads there from now on is its own."""
        relative = self.relative(path)
        if relative is None:
            self.changed(path)
        if not relative:
            return
        with self._lock:
            if (self.project / relative).parent.is_dir():
                (self.stage / relative).parent.mkdir(parents=True, exist_ok=True)
            self._settled.add(relative)
            self._placeholders.pop(relative, None)

    def changed(self, path: str) -> None:
        """User code makes, moves or removes `path`: outside of the project, it and all below are its own from now on."""
        if self.relative(path) is not None:
            return
        full = os.path.abspath(path)
        with self._lock:
            self._own.add(full)
            for known in [p for p in self._records if _within(p, full)]:
                del self._records[known]
            above = os.path.dirname(full)
            if self._records.get(above, ("", ""))[0] == "folder":
                self._records[above] = ("exists", "")

    def touched(self, path: str) -> None:
        """User code sets the times of `path`: where it looked at them outside of the project, they are its own."""
        with self._lock:
            if self._records.get(os.path.abspath(path), ("", ""))[0] == "looks":
                self.changed(path)

    def take(self, relative: str) -> Path:
        """The copy of a file or, with all below it, of a folder that the spec names, even a hidden one."""
        with self._lock:
            source = self.project / relative
            if source.is_dir():
                self.listed(str(self.stage / relative))
                for name in listing(self.project, relative):
                    self.take(f"{relative}/{name}")
            else:
                self._bring(relative, content=True, named=True)
        return self.stage / relative

    def unseen(self, relative: str) -> bool:
        """Whether the project has this file and user code has not been given its content."""
        unread = relative not in self._settled or relative in self._placeholders
        return unread and visible(self.project, relative) and (self.project / relative).is_file()

    @property
    def listed_only(self) -> tuple[str, ...]:
        """Files that were listed and not opened."""
        return tuple(sorted(self._placeholders))

    def records(self) -> list[dict[str, str]]:
        """All that was asked for: path, kind and sha256, sorted by path."""
        return [
            {"path": path, "kind": kind, "sha256": digest}
            for path, (kind, digest) in sorted(self._records.with_children().items())
        ]

    def _bring(self, relative: str, content: bool, named: bool = False) -> None:
        if relative in self._settled or not (named or visible(self.project, relative)):
            return
        source, target = self.project / relative, self.stage / relative
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            self._records.setdefault(relative, ("exists", ""))
        elif source.exists() and not source.is_file():  # a pipe or socket: it stands there, and would never end
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
            self._records[relative] = ("looks", looks(target, outside=False))
        elif source.exists():
            if not content:  # a placeholder says all that was asked
                self._records[relative] = ("looks", self._placeholders[relative])
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            self._records[relative] = ("file", _copy(source, target))
            self._placeholders.pop(relative, None)
        else:
            self._records[relative] = ("missing", "")
        self._settled.add(relative)

    def _show(self, relative: str) -> None:
        """Let a listing show an entry, without its content."""
        source, target = self.project / relative, self.stage / relative
        if relative in self._settled or target.exists():
            return
        if source.is_dir():
            target.mkdir()
        elif source.exists():
            size = source.stat().st_size
            with target.open("wb") as file:
                file.write(_PLACEHOLDER[:size])
                file.truncate(size)
            os.utime(target, (_EPOCH, _EPOCH))
            self._placeholders[relative] = looks(target, outside=False)

    def _outside(self, path: str, content: bool) -> None:
        known = self._records.get(path, ("", ""))[0]
        if self._no_input(path) or (known and not (known == "looks" and content)):
            return
        below = path.rstrip(os.sep) + os.sep
        if not os.path.lexists(path):
            self._records[path] = ("missing", "")
        elif os.path.isdir(path):
            if not any(folder.startswith(below) for folder in self._ignored):  # else it cannot but be there
                self._records[path] = ("exists", "")
        elif os.path.isfile(path):
            self._records[path] = ("outside", _digest(Path(path))) if content else ("looks", looks(path, outside=True))

    def _outside_listed(self, path: str) -> None:
        self._outside(path, content=False)
        known = self._records.get(path, ("", ""))[0] == "folder"
        if known or self._no_input(path) or any(os.path.dirname(own) == path for own in self._own):
            return
        with contextlib.suppress(OSError):  # one that cannot be listed; the user's code will be told
            self._records[path] = ("folder", listing_digest(outside_listing(path)))

    def _no_input(self, path: str) -> bool:
        """Whether `path`, outside of the project, is the machine's, the toolchain's or the user code's own."""
        return f"{path}{os.sep}".startswith(self._ignored) or self._is_own(path)

    def _is_own(self, path: str) -> bool:
        while path not in self._own:
            above = os.path.dirname(path)
            if above == path:
                return False
            path = above
        return True


class _Records(dict[str, tuple[str, str]]):
    """Path -> kind and digest. What forked children of the process ask for comes by a file, a line each.

    Args:
        file: That file; it is there as soon as a child has written to it.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        self._child = False

    def forked(self) -> None:
        """This is a child now."""
        self._child = True

    def __setitem__(self, path: str, record: tuple[str, str]) -> None:
        super().__setitem__(path, record)
        if self._child:
            line = json.dumps([path, *record]).encode() + b"\n"
            file = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(file, line)  # at once, so that lines of several children do not mix
            finally:
                os.close(file)

    def setdefault(self, path: str, record: tuple[str, str] = ("", "")) -> tuple[str, str]:
        """As of a dict."""
        if path not in self:
            self[path] = record
        return self[path]

    def with_children(self) -> dict[str, tuple[str, str]]:
        """All of it; of one path what says the most."""
        found = dict(self)
        if self._file.exists():
            for line in self._file.read_text("utf-8").splitlines():
                path, kind, digest = json.loads(line)
                if _TELLING.index(kind) > _TELLING.index(found.get(path, ("", ""))[0]):
                    found[path] = (kind, digest)
        return found


def _within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it."""
    return path == folder or path.startswith(folder + os.sep)


def _ignored(scratch: Path) -> tuple[str, ...]:
    """Folders of the machine and of the toolchain: their files are no inputs of the user's."""
    folders = [*_SYSTEM, sys.prefix, sys.base_prefix, sys.exec_prefix, str(scratch)]
    folders += [os.path.abspath(entry) for entry in sys.path if entry]
    folders += [os.path.realpath(folder) for folder in folders]
    return tuple(dict.fromkeys(folder.rstrip(os.sep) + os.sep for folder in folders))


def _copy(source: Path, target: Path) -> str:
    """Copy a file; the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    target.unlink(missing_ok=True)
    with source.open("rb") as read, target.open("wb") as write:
        while block := read.read(1 << 20):
            digest.update(block)
            write.write(block)
    os.utime(target, (_EPOCH, _EPOCH))
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
