"""Content digests: SHA-256 and size, as the Remote Execution API has them, and the canonical JSON that is hashed.

Source: Bazel Remote Execution API v2, message Digest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = Any  # JSON values; checked where they enter


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """SHA-256 in lower-case hexadecimal, and the size in bytes."""

    sha256: str
    size: int

    def __str__(self) -> str:
        return f"{self.sha256}/{self.size}"

    @staticmethod
    def parse(text: str) -> Digest:
        """The inverse of str(); ValueError for anything else."""
        sha256, _, size = text.partition("/")
        if len(sha256) != 64 or not size.isdigit():
            raise ValueError(f"not a digest: {text!r}")
        return Digest(sha256, int(size))


def of_bytes(data: bytes) -> Digest:
    """The digest of `data`."""
    return Digest(hashlib.sha256(data).hexdigest(), len(data))


def of_file(path: Path) -> Digest:
    """The digest of the file at `path`; OSError where it cannot be read."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Digest(sha256, file.tell())


def canonical(value: Json) -> bytes:
    """`value` as JSON that depends on it alone: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
