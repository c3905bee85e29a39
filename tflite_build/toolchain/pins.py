"""What a toolchain holds: exact versions with hashes, read from specs/toolchains/NAME.txt."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tflite_build import resources
from tflite_build.errors import BuildError, ExitCode, Problem, near_miss, one_of

_UNUSED = ("flex",)  # no step runs in it
_HEADLINE = ("keras", "jax", "tensorflow-cpu", "litert-converter", "litert-quantizer", "ai-edge-litert")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A pinned environment.

    Attributes:
        digest: SHA-256 of the pins without comments: the identity that model.lock and action keys name.
        python: The Python version that it is made with, such as "3.11".
        platforms: Where all of its packages have wheels, such as "linux-x86_64".
        size: What it takes on disk, for people.
        packages: Name -> version.
    """

    name: str
    file: Path
    digest: str
    python: str
    platforms: tuple[str, ...]
    size: str
    packages: Mapping[str, str]

    @property
    def headline(self) -> str:
        """Its main packages, for people: "keras 3.15.1, jax 0.10.2"."""
        return ", ".join(f"{name} {self.packages[name]}" for name in _HEADLINE if name in self.packages)


def read(file: Path) -> Toolchain:
    """The toolchain in `file`, named by it."""
    text = file.read_text("utf-8")
    fields = dict(re.findall(r"^# (python|platforms|size): (.+)$", text, re.MULTILINE))
    pins = "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    packages: dict[str, str] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", pins, re.MULTILINE):
        packages.setdefault(name, version)
    return Toolchain(
        file.stem,
        file,
        hashlib.sha256(pins.encode()).hexdigest(),
        fields["python"],
        tuple(p.strip() for p in fields["platforms"].split(",")),
        fields["size"],
        packages,
    )


def names() -> tuple[str, ...]:
    """The names of all toolchains."""
    return tuple(sorted(path.stem for path in resources.specs("toolchains").glob("*.txt")))


def used() -> tuple[str, ...]:
    """The names of the toolchains that builds use; the others make the models that tests read."""
    return tuple(name for name in names() if name not in _UNUSED)


@cache
def load(name: str) -> Toolchain:
    """The toolchain called `name`.

    Raises:
        BuildError: If there is none.
    """
    file = resources.specs("toolchains", f"{name}.txt")
    if name not in names():
        raise BuildError(
            Problem(f"there is no toolchain '{name}'", hint=near_miss(name, names()) or f"there are {one_of(names())}"),
            ExitCode.USAGE,
        )
    return read(file)


def this_platform() -> str:
    """This machine in the words of the pins."""
    system = {"linux": "linux", "darwin": "macos"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    names_by_machine = {"amd64": "x86_64", "arm64": "arm64" if system == "macos" else "aarch64"}
    return f"{system}-{names_by_machine.get(machine, machine)}"
