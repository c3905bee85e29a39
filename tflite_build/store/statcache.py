"""Digests of the user's files without reading them again: path, size, mtime, ctime and inode -> digest, in SQLite.

A file that changed within the clock's granularity of being hashed may change again without a trace, so such an entry
is not trusted (as git treats racily clean entries). The database is a cache: a damaged one is thrown away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from .artifact import File, Tree
from .digest import Digest, of_file

_GRANULARITY_NS = 50_000_000
_SCHEMA = "CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, stat TEXT NOT NULL, digest TEXT NOT NULL)"


class StatCache:
    """The digests of files and folders, remembered as long as their stat data stays the same. Thread-safe."""

    def __init__(self, database: Path) -> None:
        self._file = database
        self._lock = threading.Lock()
        self._db = self._open()

    def file(self, path: Path) -> File:
        """The file at `path` as an artifact. OSError where it cannot be read, or its name is not UTF-8."""
        path = path.absolute()
        check_name(str(path))
        before = time.time_ns()
        stat = path.stat()
        text = _stat_text(stat)
        known = self._known(str(path), text)
        if known is not None:
            return File(known)
        digest = of_file(path)
        settled = before - max(stat.st_mtime_ns, stat.st_ctime_ns) > _GRANULARITY_NS
        if settled and _stat_text(path.stat()) == text:
            self._query("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", str(path), text, str(digest))
        return File(digest)

    def tree(self, folder: Path) -> Tree:
        """The folder at `folder` as an artifact: all its files, hidden ones left out. OSError as above."""
        files = []
        for base, folders, names in os.walk(folder, onerror=_raise, followlinks=True):
            folders[:] = [f for f in folders if not f.startswith(".") and not _leads_back(Path(base, f))]
            for name in names:
                if not name.startswith("."):
                    path = Path(base, name)
                    files.append((path.relative_to(folder).as_posix(), self.file(path).digest))
        return Tree(tuple(sorted(files)))

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _known(self, path: str, stat: str) -> Digest | None:
        rows = self._query("SELECT digest FROM files WHERE path = ? AND stat = ?", path, stat)
        try:
            return Digest.parse(rows[0][0]) if rows else None
        except (ValueError, AttributeError):  # a damaged row is none
            return None

    def _query(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.OperationalError:  # locked, or the disk is full
                return []
            except sqlite3.DatabaseError:  # damaged
                self._db.close()
                self._remove()
                self._db = self._open()
                return []

    def _open(self) -> sqlite3.Connection:
        for _ in range(2):
            try:
                return _connect(str(self._file))
            except sqlite3.OperationalError:  # another process may be using it
                break
            except sqlite3.DatabaseError:
                self._remove()
        return _connect(":memory:")

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                Path(f"{self._file}{suffix}").unlink()


def check_name(name: str) -> None:
    """OSError (EILSEQ) where a name is not UTF-8: neither the database nor a listing can hold it."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise OSError(errno.EILSEQ, "the name is not UTF-8", name) from None


def _connect(file: str) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=10, check_same_thread=False, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        db.execute(_SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db


def _raise(error: OSError) -> None:
    raise error


def _leads_back(folder: Path) -> bool:
    """Whether `folder` is a link to one that holds it, which would never end."""
    return folder.is_symlink() and folder.resolve() in folder.absolute().parent.resolve().joinpath("_").parents


def _stat_text(stat: os.stat_result) -> str:
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"
