"""Making toolchains ready: installed whole or not at all, once for any number of builds.

Each lies in `toolchains/NAME-DIGEST/`, made under another name and renamed when complete. The folder is named by its
pins, so a new version of the tool installs beside the old one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from tflite_build.errors import EngineError, Problem, one_of
from tflite_build.locking import FileLock, Stop, held, never

from . import pins, uv
from .pins import Toolchain

_COMPLETE = "complete.json"
_NEW = ".new-"
_DIGITS = 12  # of a digest in a name
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Installed:
    """A toolchain on disk. `current` is whether it has the pins of this version of the tool."""

    name: str
    path: Path
    size: int
    current: bool


def folder_of(toolchain: Toolchain, root: Path) -> Path:
    """Where `toolchain` lies under the cache `root`, installed or not."""
    return root / "toolchains" / f"{toolchain.name}-{toolchain.digest[:_DIGITS]}"


def is_installed(toolchain: Toolchain, root: Path) -> bool:
    """Whether it is there and complete."""
    return (folder_of(toolchain, root) / _COMPLETE).is_file()


def python_of(toolchain: Toolchain, root: Path) -> Path:
    """Its Python, installed or not."""
    return folder_of(toolchain, root) / "bin" / "python"


def ensure(toolchain: Toolchain, root: Path, *, offline: bool, report: Report, stop: Stop = never) -> Path:
    """The Python of `toolchain`, installed now where it is missing.

    Args:
        toolchain: What to install.
        root: The cache folder.
        offline: Whether installing is forbidden.
        report: Called with lines for people.
        stop: Asked now and then whether to give up.

    Raises:
        EngineError: If it cannot be installed here.
        KeyboardInterrupt: If `stop` says so.
    """
    folder = folder_of(toolchain, root)
    python = python_of(toolchain, root)
    if is_installed(toolchain, root):
        with contextlib.suppress(OSError):
            os.utime(folder / _COMPLETE)  # when it was last used
        return python
    if offline:
        raise EngineError(
            Problem(
                f"the toolchain '{toolchain.name}' is not installed, and --offline forbids to install it",
                hint=f"run `tflite-build toolchain install {toolchain.name}` where there is a network",
            )
        )
    here = pins.this_platform()
    if here not in toolchain.platforms:
        raise EngineError(
            Problem(
                f"the toolchain '{toolchain.name}' ({toolchain.headline}) does not exist for {here}",
                hint=f"its packages are published for {one_of(toolchain.platforms)}; build there",
            )
        )

    def waiting() -> None:
        report(f"another build installs the toolchain '{toolchain.name}'; waiting for it")

    with uv.writing(folder.parent), held(_lock(folder), waiting=waiting, stop=stop):
        if not is_installed(toolchain, root):
            _install(toolchain, folder, report, stop)
    return python


def _lock(folder: Path) -> FileLock:
    """Whoever holds it installs or removes the toolchain in `folder`."""
    return FileLock(folder.parent / f"{folder.name}.lock")


def _install(toolchain: Toolchain, folder: Path, report: Report, stop: Stop) -> None:
    begun = time.monotonic()
    for left in folder.parent.glob(f"{_NEW}{folder.name}-*"):  # of an interrupted installation: the lock is ours
        shutil.rmtree(left, ignore_errors=True)
    report(f"installing the toolchain '{toolchain.name}': {toolchain.headline}; {toolchain.size} on disk, once")
    doing = f"installing the toolchain '{toolchain.name}'"
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{_NEW}{folder.name}-"))
    try:
        uv.call(["venv", "--quiet", "--python", toolchain.python, str(temporary / "venv")], doing)

        def progress(text: str) -> None:
            if text.startswith(("Prepared", "Installed", "Bytecode")):
                report(f"  {text[0].lower()}{text[1:]}")

        uv.install_pins(toolchain.file, temporary / "venv" / "bin" / "python", doing, progress, stop=stop)
        size = tree_size(temporary)
        (temporary / "venv" / _COMPLETE).write_text(json.dumps({"digest": toolchain.digest, "size": size}), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # one without the mark of being complete
        (temporary / "venv").rename(folder)
    except OSError as error:
        raise EngineError(
            Problem(
                f"{doing} failed: {error}",
                hint="free some space, or set TFLITE_BUILD_CACHE to a folder that can be written",
            )
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    report(f"  the toolchain '{toolchain.name}' is ready after {time.monotonic() - begun:.0f} s")


def tree_size(folder: Path) -> int:
    """The bytes of all files under `folder`."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(base, name)).st_size  # noqa: PTH118 - thousands of files
            except OSError:
                continue
    return total


def installed(root: Path) -> list[Installed]:
    """All complete toolchains under the cache `root`, those of other versions of the tool included."""
    current = {folder_of(pins.load(name), root).name for name in pins.names()}
    found = []
    for folder in sorted((root / "toolchains").glob("*-*")):
        try:
            complete = json.loads((folder / _COMPLETE).read_text("utf-8"))
            found.append(
                Installed(folder.name.rpartition("-")[0], folder, int(complete["size"]), folder.name in current)
            )
        except (OSError, ValueError, KeyError):
            continue
    return found


def remove(name: str, root: Path, report: Report) -> bool:
    """Remove all versions of the toolchain `name`; whether there was one.

    Raises:
        EngineError: If it cannot be removed.
    """

    def waiting() -> None:
        report(f"another process installs or removes the toolchain '{name}'; waiting for it")

    gone = [i for i in installed(root) if i.name == name]
    for one in gone:
        _remove(one, waiting)
    return bool(gone)


def remove_unused(root: Path, before: float, needed: Collection[str], report: Report) -> None:
    """Remove toolchains of other versions of the tool that no build used since the time `before`.

    Args:
        root: The cache folder.
        before: Seconds since the epoch.
        needed: The digests of pins that have to stay.
        report: Called with a line for each.

    Raises:
        EngineError: If one cannot be removed.
    """
    stay = {digest[:_DIGITS] for digest in needed}
    for one in installed(root):
        used = (one.path / _COMPLETE).stat().st_mtime
        if one.current or one.path.name.rpartition("-")[2] in stay or used >= before:
            continue
        _remove(one, lambda: None)
        report(f"removed an old version of the toolchain '{one.name}', {one.size / 1e6:.0f} MB")


def _remove(one: Installed, waiting: Callable[[], None]) -> None:
    with uv.writing(one.path.parent), held(_lock(one.path), waiting=waiting):
        (one.path / _COMPLETE).unlink(missing_ok=True)  # first, so that a half-removed one does not count
        shutil.rmtree(one.path, ignore_errors=True)
