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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tflite_build.locking import FileLock, held

from . import contents
from .contents import Stored, StoredResult
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
        oldest = None if older_than is None else time.time() - older_than
        return _Collection(store, max_size, oldest).run(engine_code)


class _Collection:
    """One run.

    Args:
        store: Where.
        max_size: Bytes that results and blobs may have.
        oldest: The time (seconds since the epoch) since which a result has to have been used.
    """

    def __init__(self, store: Store, max_size: int | None, oldest: float | None) -> None:
        self._store = store
        self._root = store.root
        self._max_size = max_size
        self._oldest = oldest
        self._unused = _Unused(store.root)
        self._needs = contents.needs(store.root)

    def run(self, engine_code: Path | None) -> Collected:
        results = contents.results(self._root)  # before the blobs, so that all of theirs are found
        space = _Space(results, contents.blobs(self._root), self._unused)
        gone = self._remove_results(results, space)
        blobs = [blob for blob in space.free() if self._unused.remove(blob)]
        leftovers = self._remove_leftovers(max((r.used for r in gone), default=0.0), engine_code)
        left = space.before - sum(b.size for b in blobs) - sum(r.file.size for r in results if not r.file.path.exists())
        return Collected(
            results=len(gone),
            blobs=len(blobs),
            leftovers=leftovers,
            freed=space.before - left,
            left=left,
            kept=space.size_of([r for r in results if self._stays(r)]),
            models=self._needs.models,
        )

    def _remove_results(self, results: Iterable[StoredResult], space: _Space) -> list[Stored]:
        """Remove results until the others are few and new enough, the least recently used first; those that went."""
        gone = []
        for result in sorted(results, key=lambda r: r.file.used):
            if self._is_to_go(result, space.total) and self._unused.remove(result.file):
                gone.append(result.file)
                space.drop(result)
        return gone

    def _stays(self, result: StoredResult) -> bool:
        return result.file.name in self._needs.keys or result.file not in self._unused

    def _is_to_go(self, result: StoredResult, total: int) -> bool:
        if result.file not in self._unused:
            return False
        if not result.whole:
            return True
        too_much = self._max_size is not None and total > self._max_size
        return result.file.name not in self._needs.keys and (too_much or self._is_old(result.file.used))

    def _is_old(self, used: float) -> bool:
        return self._oldest is not None and used < self._oldest

    def _remove_leftovers(self, until: float, engine_code: Path | None) -> int:
        """Remove what is no result and no blob; how many there were. Results went that were used last at `until`."""
        removed = sum(map(self._unused.remove, self._records(until)))
        removed += sum(map(self._unused.remove_folder, self._unfinished(engine_code)))
        removed += sum(
            _remove_lock(path) for room in ("locks", "engines") for path in (self._root / room).glob("*.lock")
        )
        removed += sum(map(_remove_tree, self._other_stores()))
        self._store.snapshots.forget()
        self._store.stats.forget()
        return removed

    def _records(self, until: float) -> Iterator[Stored]:
        """The records that say nothing to anybody: of code that no result is of, of models that are gone, damaged ones."""
        records = self._root / "results"
        for file in contents.files(records / "discovered"):
            if file.name not in self._needs.static_keys and (self._is_old(file.used) or file.used <= until):
                yield file
        for file in contents.files(records / "targets"):
            value = contents.read(file.path)
            if value is None or not contents.stands(value):
                yield file
        for file in contents.files(records / "actions"):
            if contents.read(file.path) is None:
                yield file

    def _unfinished(self, engine_code: Path | None) -> Iterator[Path]:
        """What killed builds left half-written, and the code of other engines."""
        yield from (self._root / "results").glob("*/*/.*")
        yield from (
            path for path in (self._root / "engines").glob("*") if path != engine_code and path.suffix != ".lock"
        )
        for path in (self._root / "tmp").glob("*"):
            owned = path.suffix == ".lock" or path.with_name(f"{path.name}.lock").exists()
            if not owned and self._unused.is_left(path, _LEFT):
                yield path

    def _other_stores(self) -> Iterator[Path]:
        """The stores of other versions that nobody used for as long as was asked for."""
        for path in others(self._root):
            used = _last_use(path)
            if self._is_old(used) and used < self._unused.horizon:
                yield path


class _Space:
    """The bytes that results and blobs take, and which blobs nobody needs as results go.

    Attributes:
        before: The bytes of all that there was.
        total: The bytes that are left once the free blobs are gone, too.
    """

    def __init__(self, results: Sequence[StoredResult], blobs: Mapping[str, Stored], unused: _Unused) -> None:
        self._blobs = blobs
        self._unused = unused
        self._named = Counter(sha256 for result in results for sha256 in result.blobs)
        self.before = sum(r.file.size for r in results) + sum(b.size for b in blobs.values())
        self.total = self.before - sum(blob.size for blob in self.free())

    def free(self) -> list[Stored]:
        """The blobs that no result names and no build under way may be about to."""
        return [blob for sha256, blob in sorted(self._blobs.items()) if self._is_free(sha256)]

    def drop(self, result: StoredResult) -> None:
        """`result` is gone."""
        self._named.subtract(result.blobs)
        self.total -= result.file.size + sum(self._blobs[s].size for s in result.blobs if self._is_free(s))

    def size_of(self, results: Iterable[StoredResult]) -> int:
        """The bytes of `results` with their blobs."""
        results = list(results)
        named = {sha256 for result in results for sha256 in result.blobs} & self._blobs.keys()
        return sum(r.file.size for r in results) + sum(self._blobs[sha256].size for sha256 in named)

    def _is_free(self, sha256: str) -> bool:
        return not self._named[sha256] and sha256 in self._blobs and self._blobs[sha256] in self._unused


class _Unused:
    """What nobody has used since the horizon, and how it is removed: not if somebody uses it meanwhile."""

    def __init__(self, root: Path) -> None:
        self.horizon = horizon(root)
        self._use = Use(root / "use.lock")

    def __contains__(self, file: Stored) -> bool:
        return file.used < self.horizon

    def is_left(self, path: Path, seconds: float = 0.0) -> bool:
        """Whether `path` is there, and was not used since `seconds` before the horizon."""
        try:
            return path.lstat().st_mtime < self.horizon - seconds
        except OSError:
            return False

    def remove(self, file: Stored) -> bool:
        """Remove a file; whether it is gone."""
        if file not in self:
            return False
        with self._use.alone():
            try:
                if file.path.lstat().st_mtime >= self.horizon:
                    return False
                file.path.unlink()
            except FileNotFoundError:
                pass
        return True

    def remove_folder(self, path: Path) -> bool:
        """Remove a folder with all that is in it, or a file; whether it was there and nobody used it."""
        if not self.is_left(path):
            return False
        away = path.with_name(f".old-{secrets.token_hex(4)}")
        with self._use.alone():
            if not self.is_left(path):
                return False
            try:
                path.rename(away)  # which takes no time, as removing it does
            except OSError:  # of someone else: it stays
                return False
        return _remove_tree(away)


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


def _remove_tree(path: Path) -> bool:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return True


def _remove_lock(path: Path) -> bool:
    """Remove the file of a lock that nobody holds; who waits for it sees that it is gone, and makes it anew."""
    lock = FileLock(path)
    with contextlib.suppress(OSError):
        if lock.acquire(0):
            lock.release()
            return True
    return False


def _last_use(store: Path) -> float:
    """When a store of another version was used, as its folders and databases say."""
    times = [0.0]
    for path in (store, store / "tmp", store / "blobs", *store.glob("*.sqlite*")):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)
