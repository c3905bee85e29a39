"""What the cache holds, what of it nobody needs, whether it is whole: the store, toolchains and packages together."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_build.errors import Problem, UsageError
from tflite_build.progress import Listener, Note
from tflite_build.store import checkup, contents, garbage, history
from tflite_build.store.checkup import Checked
from tflite_build.store.garbage import Collected
from tflite_build.store.history import Hits
from tflite_build.store.store import Store, cache_root, others, store_folder
from tflite_build.toolchain import overlay, provision

from . import code

_SIZES = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
_TIMES = {"h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the cache: what it is called, how many things it has, and their bytes."""

    name: str
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class Stats:
    """What takes space, and what it was good for.

    Attributes:
        root: The cache folder.
        parts: All parts, in the order in which they are shown.
        models: How many models on this machine were built with it and are still there.
        needed: The bytes of results and blobs that their last builds need; `gc` never removes those.
        hits: What the last builds reused. Those that had nothing to do are not among them.
    """

    root: Path
    parts: tuple[Part, ...]
    models: int
    needed: int
    hits: Hits

    @property
    def size(self) -> int:
        """The bytes of everything."""
        return sum(part.size for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "root": str(self.root),
            "size": self.size,
            "parts": [{"name": p.name, "count": p.count, "size": p.size} for p in self.parts],
            "models": self.models,
            "needed": self.needed,
            "builds": self.hits.builds,
            "steps_reused": self.hits.reused,
            "steps_run": self.hits.ran,
            "hit_rate": self.hits.rate,
        }


def size_of(text: str) -> int:
    """The bytes of a size such as "5GB"; UsageError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(kB|MB|GB|TB)", text)
    if not match:
        raise UsageError(Problem(f"'{text}' is not a size", hint="write it as 500MB or 5GB"))
    return int(float(match[1]) * _SIZES[match[2]])


def age_of(text: str) -> float:
    """The seconds of an age such as "30d"; UsageError for anything else."""
    match = re.fullmatch(r"(\d+)\s*([hdw])", text)
    if not match:
        raise UsageError(Problem(f"'{text}' is not an age", hint="write it as 12h, 30d or 4w"))
    return float(int(match[1]) * _TIMES[match[2]])


def stats() -> Stats:
    """What takes space. Changes nothing; an absent cache is an empty one."""
    root = cache_root()
    store = store_folder(root)
    needs = contents.needs(store)
    blobs = contents.blobs(store)
    kept = [r for r in contents.results(store) if r.file.name in needs.keys]
    needed = {sha256 for result in kept for sha256 in result.blobs} & blobs.keys()
    toolchains = provision.installed(root)
    parts = [
        Part("blobs", len(blobs), sum(b.size for b in blobs.values())),
        _files("results", store / "results"),
        Part("indexes", *_sizes(store.glob("*.sqlite*"))),
        _folders("engine code", store / "engines"),
        _folders("scratch", store / "tmp"),
        *(Part(f"store {other.name} of another version", 1, provision.tree_size(other)) for other in others(store)),
        *(Part(f"toolchain {t.name}{'' if t.current else ' (old)'}", 1, t.size) for t in toolchains),
        _folders("packages of users", root / "overlays"),
    ]
    size = sum(blobs[s].size for s in needed) + sum(r.file.size for r in kept)
    return Stats(root, tuple(parts), needs.models, size, history.hits(store))


def collect(*, max_size: int | None = None, older_than: float | None = None, listener: Listener) -> Collected:
    """Remove what nobody needs, as `store.garbage` says, and with `older_than` old toolchains and packages too.

    Raises:
        BuildError: If the store cannot be written.
    """

    def say(text: str) -> None:
        listener(Note(text))

    store = Store(report=say)
    try:
        needed = contents.needs(store.root).pins
        collected = garbage.collect(
            store,
            engine_code=code.unpack(store.root).folder,
            max_size=max_size,
            older_than=older_than,
            waiting=lambda: say("another process collects garbage in this cache; waiting for it"),
        )
        if older_than is not None:
            before = min(time.time() - older_than, garbage.horizon(store.root))
            provision.remove_unused(cache_root(), before, needed, say)
            overlay.remove_unused(cache_root(), before, needed, say)
    except OSError as error:
        raise store.failure(error) from None
    finally:
        store.close()
    return collected


def check(listener: Listener) -> Checked:
    """Look at all of the store, as `store.checkup` says; `listener` gets a note for each damaged thing.

    Raises:
        BuildError: If the store cannot be read or written.
    """
    store = Store()
    try:
        return checkup.check(store, lambda text: listener(Note(text)))
    except OSError as error:
        raise store.failure(error) from None
    finally:
        store.close()


def _files(name: str, folder: Path) -> Part:
    found = list(contents.files(folder))
    return Part(name, len(found), sum(file.size for file in found))


def _folders(name: str, folder: Path) -> Part:
    there = [p for p in folder.glob("*") if p.is_dir()]
    return Part(name, len(there), sum(provision.tree_size(p) for p in there))


def _sizes(paths: Any) -> tuple[int, int]:
    sizes = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # databases have files that come and go
            sizes.append(path.stat().st_size)
    return len(sizes), sum(sizes)
