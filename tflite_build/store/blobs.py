"""Blobs by SHA-256: `blobs/ab/abcdef...`, read-only, written under a temporary name and renamed.

A blob is hashed whenever it is taken out: a damaged or cut one is removed and reported as absent, so that it is made
again, and said. That is also why nothing is fsynced: a file that a power cut left half-written is found the same way.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .database import quiet
from .digest import Digest, of_bytes, of_file
from .use import Use


class Blobs:
    """The blobs under one folder. Safe for several processes at once.

    Args:
        root: The folder.
        temporary: Where files are made ready, on the same filesystem.
        use: What keeps others from removing what is taken.
        report: Called with a line for people where a blob was damaged.
    """

    def __init__(self, root: Path, temporary: Path, use: Use, report: Callable[[str], None] = quiet) -> None:
        self._root = root
        self._temporary = temporary
        self._use = use
        self._report = report
        self._verified: dict[Digest, tuple[int, int, int]] = {}

    def path(self, digest: Digest) -> Path:
        """Where the blob lies if it is there."""
        return self._root / digest.sha256[:2] / digest.sha256

    def get(self, digest: Digest) -> Path | None:
        """The blob's path once its bytes are proven right, or None (a wrong one is removed)."""
        path = self.path(digest)
        try:
            stat = path.stat()
            identity = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if self._verified.get(digest) == identity:
                return path
            whole = stat.st_size == digest.size and of_file(path) == digest
        except FileNotFoundError:
            return None
        if not whole:
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == stat.st_ino:  # else another process has put a good one there meanwhile
                    path.unlink()
                    self._report(f"the store's {path.name[:12]} was damaged; what needs it is made again")
            return None
        self._verified[digest] = identity
        return path

    def named(self, sha256: str) -> Path | None:
        """The blob with this hash, whatever its size, if it is there and whole."""
        try:
            size = (self._root / sha256[:2] / sha256).stat().st_size
        except OSError:
            return None
        return self.get(Digest(sha256, size))

    def put_bytes(self, data: bytes) -> Digest:
        """Keep `data`."""
        digest = of_bytes(data)
        if not self._there(digest):
            with self._new() as temporary:
                temporary.write_bytes(data)
                self._place(temporary, digest)
        return digest

    def put_file(self, source: Path, *, move: bool = False) -> Digest:
        """Keep a copy of `source`, or with `move` the file itself (which must be the caller's own, on any filesystem)."""
        if not move or source.is_symlink():  # a link would come to point at itself
            with self._new() as temporary:
                clone(source, temporary)
                digest = of_file(temporary)  # of the copy: the source may change meanwhile
                self._place(temporary, digest)
            return digest
        digest = of_file(source)
        if not self._there(digest):
            self._place(source, digest)
        return digest

    def _there(self, digest: Digest) -> bool:
        """Whether the blob is there, and stays while what refers to it is written."""
        path = self.get(digest)
        if path is None:
            return False
        with self._use.noting():
            if not self._use.note(path):
                return False
        self._trust(path, digest)
        return True

    def _trust(self, path: Path, digest: Digest) -> None:
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            self._verified[digest] = (stat.st_ino, stat.st_mtime_ns, stat.st_size)

    @contextlib.contextmanager
    def _new(self) -> Iterator[Path]:
        self._temporary.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._temporary)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _place(self, temporary: Path, digest: Digest) -> None:
        path = self.path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.chmod(0o444)
        os.utime(temporary)  # an archive may have given it another time, and this one says when it was used
        try:
            temporary.rename(path)
        except OSError:  # another filesystem
            with self._new() as copied:
                shutil.copyfile(temporary, copied)
                copied.chmod(0o444)
                copied.rename(path)
        self._trust(path, digest)


_FICLONE = 0x40049409


def clone(source: Path, target: Path) -> None:
    """Copy `source` to `target`, sharing blocks where the filesystem can (Linux FICLONE), never hard-linking."""
    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            import fcntl

            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except (ImportError, OSError):
            shutil.copyfileobj(reader, writer, 1 << 20)
