"""Which Python runs a step: toolchains made ready when first needed, the user's packages over them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from pathlib import Path

from tflite_build.locking import Stop
from tflite_build.planning.action import Step
from tflite_build.toolchain import overlay, pins, provision
from tflite_build.toolchain.overlay import PinnedPackage

from .worker import Environment


class Environments:
    """The environments of one build. Thread-safe; each toolchain is installed at most once."""

    def __init__(self, root: Path, *, offline: bool, report: Callable[[str], None], stop: Stop) -> None:
        self._root = root
        self._offline = offline
        self._report = report
        self._stop = stop
        self._lock = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._pythons: dict[str, Path] = {}

    def python(self, toolchain: str) -> Path:
        """The interpreter of `toolchain`, installed now if it is missing.

        Raises:
            BuildError: If it cannot be installed.
        """
        with self._lock_of(toolchain):
            if toolchain not in self._pythons:
                self._pythons[toolchain] = provision.ensure(
                    pins.load(toolchain), self._root, offline=self._offline, report=self._report, stop=self._stop
                )
            return self._pythons[toolchain]

    def of(self, step: Step, packages: tuple[PinnedPackage, ...]) -> Environment:
        """What `step` runs in."""
        toolchain = step.tool.toolchain
        python = self.python(toolchain)
        if not (step.user_code and packages):
            return Environment(toolchain, python)
        pinned = pins.load(toolchain)
        with self._lock_of((pinned.python, packages)):
            folder = overlay.ensure_overlay(
                packages,
                pinned,
                python,
                self._root,
                offline=self._offline,
                report=self._report,
                stop=self._stop,
            )
        return Environment(toolchain, python, folder)

    def _lock_of(self, what: Hashable) -> threading.Lock:
        """One for each toolchain and each set of packages: what is installed waits for no other installation."""
        with self._lock:
            return self._locks.setdefault(what, threading.Lock())
