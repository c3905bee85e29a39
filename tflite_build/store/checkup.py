"""Looking at all of a store: each blob against its hash, each result against its checksum and for what it needs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from . import contents
from .blobs import Blobs
from .store import Store
from .use import Use


@dataclass(frozen=True, slots=True)
class Checked:
    """What there was, and what of it was no good and is removed.

    Attributes:
        blobs: How many blobs there were.
        results: How many results and records.
        damaged: What was damaged, a line each.
        incomplete: How many results lacked a blob, damaged ones included.
    """

    blobs: int
    results: int
    damaged: tuple[str, ...]
    incomplete: int


def check(store: Store, report: Callable[[str], None]) -> Checked:
    """Read everything and remove what is no good, so that the next build makes it again.

    Args:
        store: Where. Builds may go on meanwhile.
        report: Called with each damaged thing, a line.

    Raises:
        OSError: If the store cannot be read or written.
    """
    damaged: list[str] = []

    def found(text: str) -> None:
        damaged.append(text)
        report(text)

    blobs = contents.blobs(store.root)
    for sha256, blob in sorted(blobs.items()):
        wrong: list[str] = []  # stays empty where another process removed it meanwhile
        Blobs(store.root / "blobs", store.root, Use(store.root / "use.lock"), wrong.append).named(sha256)
        if wrong:
            found(f"blob {sha256[:12]}, {blob.size} bytes: it does not have its hash")
    results = 0
    for kind, what in (("actions", "result"), ("discovered", "record"), ("targets", "record")):
        for file in contents.files(store.root / "results" / kind):
            results += 1
            if contents.read(file.path) is None:
                with contextlib.suppress(FileNotFoundError):
                    file.path.unlink()
                    found(f"{what} {file.name[:12]}: it does not have its checksum, or is of another version")
    listed = contents.results(store.root)  # before the blobs: a build may put a result meanwhile, after its own
    there = contents.blobs(store.root).keys()
    incomplete = [r for r in listed if not r.whole or not r.blobs <= there]
    for result in incomplete:
        result.file.path.unlink(missing_ok=True)
    return Checked(len(blobs), results, tuple(damaged), len(incomplete))
