"""Removing from the store what nobody needs, the least recently used first.

What is left is whole at every instant, also when this is killed: results go before the blobs that they name. Builds may
run meanwhile. What they use or make is of the time since the oldest of them began, and all of that stays.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tflite_build.locking import FileLock, held

from . import contents
from .contents import Needs, Stored, StoredResult
from .store import Store, others
from .use import Use

_MARGIN = 60.0  # seconds by which clocks of files may be off
_LEFT = 86400.0  # seconds after which nobody owns a scratch folder without a lock


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed from the store, and what is left.

    Attributes:
        results: How many results went.
        blobs: How many blobs went.
        leftovers: How many other files and folders: locks and temporary files of killed builds, the code of engines of
            other versions, what is remembered of models that are gone.
        freed: The bytes of results and blobs that went.
        left: The bytes of results and blobs that are left.
        kept: The bytes of those that had to stay, whatever was asked for: for models on this machine, or a build under
            way.
        models: How many models on this machine they stay for.
    """

    results: int
    blobs: int
    leftovers: int
    freed: int
    left: int
    kept: int
    models: int


def collect(
    store: Store,
    *,
    engine_code: Path | None = None,
    max_size: int | None = None,
    older_than: float | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> Collected:
    """Remove what nothing refers to, and results as far as is asked for.

    What the last builds of models that are still there need is never removed, and neither is what a build under way
    uses.

    Args:
        store: Where.
        engine_code: The folder of the engines' code that is in use now.
        max_size: Bytes that results and blobs may have.
        older_than: Seconds without a use after which a result goes.
        waiting: Called where another process does the same.

    Raises:
        OSError: If the store cannot be written.
    """
    with held(FileLock(store.root / "gc.lock"), waiting=waiting):
        return _Collection(store, max_size, older_than).run(engine_code)


class _Collection:
    def __init__(self, store: Store, max_size: int | None, older_than: float | None) -> None:
        self._store = store
        self._root = store.root
        self._use = Use(store.root / "use.lock")
        self._max_size = max_size
        self._now = time.time()
        self._oldest = None if older_than is None else self._now - older_than
        self._horizon = horizon(self._root)

    def run(self, engine_code: Path | None) -> Collected:
        needs = contents.needs(self._root)
        results = contents.results(self._root)  # before the blobs, so that all of theirs are found
        blobs = contents.blobs(self._root)
        counts = Counter(sha256 for result in results for sha256 in result.blobs)
        free = {sha256 for sha256, blob in blobs.items() if not counts[sha256] and blob.used < self._horizon}
        before = sum(r.file.size for r in results) + sum(b.size for b in blobs.values())
        total = before - sum(blobs[sha256].size for sha256 in free)
        gone = 0
        until = 0.0
        for result in sorted(results, key=lambda r: r.file.used):
            if not self._is_to_go(result, needs, total) or not self._remove(result.file):
                continue
            gone += 1
            until = result.file.used
            total -= result.file.size
            for sha256 in result.blobs:
                counts[sha256] -= 1
                if not counts[sha256] and sha256 in blobs and blobs[sha256].used < self._horizon:
                    free.add(sha256)
                    total -= blobs[sha256].size
        removed = [sha256 for sha256 in sorted(free) if self._remove(blobs[sha256])]
        leftovers = sum(1 for _ in self._leftovers(needs, until, engine_code))
        stays = [r for r in results if r.file.name in needs.keys or r.file.used >= self._horizon]
        kept = {sha256 for result in stays for sha256 in result.blobs} & blobs.keys()
        left = before - sum(blobs[s].size for s in removed) - sum(r.file.size for r in results if not _there(r.file))
        return Collected(
            gone,
            len(removed),
            leftovers,
            before - left,
            left,
            sum(blobs[sha256].size for sha256 in kept) + sum(r.file.size for r in stays),
            needs.models,
        )

    def _is_to_go(self, result: StoredResult, needs: Needs, total: int) -> bool:
        if result.file.used >= self._horizon or (result.file.name in needs.keys and result.whole):
            return False
        return not result.whole or self._old(result.file) or (self._max_size is not None and total > self._max_size)

    def _old(self, file: Stored) -> bool:
        return self._oldest is not None and file.used < self._oldest

    def _remove(self, file: Stored) -> bool:
        """Remove `file` if nobody used it meanwhile; whether it is gone."""
        with self._use.alone():
            try:
                if file.path.stat().st_mtime >= self._horizon:
                    return False
                file.path.unlink()
            except FileNotFoundError:
                pass
        return True

    def _remove_folder(self, folder: Path) -> bool:
        """As `_remove`, of a folder with all that is in it, or a file."""
        away = folder.with_name(f".old-{secrets.token_hex(4)}")
        with self._use.alone():
            if not self._is_left(folder):
                return False
            folder.rename(away)  # which takes no time, as removing it does
        for _ in _removed([away]):
            pass
        return True

    def _leftovers(self, needs: Needs, until: float, engine_code: Path | None) -> Iterator[Path]:
        """Remove, one after the other, what is no result and no blob."""
        records = self._root / "results"
        for file in contents.files(records / "discovered"):
            unused = self._old(file) or file.used <= until
            if file.name not in needs.static_keys and unused and file.used < self._horizon and self._remove(file):
                yield file.path
        for file in contents.files(records / "targets"):
            value = contents.read(file.path)
            if file.used < self._horizon and (value is None or not contents.stands(value)) and self._remove(file):
                yield file.path
        for file in contents.files(records / "actions"):
            if file.used < self._horizon and contents.read(file.path) is None and self._remove(file):  # damaged
                yield file.path
        yield from _removed(p for p in records.glob("*/*/.*") if self._is_left(p))
        engines = [p for p in (self._root / "engines").glob("*") if p != engine_code]
        yield from (p for p in engines if self._is_left(p) and self._remove_folder(p))
        scratch = [p for p in (self._root / "tmp").glob("*") if p.suffix != ".lock"]
        yield from _removed(
            p for p in scratch if not p.with_name(f"{p.name}.lock").exists() and self._is_left(p, _LEFT)
        )
        for path in (self._root / "locks").glob("*.lock"):
            lock = FileLock(path)
            with contextlib.suppress(OSError):
                if lock.acquire(0):  # who waits for it sees that it is gone, and makes it anew
                    lock.release()
                    yield path
        if self._oldest is not None:
            yield from _removed(p for p in others(self._root) if _last_use(p) < min(self._oldest, self._horizon))
        self._store.snapshots.forget()
        self._store.stats.forget()

    def _is_left(self, path: Path, seconds: float = 0.0) -> bool:
        try:
            return path.lstat().st_mtime < self._horizon - seconds
        except OSError:
            return False


def horizon(root: Path) -> float:
    """The time since which everything that was used may be in use: what was used since stays."""
    return min([time.time(), *_begun(root)]) - _MARGIN


def _begun(root: Path) -> Iterator[float]:
    """When the builds under way began."""
    for path in (root / "tmp").glob("*.lock"):
        lock = FileLock(path)
        with contextlib.suppress(OSError):
            begun = path.stat().st_mtime
            if lock.acquire(0):
                lock.release()
            else:
                yield begun


def _removed(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        yield path


def _last_use(store: Path) -> float:
    """When a store of another version was used, as its folders and databases say."""
    times = [0.0]
    for path in (store, store / "tmp", store / "blobs", *store.glob("*.sqlite*")):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)


def _there(file: Stored) -> bool:
    return file.path.exists()
