"""Taking one member out of an archive that nobody has to trust: .zip, .tar, and .tar compressed.

The whole list of members is judged before any is written: paths that lead out, links, devices, and archives that would
unpack to far more than they are. Knows nothing of where the archive comes from.
"""

from __future__ import annotations

import errno
import posixpath
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tflite_build.engines.contract import Invalid
from tflite_build.errors import near_miss
from tflite_build.tflite.archive import DAMAGES

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")

# Weights hardly get smaller: what unpacks to more than this many times its size is no model.
_MOST_TIMES = 100
_ALWAYS_ALLOWED = 1_000_000_000
_MOST_MEMBERS = 100_000
_RENAME = "rename it and pack again"
_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE)
_DAMAGES = (tarfile.TarError, *DAMAGES)


def member(archive: Path, path: str, target: Path) -> None:
    """Put the file or folder `path` of `archive` at `target`; "." is the whole archive.

    Raises:
        Invalid: The archive is damaged or not to be trusted (key "source.url"), or it has no such member ("source.path").
        OSError: The disk is full or broken.
    """
    wanted = posixpath.normpath(path)
    if leads_out(path):
        raise Invalid(f"'{path}' leads out of the archive", "source.path", "name a member of the archive")
    partial = target.with_name(f"{target.name}.partial")
    try:
        found = _unzip(archive, wanted, partial) if zipfile.is_zipfile(archive) else _untar(archive, wanted, partial)
    except OSError as error:
        if error.errno in _MACHINE:
            raise
        raise _damaged(error.strerror or str(error)) from None
    except tarfile.ReadError as error:
        # The library lists what each of its decompressors says.
        unknown = "file could not be opened" in str(error)
        raise _damaged("it is damaged, or no .zip or .tar archive" if unknown else str(error)) from None
    except UnicodeError:
        raise _damaged("a name in it is not UTF-8") from None
    except _DAMAGES as error:
        raise _damaged(str(error) or type(error).__name__) from None
    if not partial.exists():
        raise Invalid(f"the archive has no member '{path}'", "source.path", _has(wanted, found))
    partial.rename(target)


def leads_out(path: str) -> bool:
    """Whether a path could name something outside of the folder that it starts from, on any system."""
    parts = path.replace("\\", "/").split("/")
    return path.startswith(("/", "\\")) or ".." in parts or (len(parts[0]) == 2 and parts[0].endswith(":"))


def _unzip(archive: Path, wanted: str, target: Path) -> list[str]:
    with zipfile.ZipFile(archive) as pack:
        infos = pack.infolist()
        _check_size(archive, len(infos), sum(i.file_size for i in infos))
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            _check_member(info.filename, wanted, ordinary=kind in (0, stat.S_IFREG, stat.S_IFDIR))
            if info.flag_bits & 1:
                raise Invalid("the archive is encrypted", "source.url", "give one that needs no password")
        _check_kinds([(i.filename, i.is_dir()) for i in infos])
        for info in infos:
            if info.is_dir():
                _make_folder(info.filename, wanted, target)
                continue
            with pack.open(info) as source:
                _write(source, info.filename, wanted, target)
        return [i.filename for i in infos]


def _untar(archive: Path, wanted: str, target: Path) -> list[str]:
    with tarfile.open(archive, encoding="utf-8") as pack:  # wherever it is unpacked
        members = list(_listed(archive, pack, wanted))
        _check_kinds([(i.name, i.isdir()) for i in members])
        for info in members:
            if info.isdir():
                _make_folder(info.name, wanted, target)
                continue
            source = pack.extractfile(info)
            assert source is not None  # it is a file
            with source:
                _write(source, info.name, wanted, target)
        return [i.name for i in members]


def _listed(archive: Path, pack: tarfile.TarFile, wanted: str) -> Iterator[tarfile.TarInfo]:
    size = 0
    for count, info in enumerate(pack, 1):
        size += info.size
        _check_size(archive, count, size)  # before the next one is looked for, which reads over this one
        _check_member(info.name, wanted, ordinary=info.isfile() or info.isdir())
        yield info


def _check_size(archive: Path, members: int, size: int) -> None:
    allowed = max(_ALWAYS_ALLOWED, _MOST_TIMES * archive.stat().st_size)
    if members > _MOST_MEMBERS or size > allowed:
        found = f"{members} files and folders" if members > _MOST_MEMBERS else f"{size / 1e9:.1f} GB"
        raise Invalid(
            f"the archive would unpack to {found}; at most {allowed / 1e9:.1f} GB in {_MOST_MEMBERS} files "
            "and folders are taken out of it",
            "source.url",
            "give the model itself, or a smaller archive",
        )


def _check_member(name: str, wanted: str, *, ordinary: bool) -> None:
    shown = _shown(name)
    if leads_out(name):
        raise Invalid(f"the archive has a member whose path leads out of it: '{shown}'", "source.url")
    if not ordinary:
        raise Invalid(f"the archive holds a link or device: '{shown}'", "source.url", "pack files and folders alone")
    if "\0" in name:
        raise Invalid(f"the archive has a member whose name holds a NUL character: '{shown}'", "source.url", _RENAME)
    # Beside the model there may be any: old tools wrote names as their system had them.
    if shown != name and _place(name, wanted, Path()) is not None:
        raise Invalid(f"the archive has a member whose name is not UTF-8: '{shown}'", "source.url", _RENAME)


def _shown(name: str) -> str:
    r"""`name` as it can be printed: bytes that are no UTF-8 as `\xe9`, NUL as `\0`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "\\0")


def _check_kinds(members: list[tuple[str, bool]]) -> None:
    files = {posixpath.normpath(name) for name, folder in members if not folder}
    for name, folder in members:
        parts = posixpath.normpath(name).split("/")
        for end in range(1, len(parts) + folder):
            above = "/".join(parts[:end])
            if above in files:
                raise Invalid(f"the archive has '{_shown(above)}' as a file and as a folder", "source.url")


def _place(name: str, wanted: str, target: Path) -> Path | None:
    """Where a member goes, or None where it is not part of what is wanted."""
    own = posixpath.normpath(name)
    if own == wanted or (wanted == "." and own == "."):
        return target
    below = own if wanted == "." else own.removeprefix(f"{wanted}/")
    return target / below if wanted == "." or below != own else None


def _make_folder(name: str, wanted: str, target: Path) -> None:
    place = _place(name, wanted, target)
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)


def _write(source: IO[bytes], name: str, wanted: str, target: Path) -> None:
    place = _place(name, wanted, target)
    if place is None:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)


def _damaged(reason: str) -> Invalid:
    return Invalid(
        f"the archive cannot be unpacked: {' '.join(reason.split())}", "source.url", "fetch it by hand and look at it"
    )


def _has(wanted: str, names: list[str]) -> str:
    there = sorted({_shown(posixpath.normpath(name)) for name in names} - {"."})
    shown = ", ".join(there[:12]) + (f" and {len(there) - 12} more" if len(there) > 12 else "")
    near = near_miss(wanted, there)
    return " ".join(part for part in (near, f"it has {shown}" if there else "it is empty") if part)
