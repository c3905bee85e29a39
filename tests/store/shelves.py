"""A store with results of given ages, and `gc` over it: what the tests of `gc` are about, without any building."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_build.store import contents, garbage
from tflite_build.store.artifact import File
from tflite_build.store.digest import canonical, of_bytes
from tflite_build.store.garbage import Collected
from tflite_build.store.results import Result
from tflite_build.store.store import Store, store_folder

HOUR = 3600.0
ACTION = "ab" * 32  # the key whose lock a build holds
BUILD = """\
import pathlib, sys
from tflite_build.store.store import Store
store = Store(pathlib.Path(sys.argv[1]))
lock = store.lock(sys.argv[2])
assert lock.acquire(0)
with store.scratch() as scratch:
    print(scratch, flush=True)
    sys.stdin.readline()
lock.release()
store.close()
"""


def age(path: Path, seconds: float) -> None:
    """As if it was last used so long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))


@dataclass(frozen=True)
class Shelves:
    """The store under the cache folder `cache`."""

    cache: Path

    @property
    def root(self) -> Path:
        return store_folder(self.cache)

    def put(self, data: bytes, *, used: float, manifest: Mapping[str, Any] | None = None) -> str:
        """A result with one blob, both used `used` seconds ago; its key."""
        key = of_bytes(canonical(manifest or {"of": data.hex()})).sha256
        with self.opened() as store:
            digest = store.blobs.put_bytes(data)
            store.results.put(key, Result({"x": File(digest)}))
        age(self.blob(data), used)
        age(self.result(key), used)
        return key

    def orphan(self, data: bytes, *, used: float) -> Path:
        """A blob that no result names yet."""
        with self.opened() as store:
            store.blobs.put_bytes(data)
        age(self.blob(data), used)
        return self.blob(data)

    def blob(self, data: bytes) -> Path:
        sha256 = of_bytes(data).sha256
        return self.root / "blobs" / sha256[:2] / sha256

    def result(self, key: str) -> Path:
        return self.root / "results" / "actions" / key[:2] / f"{key}.json"

    def keys(self) -> set[str]:
        """The results that are there and have all that they name."""
        blobs = contents.blobs(self.root).keys()
        return {r.file.name for r in contents.results(self.root) if r.whole and r.blobs <= blobs}

    def broken(self) -> set[str]:
        """The results that name a blob which is not there."""
        return {r.file.name for r in contents.results(self.root)} - self.keys()

    def collect(self, **asked: float | None) -> Collected:
        """`gc`, by default as greedy as it can be."""
        with self.opened() as store:
            return garbage.collect(store, **(asked or {"max_size": 0, "older_than": 0.0}))  # type: ignore[arg-type]

    @contextmanager
    def opened(self) -> Iterator[Store]:
        store = Store(self.cache)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def build(self, *, begun: float = 0.0, action: str = ACTION) -> Iterator[Path]:
        """A process that holds the store as a build does, begun `begun` seconds ago, and runs `action`; its scratch."""
        process = subprocess.Popen(
            [sys.executable, "-c", BUILD, str(self.cache), action],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            scratch = Path(process.stdout.readline().strip())
            age(scratch.parent.with_name(f"{scratch.parent.name}.lock"), begun)
            yield scratch
        finally:
            process.communicate("\n", timeout=60)
            assert process.returncode == 0
