"""From the store to the folder that the user sees: files are made ready beside their places, then renamed into them.

All of them are complete on the disk before the first one is replaced, so a full disk or a kill leaves what was there.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

from tflite_build.errors import Problem, StoreError
from tflite_build.locking import FileLock, held
from tflite_build.store.blobs import clone

FORGOTTEN = 86400.0  # seconds after which nobody writes a file any more
_TRIES = 20
_SUFFIX_BYTES = 4  # of the name of a file on its way


class Placement:
    """Files on their way to their places, in the order in which they were given.

        with Placement() as placement:
            placement.file(blob, target)
            placement.text(text, other)
            placement.commit()

    Without `commit` nothing changes, and no new folder stays. A file that is replaced keeps its permissions. Each method
    raises StoreError where a folder or file cannot be written.
    """

    def __init__(self) -> None:
        self._ready: list[tuple[Path, Path]] = []
        self._new_folders: list[Path] = []

    def __enter__(self) -> Placement:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for temporary, _ in self._ready:
            with contextlib.suppress(OSError):
                temporary.unlink()
        for folder in reversed(self._new_folders):
            with contextlib.suppress(OSError):  # what holds something stays
                folder.rmdir()

    def file(self, source: Path, target: Path) -> None:
        """A copy of `source` is to stand at `target`."""
        with _writing(target):
            clone(source, self._temporary(target))

    def text(self, text: str, target: Path) -> None:
        """`text` is to stand at `target`; nothing is touched where it does already."""
        self.content(text.encode(), target)

    def content(self, content: bytes, target: Path) -> None:
        """As `text`, for any file."""
        with contextlib.suppress(OSError):
            if target.read_bytes() == content:
                return
        with _writing(target):
            self._temporary(target).write_bytes(content)

    def commit(self) -> None:
        """Put everything in its place, or nothing where a folder stands in one."""
        for _, target in self._ready:
            with _writing(target):
                if target.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        for temporary, target in self._ready:
            with _writing(target):
                with contextlib.suppress(FileNotFoundError):  # a new file has what the user's umask leaves
                    temporary.chmod(stat.S_IMODE(target.stat().st_mode))
                temporary.replace(target)
        self._ready = []

    def _temporary(self, target: Path) -> Path:
        self._new_folders += reversed([folder for folder in target.parents if not folder.exists()])
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(_SUFFIX_BYTES)}")
        for left in reversed(range(_TRIES)):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
                break
            except FileNotFoundError:  # `clean` of another model removes build/ as soon as it is empty
                if not left:
                    raise
        self._ready.append((temporary, target))
        return temporary


@contextlib.contextmanager
def alone(locks: Path, places: Iterable[Path], waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Keep other builds, and `clean`, from writing to or removing `places` meanwhile.

    Args:
        locks: The folder of the store's locks.
        places: Folders and files, whether they are there or not.
        waiting: Called where others do so now.
    """
    names = {hashlib.sha256(os.fsencode(place.resolve())).hexdigest() for place in places}
    with contextlib.ExitStack() as stack:
        for name in sorted(names):  # in one order, so that no two wait for each other
            stack.enter_context(held(FileLock(locks / f"publish-{name}.lock"), waiting=waiting))
        yield


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError:
        raise StoreError(Problem(f"cannot write {target}: a name in it is not UTF-8", hint="rename it")) from None
    except OSError as error:
        if isinstance(error, FileExistsError | NotADirectoryError):
            blocking = next((p for p in target.parents if p.exists() and not p.is_dir()), None)
            if blocking is not None:
                raise StoreError(
                    Problem(
                        f"cannot write {target}: '{blocking}' is a file, where a folder is needed",
                        hint="move it away, or write into another folder",
                    )
                ) from None
        if isinstance(error, IsADirectoryError):
            hint = "a folder stands there: move it away, or write into another folder"
        else:
            hint = "check the folder's permissions and free space"
        raise StoreError(Problem(f"cannot write {target}: {error.strerror}", hint=hint)) from None


def sweep(folder: Path, names: str, *, older: float = 0.0) -> None:
    """Remove what killed builds left in `folder` of files on their way to places whose names match the pattern `names`.

    Whoever is on the way now must not lose his: hold the lock under which these places are written, or take only those
    that are `older` seconds or more.
    """
    for left in list(folder.glob(f".{names}.{'[0-9a-f]' * (2 * _SUFFIX_BYTES)}")):
        with contextlib.suppress(OSError):  # what cannot be removed harms nobody
            if time.time() - left.stat().st_mtime >= older:
                left.unlink()


def sha256_of(path: Path) -> str | None:
    """The SHA-256 of the file at `path`, or None where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
