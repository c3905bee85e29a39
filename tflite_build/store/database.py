"""An SQLite database that holds nothing of value: a damaged one is thrown away, a locked or full one is not used."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WAIT = 10.0  # seconds for another process that writes


class Database:
    """The database in `file`, with the tables of `schema`; one in memory where the file cannot be used."""

    def __init__(self, file: str, schema: str) -> None:
        self._file = file
        self._schema = schema
        self._db = self._open()

    def query(self, sql: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement; none where the database is locked, full or damaged."""
        try:
            return self._db.execute(sql, values).fetchall()
        except (sqlite3.OperationalError, UnicodeEncodeError):  # locked, the disk is full; a path that is not UTF-8
            return []
        except sqlite3.DatabaseError:  # damaged
            self._renew()
            return []

    def write(self, sql: str, rows: Iterable[Sequence[str]]) -> None:
        """Run a statement for each of `rows`, all or none."""
        try:
            with self._db:
                self._db.execute("BEGIN")
                self._db.executemany(sql, rows)
        except (sqlite3.OperationalError, UnicodeEncodeError):
            pass
        except sqlite3.DatabaseError:
            self._renew()

    def close(self) -> None:
        """Close it."""
        self._db.close()

    def _renew(self) -> None:
        self._db.close()
        self._remove()
        self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        for _ in range(2):
            try:
                return _connect(self._file, self._schema)
            except sqlite3.OperationalError:  # another process may be using it
                break
            except sqlite3.DatabaseError:
                self._remove()
        return _connect(":memory:", self._schema)

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            try:  # noqa: SIM105 - contextlib and pathlib take longer to import than all of this
                os.unlink(f"{self._file}{suffix}")  # noqa: PTH108
            except OSError:
                pass


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
