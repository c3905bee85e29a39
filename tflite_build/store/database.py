"""An SQLite database that holds nothing of value: a damaged one is thrown away, a locked or full one is not used.

Where nothing can be written, what is there can still be read.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WAIT = 10.0  # seconds for another process that writes


def quiet(_: str) -> None:
    """Takes a line for people and says nothing."""


class Database:
    """The database in `file`, with the tables of `schema`; one in memory where the file cannot be used.

    Args:
        file: Its path.
        schema: Statements that make its tables where they are missing.
        report: Called with a line for people where it was damaged.
    """

    def __init__(self, file: str, schema: str, report: Callable[[str], None] = quiet) -> None:
        self._file = file
        self._schema = schema
        self._report = report
        self._db = self._open()

    def query(self, sql: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement; none where the database is locked, full or damaged."""
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            self._failed(error)
        except UnicodeEncodeError:  # a path that is not UTF-8
            pass
        return []

    def write(self, sql: str, rows: Iterable[Sequence[str]]) -> None:
        """Run a statement for each of `rows`, all or none."""
        try:
            with self._db:
                self._db.execute("BEGIN")
                self._db.executemany(sql, rows)
        except sqlite3.DatabaseError as error:
            self._failed(error)
        except UnicodeEncodeError:
            pass

    def close(self) -> None:
        """Close it."""
        self._db.close()

    def _failed(self, error: sqlite3.DatabaseError) -> None:
        if not _is_busy(error):
            self._db.close()
            self._remove()
            self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        for _ in range(2):
            try:
                return _connect(self._file, self._schema)
            except sqlite3.DatabaseError as error:
                if _is_busy(error):
                    break
                self._remove()
        return self._readable() or _connect(":memory:", self._schema)

    def _readable(self) -> sqlite3.Connection | None:
        """It as it stands, where its folder cannot be written; None for any other trouble."""
        folder = os.path.dirname(self._file)  # noqa: PTH120
        try:
            read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
        except OSError:
            return None
        if not read_only and os.access(folder, os.W_OK):
            return None
        place = "".join(
            c if c.isalnum() or c in "/._-" else "".join(f"%{b:02x}" for b in os.fsencode(c)) for c in self._file
        )
        for how in ("mode=ro", "immutable=1"):  # the second reads no log, which cannot be opened everywhere
            db = None
            try:
                db = sqlite3.connect(f"file:{place}?{how}", uri=True, check_same_thread=False, isolation_level=None)
                db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except sqlite3.Error:
                if db is not None:
                    db.close()
            else:
                return db
        return None

    def _remove(self) -> None:
        self._report(f"{self._file} was damaged; it is made anew")
        for suffix in ("", "-wal", "-shm"):
            try:  # noqa: SIM105 - contextlib and pathlib take longer to import than all of this
                os.unlink(f"{self._file}{suffix}")  # noqa: PTH108
            except OSError:
                pass


def _is_busy(error: sqlite3.DatabaseError) -> bool:
    """Whether others use it, or the disk is full or read-only, so that nothing is wrong with the database itself."""
    return isinstance(error, sqlite3.OperationalError) and not str(error).startswith("Could not decode")


def _connect(file: str, schema: str) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=_WAIT, check_same_thread=False, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        for statement in schema.split(";"):
            db.execute(statement)
    except sqlite3.Error:
        db.close()
        raise
    return db
