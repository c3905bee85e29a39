"""The zip archive behind the last byte of a model, where associated files lie: labels, vocabularies.

Members are stored as they are, by their base names, in the order of these, and dated 1980, so that equal files give equal
bytes. Offsets count from the start of the model's file, as Python's own `zipfile` writes them behind a file; readers that
count from the start of the archive find the same. Knows nothing of what the files are for.
"""

from __future__ import annotations

import lzma
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from .flatbuffer import FormatError

DAMAGES = (  # what reading a damaged zip archive, or one of a kind that zipfile lacks, ends in
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    struct.error,
)
_CHUNK = 1 << 20
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that an archive can say
_MODE = 0o100644 << 16
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the archive of the model at `path`; `crc` is the checksum that the archive has of it."""

    path: Path
    name: str
    size: int
    crc: int

    @property
    def base(self) -> str:
        """Its base name, which readers find it by."""
        return base_name(self.name)

    def read(self, most: int) -> bytes:
        """The first `most` bytes of its content.

        Raises:
            FormatError: If it is damaged.
        """
        with self.opened() as stream:
            return stream.read(most)

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Its content as a stream.

        Raises:
            FormatError: If it is damaged.
        """
        with self._told(), zipfile.ZipFile(self.path) as archive, archive.open(self.name) as stream:
            yield stream

    def copy(self, source: zipfile.ZipFile, target: IO[bytes]) -> None:
        """Write its content to `target`; `source` is its archive, opened.

        Raises:
            FormatError: If it is damaged.
        """
        with self._told(), source.open(self.name) as stream:
            shutil.copyfileobj(stream, target, _CHUNK)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DAMAGES as error:
            raise FormatError(f"'{self.name}', which is packed with the model, is damaged: {error}") from None


@dataclass(frozen=True, slots=True)
class Archive:
    """What lies behind a model: its files, and the byte that the archive begins with."""

    start: int
    members: tuple[Member, ...]


def base_name(path: str) -> str:
    """The name that a file has behind a model, which readers find it by."""
    return PurePosixPath(path.replace("\\", "/")).name


def of(path: Path) -> Archive | None:
    """The archive behind the model at `path`; None where there is none, or a damaged one."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            members = tuple(Member(path, i.filename, i.file_size, i.CRC) for i in infos if not i.is_dir())
            return Archive(min([archive.start_dir, *(i.header_offset for i in infos)]), members)
    except DAMAGES:
        return None


def append(file: IO[bytes], members: Mapping[str, Path | Member]) -> None:
    """Write an archive of `members`, by their base names, at the end of `file`, which is open for reading and writing.

    Raises:
        FormatError: If a member of another archive is damaged.
        OSError: If a file cannot be read.
    """
    file.seek(0, 2)
    with ExitStack() as stack, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        others = {
            m.path: stack.enter_context(zipfile.ZipFile(m.path)) for m in members.values() if isinstance(m, Member)
        }
        for name, member in sorted(members.items()):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = _UNIX, _MODE
            info.file_size = member.stat().st_size if isinstance(member, Path) else member.size
            with archive.open(info, "w") as stream:
                if isinstance(member, Member):
                    member.copy(others[member.path], stream)
                else:
                    with member.open("rb") as content:
                        shutil.copyfileobj(content, stream, _CHUNK)
