"""What builds found in the store and what they had to run: a row for each, for the hit rate."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .database import Database, quiet

FILE_NAME = "history.sqlite"
_SCHEMA = "CREATE TABLE IF NOT EXISTS builds (at REAL NOT NULL, reused INTEGER NOT NULL, ran INTEGER NOT NULL)"
_KEPT = 1000  # builds


@dataclass(frozen=True, slots=True)
class Hits:
    """The last builds: how many, the steps that they reused and ran, and when the first of them was (epoch seconds)."""

    builds: int
    reused: int
    ran: int
    since: float | None

    @property
    def rate(self) -> float | None:
        """How much of all steps was reused, 0 to 1; None where there was none."""
        return self.reused / (self.reused + self.ran) if self.reused + self.ran else None


def note(root: Path, reused: int, ran: int, report: Callable[[str], None] = quiet) -> None:
    """Remember a build whose steps were reused or ran, in the store in `root`."""
    database = Database(str(root / FILE_NAME), _SCHEMA, report)
    database.query("INSERT INTO builds VALUES (?, ?, ?)", (str(time.time()), str(reused), str(ran)))
    database.query("DELETE FROM builds WHERE rowid <= (SELECT max(rowid) FROM builds) - ?", (str(_KEPT),))
    database.close()


def hits(root: Path) -> Hits:
    """What is remembered of the last builds, a thousand at most."""
    if not (root / FILE_NAME).is_file():
        return Hits(0, 0, 0, None)
    database = Database(str(root / FILE_NAME), _SCHEMA)
    rows = database.query("SELECT count(*), total(reused), total(ran), min(at) FROM builds")
    database.close()
    builds, reused, ran, since = rows[0] if rows else (0, 0, 0, None)
    return Hits(int(builds), int(reused), int(ran), since)
