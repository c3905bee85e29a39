"""The store as one object: blobs, results, the stat cache and the locks, under one folder."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from tflite_build.errors import Problem, StoreError
from tflite_build.locking import FileLock

from .artifact import Artifact, File, Tree, is_safe
from .blobs import Blobs
from .database import quiet
from .results import Results
from .snapshots import Snapshots
from .statcache import StatCache, check_name
from .use import Use

VERSION = "v1"
_SWEPT = 10.0  # seconds in which another build that sweeps lets go of a new lock


def cache_root() -> Path:
    """The folder for the store and the toolchains: TFLITE_BUILD_CACHE, else the user's cache folder."""
    chosen = os.environ.get("TFLITE_BUILD_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else user_cache_path("tflite-build", appauthor=False)


def store_folder(root: Path) -> Path:
    """Where the store lies under the cache `root`."""
    return root / "store" / VERSION


def others(folder: Path) -> list[Path]:
    """The stores of other versions beside that in `folder`."""
    return sorted(p for p in folder.parent.glob("v*") if p != folder and re.fullmatch(r"v\d+", p.name) and p.is_dir())


class Store:
    """What has been done. Several processes may use one store at once.

    Args:
        root: The cache folder; default: `cache_root()`.
        report: Called with lines for people: what was found damaged, and is made again.

    Raises:
        StoreError: If the folder cannot be written.
    """

    def __init__(self, root: Path | None = None, report: Callable[[str], None] = quiet) -> None:
        self.root = store_folder(root or cache_root())
        try:
            if not self.root.is_dir():
                for other in others(self.root):
                    report(f"the store {other} is of another version of tflite-build and is not used by this one")
            for name in ("blobs", "tmp", "locks"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            self._sweep()
            self._temporary = self.root / "tmp" / f"{os.getpid()}-{secrets.token_hex(4)}"
            self._alive = FileLock(self._temporary.with_name(f"{self._temporary.name}.lock"))
            # Before the folder is made, so that no other process takes it for a dead one's.
            if not self._alive.acquire(_SWEPT):
                raise OSError(errno.EAGAIN, "another process does not let go of a new lock")
            self._temporary.mkdir()
        except OSError as error:
            raise self.failure(error) from None
        self._report = report
        self._damaged = False
        use = Use(self.root / "use.lock")
        self.blobs = Blobs(self.root / "blobs", self._temporary, use, self._damage)
        self.results = Results(self.root / "results", self.blobs, use, self._damage)
        self.stats = StatCache(self.root / "index.sqlite", report)
        self.snapshots = Snapshots(str(self.root), report)

    def close(self) -> None:
        """Let go of everything; what was kept stays."""
        self.stats.close()
        self.snapshots.close()
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._alive.release()

    def failure(self, error: OSError) -> StoreError:
        """What to tell the user where the store cannot be read or written."""
        return StoreError(
            Problem(
                f"the store at {self.root} cannot be written: {error.strerror or error}",
                hint="free some space, or set TFLITE_BUILD_CACHE to a folder that can be written",
            )
        )

    def lost(self) -> None:
        """A result is there and its outputs are not. Said once, and not beside damage that was said."""
        if not self._damaged:
            self._damage("a part of the store is gone; what is needed of it is made again")

    def _damage(self, text: str) -> None:
        self._damaged = True
        self._report(text)

    def _sweep(self) -> None:
        """Remove what killed builds left: folders whose lock nobody holds."""
        for left in (self.root / "tmp").glob("*.lock"):
            lock = FileLock(left)
            try:
                if not lock.acquire(0):
                    continue
            except OSError:
                continue
            shutil.rmtree(left.with_suffix(""), ignore_errors=True)
            lock.release()

    def lock(self, key: str) -> FileLock:
        """The lock of an action: whoever holds it runs the action; the kernel frees it when its holder dies."""
        return FileLock(self.root / "locks" / f"{key}.lock")

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A new folder for one action, removed afterwards."""
        folder = Path(tempfile.mkdtemp(dir=self._temporary))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def has(self, artifact: Artifact) -> bool:
        """Whether all blobs of `artifact` are there and whole."""
        if isinstance(artifact, File):
            return self.blobs.get(artifact.digest) is not None
        return all(self.blobs.get(digest) is not None for _, digest in artifact.files)

    def keep(self, path: Path) -> Artifact:
        """Move the file or folder at `path`, which is the caller's own, into the store.

        Raises:
            OSError: If it cannot be moved, or a name in it is not UTF-8, which no listing can hold.
        """
        if path.is_dir():
            found = {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*")) if file.is_file()}
            for name in found:
                check_name(name)
            files = [(name, self.blobs.put_file(file, move=True)) for name, file in found.items()]
            return Tree(tuple(sorted(files)))
        return File(self.blobs.put_file(path, move=True))

    def stage(self, artifact: Artifact, target: Path) -> None:
        """Make `artifact` visible at `target`, as links to read-only blobs.

        Raises:
            FileNotFoundError: If a blob is gone or damaged.
        """
        if isinstance(artifact, File):
            blob = self.blobs.get(artifact.digest)
            if blob is None:
                raise FileNotFoundError(artifact.digest.sha256)
            target.symlink_to(blob)
            return
        target.mkdir()
        for path, digest in artifact.files:
            if not is_safe(path):
                raise FileNotFoundError(path)
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            self.stage(File(digest), target / path)

    def read(self, artifact: Artifact) -> bytes:
        """The bytes of a file; FileNotFoundError if its blob is gone or damaged."""
        blob = self.blobs.get(artifact.digest)
        if blob is None:
            raise FileNotFoundError(artifact.digest.sha256)
        return blob.read_bytes()


__all__ = ["Store", "cache_root", "store_folder"]
