"""The user's own packages: resolved against a toolchain's pins, kept with hashes in model.lock, installed beside it.

They go into a folder that is appended to the import path, so that they can add to a toolchain and never change it.
Only wheels: building a source distribution runs code and does not give the same bytes twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tflite_build.errors import BuildError, EngineError, ExitCode, Problem
from tflite_build.locking import FileLock, Stop, held, never

from . import uv
from .pins import Toolchain
from .provision import Report

_COMPLETE = ".complete"
_DIGITS = 16  # of a digest in a name


@dataclass(frozen=True, slots=True)
class PinnedPackage:
    """One of the user's packages, or one that it needs, with the hashes of its files.

    Attributes:
        marker: Where it is wanted, such as "sys_platform == 'win32'"; "" for everywhere.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    marker: str = ""

    @property
    def requirement(self) -> str:
        """As a line of a requirements file."""
        marker = f" ; {self.marker}" if self.marker else ""
        return f"{self.name}=={self.version}{marker} {' '.join(f'--hash={h}' for h in sorted(self.hashes))}"


def resolve(packages: Sequence[str], toolchains: Sequence[Toolchain], *, offline: bool) -> tuple[PinnedPackage, ...]:
    """Pin `packages` and what they need.

    Args:
        packages: As the user wrote them.
        toolchains: Those that the user's code may run in, the first one first. What all of them hold is left out; the
            first one's versions are kept to.
        offline: Whether looking them up is forbidden.

    Raises:
        BuildError: If one is written wrongly, does not exist, or contradicts the toolchain's pins.
    """
    for package in packages:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[^\]]+\])?\s*([=<>!~]=?[^;@/]*)?", package):
            raise BuildError(
                Problem(f"'{package}' is not a package with a version", hint='write it as "einops==0.8.1"'),
                ExitCode.SPEC_WRONG,
            )
    if offline:
        raise EngineError(
            Problem(
                "the packages of [toolchain] are not pinned in model.lock, and --offline forbids to look them up",
                hint="build once with a network and commit model.lock",
            )
        )
    toolchain = toolchains[0]
    with tempfile.TemporaryDirectory() as folder:
        wanted, constraints = Path(folder, "wanted.in"), Path(folder, "constraints.txt")
        wanted.write_text("\n".join(packages) + "\n", "utf-8")
        constraints.write_text("\n".join(f"{n}=={v}" for n, v in toolchain.packages.items()) + "\n", "utf-8")
        try:
            text = uv.compile_pins(wanted, toolchain.python, f"resolving {', '.join(packages)}", constraints)
        except EngineError as error:
            detail = error.problems[0].detail.replace(folder, "")
            if "No solution found" in detail:
                raise BuildError(
                    Problem(
                        f"{', '.join(packages)} cannot be had together with the toolchain '{toolchain.name}'",
                        hint="choose a version that goes with the pinned ones, as a wheel",
                        detail=detail,
                    ),
                    ExitCode.SPEC_WRONG,
                ) from None
            raise
    return tuple(p for p in _parse(text) if not all(p.name in held.packages for held in toolchains))


def _parse(text: str) -> list[PinnedPackage]:
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)(?:\s*;\s*(.+?))?\s+--hash", line)
        if match:
            hashes = tuple(sorted(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line)))
            found.append(PinnedPackage(match.group(1), match.group(2), hashes, match.group(3) or ""))
    return found


def digest_of(packages: Sequence[PinnedPackage]) -> str:
    """The identity of a set of pinned packages."""
    return hashlib.sha256("\n".join(sorted(p.requirement for p in packages)).encode()).hexdigest()


def ensure_overlay(
    packages: Sequence[PinnedPackage],
    toolchain: Toolchain,
    python: Path,
    root: Path,
    *,
    offline: bool,
    report: Report,
    stop: Stop = never,
) -> Path:
    """The folder that holds `packages`, installed now where it is missing.

    Raises:
        EngineError: If they cannot be installed.
        KeyboardInterrupt: If `stop` says so meanwhile.
    """
    folder = root / "overlays" / f"{toolchain.python}-{digest_of(packages)[:_DIGITS]}"
    if (folder / _COMPLETE).is_file():
        with contextlib.suppress(OSError):
            os.utime(folder / _COMPLETE)  # when it was last used
        return folder
    if offline:
        raise EngineError(
            Problem(
                "the packages of [toolchain] are not installed, and --offline forbids to install them",
                hint="build once with a network",
            )
        )
    lock = FileLock(folder.parent / f"{folder.name}.lock")

    def waiting() -> None:
        report("another build installs the same packages; waiting for it")

    with uv.writing(folder.parent), held(lock, waiting=waiting, stop=stop):
        if (folder / _COMPLETE).is_file():
            return folder
        report(f"installing {', '.join(f'{p.name} {p.version}' for p in packages)}")
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
        try:
            pinned = temporary / "pins.txt"
            pinned.write_text("".join(f"{p.requirement}\n" for p in packages), "utf-8")
            doing = "installing the packages of [toolchain]"
            uv.install_pins(pinned, python, doing, lambda _: None, temporary / "packages", stop)
            (temporary / "packages" / _COMPLETE).touch()
            shutil.rmtree(folder, ignore_errors=True)
            (temporary / "packages").rename(folder)
        except OSError as error:
            raise EngineError(Problem(f"installing the packages of [toolchain] failed: {error}")) from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def remove_unused(root: Path, before: float, needed: Collection[str], report: Report) -> None:
    """Remove sets of packages that no build used since the time `before`, as `provision.remove_unused` removes toolchains.

    Raises:
        EngineError: If one cannot be removed.
    """
    stay = {digest[:_DIGITS] for digest in needed}
    for mark in sorted((root / "overlays").glob(f"*/{_COMPLETE}")):
        folder = mark.parent
        if folder.name.rpartition("-")[2] in stay or mark.stat().st_mtime >= before:
            continue
        lock = FileLock(folder.parent / f"{folder.name}.lock")
        with uv.writing(folder.parent), held(lock, waiting=lambda: None):
            if mark.stat().st_mtime >= before:  # a build came first
                continue
            mark.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
        report(f"removed packages of users that no build uses any more: {folder.name}")
