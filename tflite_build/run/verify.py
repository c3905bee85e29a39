"""`verify`: the same again from an empty store, in other surroundings, and the files compared byte by byte.

The project is copied to another folder and built there by a process of its own whose home, locale, time zone, hash seed
and umask are others. Toolchains and the user's packages, which are pinned by their hashes, stay where they are.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_build import resources
from tflite_build.engines.lifetime import bind
from tflite_build.errors import BuildError, DifferenceError, ExitCode, Place, Problem, SpecError
from tflite_build.planning import lock as lockfile
from tflite_build.progress import Listener, Note
from tflite_build.spec.load import LoadedSpec
from tflite_build.spec.rules import named_paths
from tflite_build.store.artifact import Tree
from tflite_build.store.blobs import clone
from tflite_build.store.digest import of_file
from tflite_build.store.store import Store, cache_root
from tflite_build.tflite.difference import differences
from tflite_build.workspace import WORKSPACE_NAME

from . import report
from .driver import Target, lock_file, out_folder
from .publish import sha256_of

VERIFY_VERSION = 1
_SHARED = ("toolchains", "overlays")  # folders of the cache that hold what is pinned
_SURROUNDINGS = {
    "LC_ALL": "C",
    "LANG": "C",
    "TZ": "Asia/Kathmandu",  # an hour and a half-hour that nobody else has: 5:45
    "PYTHONHASHSEED": "20010",
}
_UMASK = 0o077


@dataclass(frozen=True, slots=True)
class VerifiedFile:
    """An output that was built again.

    Attributes:
        sha256: What was made now.
        expected: What model.lock says; "" where it does not know the file.
        differences: What is not the same in it, where it differs and the locked file is there to look into.
    """

    name: str
    sha256: str
    expected: str
    differences: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it came out as locked."""
        return self.sha256 == self.expected


@dataclass(frozen=True, slots=True)
class Verified:
    """A model that was built again, file by file."""

    name: str
    spec: Path
    files: tuple[VerifiedFile, ...]

    @property
    def ok(self) -> bool:
        """Whether all files came out as locked."""
        return all(file.ok for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "version": VERIFY_VERSION,
            "model": self.name,
            "spec": str(self.spec.absolute()),
            "ok": self.ok,
            "files": [
                {
                    "name": f.name,
                    "ok": f.ok,
                    "sha256": f.sha256,
                    "expected": f.expected,
                    "differences": list(f.differences),
                }
                for f in self.files
            ],
        }


def verify(
    targets: Sequence[Target], *, offline: bool, keep: Path | None, out_dir: Path | None, listener: Listener
) -> tuple[Verified, ...]:
    """Build `targets` again and hold what comes out against their locks.

    Args:
        targets: The models; of one with variants named, those alone.
        offline: Install nothing and fetch nothing.
        keep: Where the rebuilt files are left, in a folder for each model; None for nowhere.
        out_dir: Where the build folders of the models are, to look into what differs.
        listener: Told what is going on.

    Raises:
        DifferenceError: If a model has no lock.
        BuildError: If one cannot be built.
    """
    return tuple(_verify(target, offline, keep, out_dir, listener) for target in targets)


def _verify(target: Target, offline: bool, keep: Path | None, out_dir: Path | None, listener: Listener) -> Verified:
    loaded = target.loaded
    name = loaded.spec.model.name
    file = lock_file(loaded)
    expected = lockfile.read(file).outputs
    if not expected:
        raise DifferenceError(
            Problem(
                f"'{name}' has no {file.name} to verify against",
                Place(loaded.file),
                "build it once, and commit the lock",
            )
        )
    with _scratch() as root:
        place = root.resolve()
        spec = _copied(loaded, place / "a place of its own")
        shared = place / WORKSPACE_NAME  # also where there is none: no other one is found above then
        shared.write_text(loaded.workspace.document.text if loaded.workspace else "", "utf-8")
        listener(Note("building again from an empty store", name))
        for word in (*target.variants, *target.generated) or ("",):
            _build(f"{spec}:{word}" if word else str(spec), loaded, place, offline)
        out = place / "out" / name
        made = {path.name: path for path in sorted(out.glob("*.tflite"))}
        made |= {folder: out / folder for folder in report.read(out).folders}
        asked = target.variants or loaded.variants
        names = (*(f"{name}-{variant}.tflite" for variant in asked), *target.generated)
        wanted = {n: expected.get(n, "") for n in names}
        if not target.variants:
            wanted |= expected
        files = tuple(_file(n, made.get(n), sha, out_folder(loaded, out_dir)) for n, sha in sorted(wanted.items()))
        if keep is not None:
            (keep / name).mkdir(parents=True, exist_ok=True)
            for path in made.values():
                for source in _files(path):
                    kept = keep / name / source.relative_to(out)
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    clone(source, kept)
    return Verified(name, loaded.file, files)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder that goes at the end, or with the next build where this one is killed."""
    store = Store()
    try:
        with store.scratch() as folder:
            yield folder
    finally:
        store.close()


def _files(path: Path) -> list[Path]:
    """`path`, or all files under it."""
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _file(name: str, made: Path | None, expected: str, folder: Path) -> VerifiedFile:
    if made is not None and made.is_dir():
        return _folder(name, made, expected, folder / name)
    sha256 = (sha256_of(made) or "") if made is not None else ""
    if sha256 == expected or made is None:
        return VerifiedFile(name, sha256, expected, () if made is not None else ("it was not made",))
    with _locked_file(folder / name, expected) as there:
        inside = differences(there, made) if there is not None else ()
    return VerifiedFile(name, sha256, expected, inside)


def _folder(name: str, made: Path, expected: str, there: Path) -> VerifiedFile:
    """A generated folder, held against the one that was locked as far as that stands `there`."""

    def tree(folder: Path) -> Tree:
        return Tree(tuple((path.relative_to(folder).as_posix(), of_file(path)) for path in _files(folder)))

    now, before = tree(made), tree(there) if there.is_dir() else Tree(())
    if now.digest.sha256 == expected:
        return VerifiedFile(name, expected, expected)
    found, stood = dict(now.files), dict(before.files) if before.digest.sha256 == expected else {}
    other = [path for path in sorted(found.keys() | stood.keys()) if found.get(path) != stood.get(path)]
    inside = tuple(f"{path} is not the same" for path in other) if stood else ()
    return VerifiedFile(name, now.digest.sha256, expected, inside)


@contextmanager
def _locked_file(output: Path, sha256: str) -> Iterator[Path | None]:
    """The file that was locked: the output as it stands, or what the store keeps of it."""
    if sha256_of(output) == sha256:
        yield output
        return
    store = Store()
    try:
        yield store.blobs.named(sha256)
    finally:
        store.close()


def _build(named: str, loaded: LoadedSpec, place: Path, offline: bool) -> None:
    cache = place / "cache"
    (cache / "store").mkdir(parents=True, exist_ok=True)
    (place / "home").mkdir(exist_ok=True)
    for name in _SHARED:
        with contextlib.suppress(OSError):  # of a cache that can only be read
            (cache_root() / name).mkdir(parents=True, exist_ok=True)
        if (cache_root() / name).is_dir() and not (cache / name).exists():
            (cache / name).symlink_to(cache_root() / name)
    command = [sys.executable, "-m", "tflite_build", "build", named]
    command += ["--out-dir", str(place / "out"), *(["--offline"] if offline else [])]
    package, parent = os.fspath(resources.package().parent), os.getpid()
    done = subprocess.run(
        command,
        cwd=place,
        env={
            **os.environ,
            **_SURROUNDINGS,
            "HOME": str(place / "home"),
            "TFLITE_BUILD_CACHE": str(cache),
            "PYTHONPATH": os.pathsep.join(p for p in (package, os.environ.get("PYTHONPATH", "")) if p),
        },
        umask=_UMASK,
        preexec_fn=lambda: bind(parent),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(
            Problem(
                "it cannot be built again: " + (done.stderr.partition("error: ")[2].partition("\n")[0] or "see below"),
                Place(loaded.file),
                detail=done.stderr.strip(),
            ),
            ExitCode(done.returncode) if done.returncode in set(ExitCode) else ExitCode.BUILD_FAILED,
        )


def _copied(loaded: LoadedSpec, place: Path) -> Path:
    """A copy of the project under `place`, with files that the spec names outside of it; the path of its spec."""
    folder = loaded.folder.resolve()
    named = [Path(os.path.normpath(folder / path)) for _, path, _ in named_paths(loaded.spec)]
    base = Path(os.path.commonpath([folder, *(path.parent for path in named)]))
    target = place / folder.relative_to(base)
    try:
        shutil.copytree(folder, target, ignore=_ignored(folder), copy_function=_copy)
        for path in named:
            copy = place / path.relative_to(base)
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copytree(path, copy, copy_function=_copy) if path.is_dir() else _copy(path, copy)
    except (OSError, shutil.Error) as error:
        raise SpecError(Problem(f"cannot copy the project: {error}", Place(loaded.file))) from None
    return target / loaded.file.name


def _copy(source: str | Path, target: str | Path) -> None:
    if Path(source).is_file():  # no pipe, which would not end, and no socket
        clone(Path(source), Path(target))


def _ignored(top: Path) -> Callable[[str, list[str]], set[str]]:
    def ignore(folder: str, names: list[str]) -> set[str]:
        skipped = {n for n in names if n.startswith(".") or n == "__pycache__"}
        return skipped | ({"build"} if Path(folder) == top else set())

    return ignore
