"""An output or input of an action: a file, or a folder as the sorted list of its files.

A folder's digest is that of its listing, so that it is content-addressed like a file. Empty folders and modes are not
part of it: no converter reads them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .digest import Digest, Json, canonical, of_bytes


@dataclass(frozen=True, slots=True)
class File:
    """One file."""

    digest: Digest

    def to_json(self) -> Json:
        """As JSON values."""
        return {"file": str(self.digest)}


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder: relative path in POSIX form -> digest, sorted."""

    files: tuple[tuple[str, Digest], ...]

    @property
    def digest(self) -> Digest:
        """The digest of the listing."""
        return of_bytes(self.listing())

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(d.size for _, d in self.files)

    def listing(self) -> bytes:
        """The listing that is hashed."""
        return canonical({path: str(digest) for path, digest in self.files})

    def to_json(self) -> Json:
        """As JSON values: the digest of the listing, which is a blob of its own."""
        return {"tree": str(self.digest)}

    @staticmethod
    def from_listing(data: bytes) -> Tree:
        """The inverse of `listing`; ValueError where the data is no listing."""
        files = json.loads(data)
        return Tree(tuple(sorted((str(path), Digest.parse(d)) for path, d in files.items())))


Artifact = File | Tree


def is_safe(path: str) -> bool:
    """Whether a path of a listing stays inside its folder."""
    parts = Path(path).parts
    return bool(parts) and not Path(path).is_absolute() and ".." not in parts
