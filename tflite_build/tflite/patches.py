"""How one file becomes another that is mostly the same: pieces of the old one and new ones, and bytes to overwrite.

The old file is copied by the kernel, and shared where the filesystem can, so that nothing of it is held in memory. Knows
nothing of what the files hold.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 20
_FICLONERANGE = 0x4020940D
_BLOCK = 4096
_OTHER_WAY = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM, errno.ETXTBSY)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of the old file."""

    start: int
    size: int

    def __len__(self) -> int:
        return self.size


@dataclass(frozen=True, slots=True)
class Patches:
    """The new file.

    Attributes:
        pieces: What it is put together from.
        writes: Places in it and what stands there instead.
    """

    pieces: tuple[bytes | Span, ...]
    writes: tuple[tuple[int, bytes], ...]

    @property
    def size(self) -> int:
        """How many bytes the new file has."""
        return sum(len(piece) for piece in self.pieces)

    def applied(self, old: memoryview) -> bytes:
        """The new file, from the old one in memory."""
        out = bytearray()
        for piece in self.pieces:
            out += old[piece.start : piece.start + piece.size] if isinstance(piece, Span) else piece
        for at, value in self.writes:
            out[at : at + len(value)] = value
        return bytes(out)

    def write(self, old: Path, new: Path) -> None:
        """Write the file `new` from the file `old`.

        Raises:
            OSError: If one cannot be read or written.
        """
        with old.open("rb") as reader, new.open("wb") as writer:
            source, target, at = reader.fileno(), writer.fileno(), 0
            for piece in self.pieces:
                if isinstance(piece, Span):
                    _copy(source, target, piece.start, at, piece.size)
                else:
                    _put(target, piece, at)
                at += len(piece)
            for place, value in self.writes:
                _put(target, value, place)


def _put(target: int, value: bytes, at: int) -> None:
    rest = memoryview(value)
    while rest:
        done = os.pwrite(target, rest, at)
        rest, at = rest[done:], at + done


def _copy(source: int, target: int, start: int, at: int, size: int) -> None:
    whole = size - size % _BLOCK  # what the filesystem can share
    if whole and start % _BLOCK == at % _BLOCK == 0 and _shared(source, target, start, at, whole):
        start, at, size = start + whole, at + whole, size - whole
    for done in _by_kernel(source, target, start, at, size):
        start, at, size = start + done, at + done, size - done
    while size:
        piece = os.pread(source, min(size, _CHUNK), start)
        if not piece:
            raise OSError(errno.EIO, "the file became shorter while it was read")
        _put(target, piece, at)
        start, at, size = start + len(piece), at + len(piece), size - len(piece)


def _shared(source: int, target: int, start: int, at: int, size: int) -> bool:
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.ioctl(target, _FICLONERANGE, struct.pack("@qQQQ", source, start, size, at))
        return True
    return False


def _by_kernel(source: int, target: int, start: int, at: int, size: int) -> Iterator[int]:
    """Copies without the bytes passing through this process, as far as the system does that; how much each time."""
    copy = getattr(os, "copy_file_range", None)  # of Linux
    while copy is not None and size:
        try:
            done = copy(source, target, size, start, at)
        except OSError as error:
            if error.errno in _OTHER_WAY:
                return
            raise
        if not done:
            return
        yield done
        start, at, size = start + done, at + done, size - done
