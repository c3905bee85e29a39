"""What lies in a store, told from its files: what each result is made of, when it was last used, who needs it.

Changes nothing. What another process removes meanwhile is left out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .artifact import Tree
from .digest import Digest, Json, canonical, of_bytes
from .results import opened


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the store: its name without a suffix, its bytes, and when it was last used (seconds since the epoch)."""

    name: str
    path: Path
    size: int
    used: float


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The result of an action. `blobs` are the SHA-256 of all that it needs; `whole` is False where one is not known."""

    file: Stored
    blobs: frozenset[str]
    whole: bool


@dataclass(frozen=True, slots=True)
class Needs:
    """What the models on this machine need to be built again without converting anything.

    Attributes:
        models: How many were built with this store and are still there, each with its model.lock.
        keys: Of their steps' results.
        static_keys: Of what the code of the user's reads, where steps run some.
        pins: Of the toolchains and the user's packages, as manifests have them.
    """

    models: int
    keys: frozenset[str]
    static_keys: frozenset[str]
    pins: frozenset[str]


def files(folder: Path) -> Iterator[Stored]:
    """All files under `folder`, hidden ones left out."""
    for base, _, names in os.walk(folder):
        for name in names:
            if name.startswith("."):
                continue
            path = Path(base, name)
            with contextlib.suppress(OSError):
                stat = path.lstat()
                yield Stored(path.stem, path, stat.st_size, stat.st_mtime)


def blobs(root: Path) -> dict[str, Stored]:
    """The blobs of the store in `root`, by SHA-256."""
    return {file.path.name: file for file in files(root / "blobs")}


def results(root: Path) -> list[StoredResult]:
    """The results that are whole files."""
    found = []
    for file in files(root / "results" / "actions"):
        value = read(file.path)
        if value is not None:
            needed, whole = _blobs_of(root, value)
            found.append(StoredResult(file, needed, whole))
    return found


def needs(root: Path) -> Needs:
    """What is needed by the models whose last builds are remembered."""
    models, keys, static_keys, pins = 0, set(), set(), set()
    for file in files(root / "results" / "targets"):
        value = read(file.path)
        if value is None or not stands(value):
            continue
        models += 1
        for manifest in value["steps"].values():
            keys.add(of_bytes(canonical(manifest)).sha256)
            if manifest.get("recorded"):
                static_keys.add(of_bytes(canonical({**manifest, "recorded": []})).sha256)
            pins.update(str(manifest["tool"]["pins"]).split("+"))
    return Needs(models, frozenset(keys), frozenset(static_keys), frozenset(pins))


def stands(target: Json) -> bool:
    """Whether the model of a remembered build is there, with its lock."""
    try:
        spec = Path(target["target"])
        return isinstance(target["steps"], dict) and spec.is_file() and spec.with_suffix(".lock").is_file()
    except (KeyError, TypeError, ValueError):
        return False


def read(path: Path) -> dict[str, Json] | None:
    """What a file of results holds; None where it is gone, damaged or of another version."""
    try:
        return opened(path.read_bytes())
    except OSError:
        return None


def _blobs_of(root: Path, value: dict[str, Json]) -> tuple[frozenset[str], bool]:
    found: set[str] = set()
    try:
        for output in value["outputs"].values():
            if "file" in output:
                found.add(Digest.parse(output["file"]).sha256)
                continue
            listing = Digest.parse(output["tree"]).sha256
            found.add(listing)
            tree = Tree.from_listing((root / "blobs" / listing[:2] / listing).read_bytes())
            found.update(digest.sha256 for _, digest in tree.files)
    except (OSError, KeyError, TypeError, ValueError, AttributeError):
        return frozenset(found), False
    return frozenset(found), True
