"""Digests of the user's files without reading them again: path, size, mtime, ctime and inode -> digest, in SQLite.

A file that changed within the clock's granularity of being hashed may change again without a trace, so such an entry
is not trusted (as git treats racily clean entries). The database is a cache: a damaged one is thrown away.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any
from zlib import crc32

from .artifact import File, Tree
from .database import Database, quiet
from .digest import Digest, of_file
from .stats import is_settled, stat_text

_SCHEMA = "CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, stat TEXT NOT NULL, digest TEXT NOT NULL)"


class StatCache:
    """The digests of files and folders, remembered as long as their stat data stays the same. Thread-safe."""

    def __init__(self, database: Path, report: Callable[[str], None] = quiet) -> None:
        self._lock = threading.Lock()
        self._db = Database(str(database), _SCHEMA, report)

    def file(self, path: Path) -> File:
        """The file at `path` as an artifact. OSError where it cannot be read, or its name is not UTF-8."""
        path = path.absolute()
        check_name(str(path))
        before = time.time_ns()
        stat = path.stat()
        if not S_ISREG(stat.st_mode):  # a pipe would not end
            raise OSError(errno.EISDIR if S_ISDIR(stat.st_mode) else errno.EINVAL, "not a file", str(path))
        text = stat_text(stat)
        known = self._known(str(path), text)
        if known is not None:
            return File(known)
        digest = of_file(path)
        if is_settled(stat, before) and stat_text(path.stat()) == text:
            self._query("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", str(path), text, _sealed(path, text, digest))
        return File(digest)

    def tree(self, folder: Path) -> Tree:
        """The folder at `folder` as an artifact: all its files, hidden ones left out. OSError as above."""
        files = [
            (Path(base, name).relative_to(folder).as_posix(), self.file(Path(base, name)).digest)
            for base, names in walk(folder)
            for name in names
        ]
        return Tree(tuple(sorted(files)))

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _known(self, path: str, stat: str) -> Digest | None:
        rows = self._query("SELECT digest FROM files WHERE path = ? AND stat = ?", path, stat)
        try:
            digest = Digest.parse(rows[0][0].partition(" ")[0]) if rows else None
        except (ValueError, AttributeError):  # a damaged row is none
            return None
        return digest if digest is not None and rows[0][0] == _sealed(path, stat, digest) else None

    def forget(self) -> int:
        """Remove what is known of files that are not there any more; how many."""
        with self._lock:
            gone = [row for row in self._db.query("SELECT path FROM files") if not _is_there(row[0])]
            if gone:
                self._db.write("DELETE FROM files WHERE path IS ?", gone)
        return len(gone)

    def _query(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.query(sql, values)


def _is_there(path: object) -> bool:
    """Whether a file is; what no path can be, as of a damaged row, is nowhere."""
    return isinstance(path, str) and "\0" not in path and os.path.lexists(path)


def _sealed(path: object, stat: str, digest: Digest) -> str:
    """A digest with a checksum: SQLite finds no flipped bit of a value by itself."""
    return f"{digest} {crc32(f'{path} {stat} {digest}'.encode()):08x}"


def walk(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The folders that are part of a tree, each with the names of its files. OSError as above.

    Hidden ones and byte code are left out.
    """
    for base, folders, names in os.walk(folder, onerror=_raise, followlinks=True):
        shown = (f for f in folders if not f.startswith(".") and f != "__pycache__")
        folders[:] = [f for f in shown if not _leads_back(Path(base, f))]
        yield base, [n for n in names if not n.startswith(".")]


def check_name(name: str) -> None:
    """OSError (EILSEQ) where a name is not UTF-8: neither the database nor a listing can hold it."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise OSError(errno.EILSEQ, "the name is not UTF-8", name) from None


def _raise(error: OSError) -> None:
    raise error


def _leads_back(folder: Path) -> bool:
    """Whether `folder` is a link to one that holds it, which would never end."""
    return folder.is_symlink() and folder.resolve() in folder.absolute().parent.resolve().joinpath("_").parents
