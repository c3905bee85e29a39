"""Seeing what Python code opens, lists, looks for and imports, before it happens.

By an audit hook, by patches of `os`, and by an import finder. They stay as long as the process, which is not used again
after user code has run. Knows nothing of what becomes of what it sees.

Source of the events: https://docs.python.org/3/library/audit_events.html. `os.stat` and its kin raise none.
"""

# pathlib goes through the functions that are patched here.
# ruff: noqa: PTH112, PTH113, PTH118

from __future__ import annotations

import functools
import importlib.machinery
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any

from .staging import Staging

_READLINK = os.readlink  # as it is before it is watched
_WRITES = os.O_WRONLY | os.O_RDWR
_LOOKS = ("stat", "lstat", "access", "readlink")
# Who imports, in a stack of frames: not the machinery itself.
# Imported at the moment in which multiprocessing starts a process that is no fork of this one.
_STARTS = ("multiprocessing.popen_spawn_posix", "multiprocessing.popen_forkserver")
_MACHINERY = ("<frozen importlib", f"{os.sep}importlib{os.sep}__init__.py")


class Watch:
    """Tells `staging` what user code does, until `end`.

    Attributes:
        roots: Folders of the stage in which absolute imports are looked up, in order.
    """

    def __init__(self, staging: Staging) -> None:
        self.roots: list[str] = []
        self._staging = staging
        self._own = threading.local()  # set while the watch itself works: that is not user code
        self._active = True
        sys.addaudithook(self._audit)
        for name in _LOOKS:
            _patch_look(name, self._look)
        _patch_scandir(self._look)
        _patch_open(self._opened_below)
        sys.meta_path.insert(0, _Finder(self, of_user=True))
        sys.meta_path.append(_Finder(self, of_user=False))
        sys.dont_write_bytecode = True

    @property
    def watching(self) -> bool:
        """Whether what happens now is the user's code."""
        return self._active and not getattr(self._own, "busy", False)

    def end(self) -> None:
        """What happens from now on is not the user's code."""
        self._active = False

    @contextmanager
    def paused(self) -> Iterator[bool]:
        """Inside, this thread is not watched. Gives False where it was not watched already."""
        if not self._active or getattr(self._own, "busy", False):
            yield False
            return
        self._own.busy = True
        try:
            yield True
        finally:
            self._own.busy = False

    def bring_module(self, name: str, folders: Sequence[str]) -> None:
        """Bring what Python would find as module `name` (its last part) in these folders of the stage."""
        with self.paused() as first:
            if not first:
                return
            for folder in folders:
                place = os.path.join(folder, name)
                sys.path_importer_cache.pop(folder, None)  # it remembers what was there before
                self._staging.looked(place)
                if os.path.isdir(place):
                    self._staging.read(os.path.join(place, "__init__.py"))
                    if os.path.isfile(os.path.join(place, "__init__.py")):
                        return
                for suffix in importlib.machinery.EXTENSION_SUFFIXES:
                    relative = self._staging.relative(place + suffix)
                    if relative and self._staging.unseen(relative):
                        self._staging.read(place + suffix)
                        return
                self._staging.read(place + ".py")
                if os.path.isfile(place + ".py"):
                    return

    def inside(self, path: str) -> bool:
        """Whether `path` lies in the stage."""
        return self._staging.holds(path)

    def _look(self, path: Any) -> None:
        text = None if path is None else _text(path)
        if text is not None:
            with self.paused() as first:
                if first:
                    self._staging.looked(text)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        handle = _EVENTS.get(event)
        if handle is None or not self._active:
            return
        path = _text(arguments[0] if arguments else None)
        if path is None and event in _OF_DESCRIPTORS:
            path = _path_of(arguments[0])
        if path is None:
            return
        with self.paused() as first:
            if first:
                handle(self, path, arguments)

    def _opened(self, path: str, arguments: tuple[Any, ...]) -> None:
        flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
        replaced = flags & os.O_TRUNC or (flags & _WRITES and not flags & (os.O_APPEND | os.O_EXCL | os.O_RDWR))
        made = flags & os.O_CREAT and flags & os.O_EXCL and self._staging.relative(path) is None
        if not replaced and not made:
            self._staging.read(path)
        if flags & _WRITES:
            self._staging.written(path)

    def _opened_below(self, path: str, flags: int) -> None:
        """A file is opened from an open folder, which the audit event does not tell."""
        if self._active:
            with self.paused() as first:
                if first:
                    self._opened(path, (path, None, flags))

    def _listed(self, path: str, arguments: tuple[Any, ...]) -> None:
        # The import machinery lists whole folders to look for one name; the finder below knows which.
        if _caller().f_code.co_filename.startswith("<frozen importlib"):
            return
        self._staging.listed(path)

    def _read(self, path: str, arguments: tuple[Any, ...]) -> None:
        self._staging.read(path)

    def _looked(self, path: str, arguments: tuple[Any, ...]) -> None:
        self._staging.looked(path)

    def _moved(self, path: str, arguments: tuple[Any, ...]) -> None:
        self._staging.read(path)
        self._staging.changed(path)
        self._changed(_text(arguments[1]) or path, arguments)

    def _linked(self, path: str, arguments: tuple[Any, ...]) -> None:
        self._staging.read(path)
        self._changed(_text(arguments[1]) or path, arguments)

    def _folder_made(self, path: str, arguments: tuple[Any, ...]) -> None:
        if not os.path.lexists(path):  # else it is only made sure of
            self._staging.changed(path)

    def _changed(self, path: str, arguments: tuple[Any, ...]) -> None:
        self._staging.changed(path)

    def _touched(self, path: str, arguments: tuple[Any, ...]) -> None:
        self._staging.touched(path)


_Handler = Callable[[Watch, str, tuple[Any, ...]], None]
_EVENTS: dict[str, _Handler] = {
    "open": Watch._opened,
    "os.listdir": Watch._listed,
    "os.scandir": Watch._listed,
    "os.chdir": Watch._looked,
    "os.rename": Watch._moved,
    "os.link": Watch._linked,
    "os.mkdir": Watch._folder_made,
    "os.remove": Watch._changed,
    "os.rmdir": Watch._changed,
    "os.truncate": Watch._changed,
    "os.utime": Watch._touched,
    "sqlite3.connect": Watch._read,
    "ctypes.dlopen": Watch._read,
}


_OF_DESCRIPTORS = ("os.listdir", "os.scandir")


class _Entry:
    """What `os.scandir` gives, and whoever asks for its size or times is seen."""

    def __init__(self, entry: os.DirEntry[Any], look: Callable[[Any], None]) -> None:
        self._entry = entry
        self._look = look

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """As of `os.DirEntry`."""
        self._look(self._entry.path)
        return self._entry.stat(follow_symlinks=follow_symlinks)

    def __fspath__(self) -> Any:
        return self._entry.path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry, name)

    def __repr__(self) -> str:
        return repr(self._entry)


class _Entries:
    """The iterator of `os.scandir`, over `_Entry`."""

    def __init__(self, entries: Any, look: Callable[[Any], None]) -> None:
        self._entries = entries
        self._look = look

    def __iter__(self) -> Iterator[_Entry]:
        return self

    def __next__(self) -> _Entry:
        return _Entry(next(self._entries), self._look)

    def __enter__(self) -> Iterator[_Entry]:
        return self

    def __exit__(self, *_: object) -> None:
        self._entries.close()

    def close(self) -> None:
        """As of `os.scandir`."""
        self._entries.close()


class _Finder:
    """Brings modules of the project into the stage just before Python looks for them there.

    Args:
        of_user: Serve absolute imports of the user's own modules, ahead of installed packages; otherwise those of
            anyone, behind them. A library's imports never find the user's files first.
    """

    def __init__(self, watch: Watch, of_user: bool) -> None:
        self._watch = watch
        self._of_user = of_user

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """As the import machinery asks for it."""
        if fullname in _STARTS and self._watch.watching:
            raise RuntimeError(
                "processes that multiprocessing starts anew ('spawn', 'forkserver') do not see your files here: "
                'use multiprocessing.get_context("fork"), or threads'
            )
        if path is None:
            if self._of_user and not self._watch.inside(_importer().f_code.co_filename):
                return None
            folders = [*self._watch.roots, *(p for p in map(os.path.abspath, sys.path) if self._watch.inside(p))]
        else:
            folders = [p for p in path if self._watch.inside(p)]
        if not folders:
            return None
        folders = list(dict.fromkeys(folders))
        self._watch.bring_module(fullname.rpartition(".")[2], folders)
        return importlib.machinery.PathFinder.find_spec(fullname, folders, target)


def _text(path: Any) -> str | None:
    """A path as text; None for a file descriptor."""
    if path is None:
        return "."
    try:
        return os.fsdecode(path)
    except TypeError:
        return None


def _path_of(descriptor: Any) -> str | None:
    """Where an open folder lies; None where the system does not say."""
    try:
        if sys.platform == "darwin":
            import fcntl

            return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
        return _READLINK(f"/proc/self/fd/{descriptor}")
    except (OSError, TypeError):
        return None


def _below(path: Any, folder: int | None) -> Any:
    """The path that `path` means from the open folder `folder`; as it is where there is none."""
    text = _text(path)
    above = _path_of(folder) if folder is not None and text is not None else None
    return path if folder is None else os.path.join(above, text) if above and text else None


def _caller() -> FrameType:
    """The innermost frame outside of this module."""
    frame: FrameType | None = sys._getframe(1)
    own = _caller.__code__.co_filename
    while frame is not None and (frame.f_code.co_filename == own or frame.f_code.co_filename.endswith("contextlib.py")):
        frame = frame.f_back
    assert frame is not None
    return frame


def _importer() -> FrameType:
    """The innermost frame that is neither of this module nor of the import machinery."""
    frame: FrameType = _caller()
    while frame.f_back is not None and any(part in frame.f_code.co_filename for part in _MACHINERY):
        frame = frame.f_back
    return frame


def _patch_look(name: str, look: Callable[[Any], None]) -> None:
    original = getattr(os, name)

    @functools.wraps(original)
    def watched(path: Any, *args: Any, **kwargs: Any) -> Any:
        look(_below(path, kwargs.get("dir_fd")))
        return original(path, *args, **kwargs)

    _replace(name, original, watched)


def _patch_open(opened: Callable[[str, int], None]) -> None:
    original = os.open

    @functools.wraps(original)
    def watched(path: Any, flags: int, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("dir_fd") is not None:
            place = _below(path, kwargs["dir_fd"])
            if place is not None:
                opened(place, flags)
        return original(path, flags, *args, **kwargs)

    _replace("open", original, watched)


def _patch_scandir(look: Callable[[Any], None]) -> None:
    original = os.scandir

    @functools.wraps(original)
    def watched(path: Any = ".") -> Any:
        entries = original(path)
        return entries if isinstance(path, int) else _Entries(entries, look)

    _replace("scandir", original, watched)


def _replace(name: str, original: Callable[..., Any], watched: Callable[..., Any]) -> None:
    setattr(os, name, watched)
    # Code asks these sets what the function can do.
    for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if original in able:
            able.add(watched)
