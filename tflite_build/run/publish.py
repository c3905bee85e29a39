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

from tflite_build.errors import Problem, StoreError, UsageError
from tflite_build.locking import FileLock, held
from tflite_build.store.blobs import clone

FORGOTTEN = 86400.0  # seconds after which nobody writes a file any more
_TRIES = 20
_HEAD = 1 << 16  # bytes in which a file's mark stands
_SUFFIX_BYTES = 4  # of the name of a file on its way


class Placement:
    """Files on their way to their places, in the order in which they were given.

        with Placement() as placement:
            placement.file(blob, target)
            placement.text(text, other)
            placement.commit()

    Without `commit` nothing changes, and no new folder stays. A file that is replaced keeps its permissions. Each method
    raises StoreError where a folder or file cannot be written.

    Places that the user names one by one are meant as they are (`named`): a link is followed, and a pipe, a terminal or
    another device of characters is written into, standard output among them. Elsewhere what stands in a file's place is
    replaced, whatever it is.
    """

    def __init__(self, *, named: bool = False) -> None:
        self._named = named
        self._ready: list[tuple[Path, Path]] = []
        self._streams: list[tuple[bytes, Path]] = []
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
        if self._named and _stream(target):
            self._streams.append((source.read_bytes(), target))
            return
        with _writing(target):
            clone(source, self._temporary(target))

    def text(self, text: str, target: Path) -> None:
        """`text` is to stand at `target`; nothing is touched where it does already."""
        self.content(text.encode(), target)

    def content(self, content: bytes, target: Path) -> None:
        """As `text`, for any file."""
        if self._named and _stream(target):
            self._streams.append((content, target))
            return
        with contextlib.suppress(OSError):  # what is no file might never end
            if target.is_file() and target.read_bytes() == content:
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
        for content, target in self._streams:
            with _writing(target):
                _into(content, target)
        self._streams = []

    def _temporary(self, target: Path) -> Path:
        if self._named and target.is_symlink():
            target = Path(os.path.realpath(target))
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(_SUFFIX_BYTES)}")
        for left in reversed(range(_TRIES)):
            try:
                os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
                break
            except FileNotFoundError:  # no folder yet; or `clean` of another model has removed build/, empty as it was
                if not left:
                    raise
                self._new_folders += reversed([folder for folder in target.parents if not folder.exists()])
                target.parent.mkdir(parents=True, exist_ok=True)
        self._ready.append((temporary, target))
        return temporary


def check_named(option: str, file: Path, mark: bytes) -> None:
    """Look, before there is anything to write, at a place that the user names with `option`.

    Args:
        option: As it is on the command line.
        file: The place.
        mark: What stands near the beginning of each file that may be replaced.

    Raises:
        UsageError: If something else stands there, such as a model or its spec, or another thing than a file can be.
        StoreError: If nothing can be written there.
    """
    with _writing(file):
        if _stream(file):
            return
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if file.exists():
            with file.open("rb") as opened:
                head = opened.read(_HEAD)
            if head and mark not in head:
                message = f"{option} would replace '{file}', which is something else"
                raise UsageError(Problem(message, hint="name another file, or remove it"))
        folder = next(p for p in Path(os.path.realpath(file)).parents if p.exists())
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _stream(target: Path) -> bool:
    """Whether bytes are written into what stands at `target`, rather than a file put in its place.

    Raises:
        UsageError: If it is neither: a disk or a socket.
    """
    try:
        found = target.stat()
    except (OSError, ValueError):
        return False
    if stat.S_ISBLK(found.st_mode) or stat.S_ISSOCK(found.st_mode):
        raise UsageError(Problem(f"'{target}' is a disk or a socket, where nothing is written", hint="name a file"))
    return _is_stdout(found) or stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode)


def _is_stdout(found: os.stat_result) -> bool:
    """Whether that is what this process writes to, which a file put in its place would leave without a name."""
    try:
        own = os.fstat(1)
    except OSError:
        return False
    return (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino)


def _into(content: bytes, target: Path) -> None:
    """Write into a pipe or a device; where nobody reads to the end, as behind `| head`, that is nobody's mistake."""
    with contextlib.suppress(BrokenPipeError):
        handle = os.dup(1) if _is_stdout(target.stat()) else os.open(target, os.O_WRONLY)
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(handle, left) :]
        finally:
            os.close(handle)


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
        if not path.is_file():  # a pipe might never end
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
