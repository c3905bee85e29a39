"""Where changes matter to the builds of some models: the folders to watch, and which paths in them.

That is all in the folders that are looked through for specs, as far as people put it there, and what builds are known to
have read elsewhere or looked for in vain. Knows nothing of how changes are noticed.
"""

# The same paths as text, many of them, where pathlib would take longer than the disk.
# ruff: noqa: PTH100, PTH110, PTH112, PTH113, PTH119, PTH120

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tflite_build.errors import SpecError
from tflite_build.spec.discover import is_skipped, specs_in
from tflite_build.spec.load import load
from tflite_build.spec.rules import named_paths
from tflite_build.store.snapshots import WORKSPACE, is_listing
from tflite_build.store.store import cache_root
from tflite_build.workspace import candidates

from . import find, unchanged
from .driver import out_folder

# What editors and Python leave beside the files that people write.
_PASSING = re.compile(r"^(4913|#.*#|.*~|.*\.(sw[a-z]|tmp|bak|orig|pyc|pyo|part)|.*___jb_\w+___)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Area:
    """What to watch. All paths are absolute.

    Attributes:
        folders: To be watched, each without those below it.
        trees: Folders in which everything that people put there may matter.
        read: Paths elsewhere, or with names that are otherwise left out, that matter.
        listed: Folders elsewhere whose every name matters.
        own: What the tool writes, which never matters, nor anything below it.
        specs: The specs that there are.
    """

    folders: frozenset[str]
    trees: frozenset[str]
    read: frozenset[str]
    listed: frozenset[str]
    own: frozenset[str]
    specs: tuple[Path, ...]

    def matters(self, path: str) -> bool:
        """Whether a change at `path` may change what a build gives. What came and went at once does not."""
        above = list(_with_parents(path))
        if not self.own.isdisjoint(above):
            return False
        if path in self.read:
            return True
        if _PASSING.match(os.path.basename(path)) or not os.path.lexists(path):
            return False
        if os.path.dirname(path) in self.listed:
            return True
        below: list[str] = []
        for place in above:
            if place in self.trees:
                return not any(map(is_skipped, below))
            below.append(os.path.basename(place))
        return False


def area(names: Sequence[str | Path], out_dir: Path | None) -> Area:
    """Where changes matter to a build of `names`, as it is known now; nothing of them need be there."""
    named = [os.path.abspath(find.split(str(name))[0]) for name in names]
    specs: dict[str, None] = {}
    for path in named:
        specs.update(dict.fromkeys(specs_in(path) if os.path.isdir(path) else [path] if os.path.isfile(path) else []))
    trees = {path if os.path.isdir(path) else os.path.dirname(path) for path in named}
    trees |= {os.path.dirname(spec) for spec in specs}
    read, own = set(named), {str(cache_root())}
    listed: set[str] = set()
    files = tuple(map(Path, specs))
    known = unchanged.look(files, out_dir)
    for spec in files:
        own.add(str(spec.with_suffix(".lock")))
        own.add(str(spec.parent / "build"))
        read.update(candidates(str(spec.parent)))
        if spec not in known:
            made, wanted = _wanted(spec, out_dir)
            own.update(made)
            read.update(wanted)
            listed.update(folder for path in wanted if os.path.isdir(path) for folder in _below(path))
            continue
        snapshot = known[spec]
        own.add(snapshot.folder)
        flat = snapshot.entries.flat
        for at in range(0, len(flat), 3):
            path, how, content = flat[at : at + 3]
            if is_listing(content):
                listed.add(path)
            if how != WORKSPACE:
                read.add(path)
    read = {path for path in read if own.isdisjoint(_with_parents(path))}
    read |= {os.path.realpath(path) for path in read}  # a link's own folder says nothing of the file behind it
    listed = {path for path in listed if (own | trees).isdisjoint(_with_parents(path))}
    read |= {missing for path in read if (missing := _first_missing(path))}
    folders = set(listed)
    folders.update(map(os.path.dirname, read))
    for tree in trees:
        folders.update(_below(tree))
    there = frozenset(folder for folder in folders if os.path.isdir(folder))
    return Area(there, frozenset(trees), frozenset(read), frozenset(listed), frozenset(own), files)


def _wanted(spec: Path, out_dir: Path | None) -> tuple[list[str], list[str]]:
    """Where the outputs of a model go that is not built, and which paths it names; as far as its files tell."""
    made, wanted = [], []
    try:
        loaded = load(spec, files=False)
        made.append(os.path.abspath(out_folder(loaded, out_dir)))
        wanted = [os.path.abspath(spec.parent / path) for _, path, _ in named_paths(loaded.spec) if "\0" not in path]
    except SpecError:
        pass
    return made, wanted


def _with_parents(path: str) -> Iterator[str]:
    while True:
        yield path
        parent = os.path.dirname(path)
        if parent == path:
            return
        path = parent


def _first_missing(path: str) -> str:
    """The highest of `path` and its folders that is not there; "" where all are."""
    missing = ""
    for place in _with_parents(path):
        if os.path.exists(place):
            break
        missing = place
    return missing


def _below(folder: str) -> Iterable[str]:
    for base, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if not is_skipped(name)]
        yield base
