"""`build` where nothing is to do: answered from snapshots before anything large is imported.

Everything that is not plain goes on to the real command line, which finds the same again and says it as well: what it
has in common with this module stands here.
"""

# ruff: noqa: PTH100, PTH109, PTH111, PTH112, PTH113, PTH118, PTH120

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

from tflite_build.spec.discover import specs_in
from tflite_build.store.snapshots import FILE_NAME, Snapshot, Snapshots

_PLAIN = frozenset(
    {"-k", "--keep-going", "--locked", "--offline"}
)  # options that change nothing where nothing is to do
BOLD, PLAIN = "\033[1m", "\033[0m"
_SHOWN_FOLDERS = 3
choice = "auto"  # of --color


class Looked:
    """What a plain `build` was told, and which of its models are as they were left.

    Attributes:
        paths: The arguments that are paths.
        options: Those that are none.
        specs: All specs that they mean, absolute.
        unchanged: Those that nothing is to be done for.
        damaged: Lines for people about what was damaged in the store, where not all of it is as it was left.
    """

    __slots__ = ("begun", "damaged", "options", "paths", "specs", "unchanged")

    def __init__(self, arguments: Sequence[str]) -> None:
        self.begun = time.perf_counter()
        self.paths = [a for a in arguments if a not in _PLAIN] or ["."]
        self.options = frozenset(arguments) & _PLAIN
        self.specs = _specs(self.paths)
        self.damaged: list[str] = []
        self.unchanged = _unchanged(self.specs, self.damaged.append)

    @property
    def done(self) -> bool:
        """Whether nothing at all is to be done."""
        return len(self.unchanged) == len(self.specs) and all(m.shown for m in self.unchanged.values())

    def text(self) -> str:
        """What a build says that has nothing to do."""
        models = [self.unchanged[spec] for spec in self.specs]
        folders = [m.folder for m in models]
        files, steps = sum(m.files for m in models), sum(m.steps for m in models)
        text = "".join(f"warning: {m.name}: {warning}\n" for m in models for warning in m.warnings)
        text += coloured(models[0].shown) if len(models) == 1 else f"\n{up_to_date(len(models))}\n"
        return text + f"\n{closing(files, folders, 0, steps, time.perf_counter() - self.begun)}\n"


def look(arguments: Sequence[str]) -> Looked | None:
    """What `tflite-build build` with `arguments` finds, or None where the whole command line has to read them."""
    if any(a.startswith("-") and a not in _PLAIN for a in arguments):
        return None
    try:
        looked = Looked(arguments)
    except (OSError, ValueError):  # which the whole command line says well
        return None
    return looked if looked.specs else None


def say(looked: Looked) -> int:
    """Print what a build says that has nothing to do; the exit code."""
    stream = sys.stdout
    if stream is None:  # closed before we began, as by `>&-`
        return 0
    text = looked.text()
    try:
        stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding))
        stream.flush()
    except OSError as error:
        return _cannot_write(error)
    return 0


def _cannot_write(error: OSError) -> int:
    from . import console, guard

    def fail() -> int:
        console.lost(sys.stdout, error)
        return 0

    return guard.guarded(fail)


def up_to_date(count: int) -> str:
    """The line for models that nothing had to be done for, where several were asked for."""
    return f"{count} model{' is' if count == 1 else 's are'} up to date"


def closing(files: int, folders: Sequence[str], ran: int, reused: int, seconds: float) -> str:
    """The last line of a build that made or found `files` in `folders`."""
    where = ", ".join(relative(f) for f in folders[:_SHOWN_FOLDERS]) + (" ..." if len(folders) > _SHOWN_FOLDERS else "")
    noun = "file" if files == 1 else "files"
    return f"{files} {noun} in {where}: {ran} steps run, {reused} reused, {seconds:.1f} s"


def relative(path: str) -> str:
    """`path` from the current folder where it lies under it, for people."""
    try:
        here = os.path.join(os.getcwd(), "")
    except OSError:  # it was removed
        here = ""
    path = path[len(here) :] if path.startswith(here) else path
    if path.isprintable():
        return path
    from tflite_build.errors import printable  # which takes a while to import

    return printable(path)


def colourful(stream: object) -> bool:
    """Whether `stream` gets colours: as `--color` says, else where it is a terminal that nobody wants plain."""
    if choice != "auto":
        return choice == "always"
    return _is_terminal(stream) and not os.environ.get("NO_COLOR")


def is_screen(stream: object) -> bool:
    """Whether lines of `stream` can be written anew."""
    return _is_terminal(stream) and choice != "never" and (choice == "always" or not os.environ.get("NO_COLOR"))


def _is_terminal(stream: object) -> bool:
    isatty = getattr(stream, "isatty", lambda: False)
    return bool(isatty()) and os.environ.get("TERM") != "dumb"


def coloured(text: str) -> str:
    """`text` as standard output takes it, without the codes for bold letters where that is no terminal."""
    return text if colourful(sys.stdout) else text.replace(BOLD, "").replace(PLAIN, "")


def store() -> str:
    """Where the store lies, as `store.cache_root` says with a library that takes as long to import as all of this."""
    chosen = os.environ.get("TFLITE_BUILD_CACHE")
    if chosen:
        root = os.path.abspath(os.path.expanduser(chosen))
    elif sys.platform == "darwin":
        root = os.path.expanduser("~/Library/Caches/tflite-build")
    else:
        root = os.path.join(
            os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache"), "tflite-build"
        )
    return os.path.join(root, "store", "v1")


def _specs(named: Sequence[str]) -> list[str]:
    """The absolute paths of all specs that `named` mean, each once; none where one of them means no spec.

    None either where a folder cannot be read, which has to be said.
    """
    found: dict[str, None] = {}
    unread: dict[str, OSError] = {}
    for name in named:
        path = os.path.abspath(name)
        specs = specs_in(path, unread) if os.path.isdir(path) else [path] if os.path.isfile(path) else []
        if not specs or unread:
            return []
        found.update(dict.fromkeys(specs))
    if len(named) > 1 and len({os.path.realpath(spec) for spec in found}) < len(found):
        return []  # two names of one
    return list(found)


def _unchanged(specs: list[str], report: Callable[[str], None]) -> dict[str, Snapshot]:
    folder = store()
    if not specs or not os.path.isfile(os.path.join(folder, FILE_NAME)):
        return {}
    snapshots = Snapshots(folder, report)
    try:
        return snapshots.unchanged(specs, "", lambda: snapshots.tool(_package()))
    finally:
        snapshots.close()


def _package() -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
