"""The engines' code as a folder that a toolchain's Python can run, and its digest, which is the tool's identity.

A folder rather than a zip: Python keeps its byte code beside the sources, so every process after the first starts
without compiling.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tflite_build import resources
from tflite_build.locking import FileLock, held
from tflite_build.store.digest import canonical, of_bytes
from tflite_build.store.use import Use

# What engines and tool have in common: the format of .tflite files, by the standard library alone.
_SHARED = (
    "errors.py",
    "tflite/__init__.py",
    "tflite/custom.py",
    "tflite/flatbuffer.py",
    "tflite/opcodes.py",
    "tflite/reader.py",
)
# Tables that engines read: the place in their folder, and in specs/.
_TABLES = {
    "engines/preprocessing/bert.json": ("tokenizers", "bert.json"),
    "engines/preprocessing/resample.json": ("preprocessing", "resample.json"),
}
# On a full disk Python leaves half of a byte code file and fails on it from then on (cpython#126606).
_MAIN = """\
import os
import sys

disk = os.statvfs(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = disk.f_bavail * disk.f_frsize < 1 << 23

from tflite_build.engines.lifetime import bind

bind(int(sys.argv[1]))  # before all else, which takes time

from tflite_build.engines.host import main

main()
"""


@dataclass(frozen=True, slots=True)
class EngineCode:
    """The runnable folder, and the digest of the sources in it."""

    folder: Path
    digest: str


def sources() -> dict[str, bytes]:
    """Path within the folder -> content."""
    files = {"__main__.py": _MAIN.encode(), "tflite_build/__init__.py": b""}
    package = resources.package()
    for path in [*sorted((package / "engines").rglob("*.py")), *(package / name for name in _SHARED)]:
        files[f"tflite_build/{path.relative_to(package).as_posix()}"] = path.read_bytes()
    files |= {f"tflite_build/{place}": resources.specs(*parts).read_bytes() for place, parts in _TABLES.items()}
    return files


def digest_of(files: dict[str, bytes]) -> str:
    """The digest of the sources."""
    return of_bytes(canonical({path: of_bytes(data).sha256 for path, data in files.items()})).sha256


def unpack(root: Path) -> EngineCode:
    """The engines' code under `root`, written whole or not at all; a copy that was changed there is made anew."""
    files = sources()
    digest = digest_of(files)
    folder = root / "engines" / digest[:16]
    use = Use(root / "use.lock")
    if not _is_taken(folder, files, use):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with held(FileLock(folder.parent / f"{folder.name}.lock"), waiting=lambda: None):
            if not _is_taken(folder, files, use):  # else another process was faster
                _write(folder, files)
    return EngineCode(folder, digest)


def _is_taken(folder: Path, files: Mapping[str, bytes], use: Use) -> bool:
    """Whether it is whole, and stays as long as the session that is under way by then."""
    with use.noting():
        return _is_whole(folder, files) and use.note(folder)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    try:
        for path, data in files.items():
            (temporary / "new" / path).parent.mkdir(parents=True, exist_ok=True)
            (temporary / "new" / path).write_bytes(data)
        if folder.exists():
            folder.rename(temporary / "old")
        (temporary / "new").rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def forget_byte_code(code: EngineCode) -> None:
    """Remove the byte code beside the sources, which Python makes again."""
    for folder in list(code.folder.rglob("__pycache__")):
        shutil.rmtree(folder, ignore_errors=True)


def _is_whole(folder: Path, files: Mapping[str, bytes]) -> bool:
    try:
        return all((folder / path).read_bytes() == data for path, data in files.items())
    except OSError:
        return False
