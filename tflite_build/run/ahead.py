"""The engine process that a first build begins with, started while the tool still imports what it needs itself.

Lowering a Keras or JAX model is the first step of its build, on one core, and imports its framework for as long as the
tool imports pydantic and typer on another. So the command line has the process started from a glance at model.toml. That
is a guess and decides nothing: the build takes the process if it fits, and else it is ended unused. Knows of specs the
word behind `format` alone, and whether there is talk of packages.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

from tflite_build.errors import BuildError
from tflite_build.spec import SPEC_NAME
from tflite_build.store.store import cache_root, store_folder
from tflite_build.toolchain import pins, provision

from . import code
from .worker import EngineProcess, Environment

_FIRST_STEP = {b"keras": "lower.keras", b"jax": "lower.jax"}
_FORMAT = re.compile(rb"^\s*format\s*=\s*[\"'](\w+)[\"']", re.MULTILINE)
_PACKAGES = re.compile(rb"\bpackages\b")  # those of the user make another environment, where their code runs
_OPTIONS = frozenset({"-k", "--keep-going", "-v", "--verbose", "--json", "--offline"})
_started: list[EngineProcess] = []


def start(arguments: Sequence[str]) -> None:
    """Start what `tflite-build build` with `arguments` will want first, where that can be told at a glance.

    Nothing where there was a build already: most of the next one is remembered.
    """
    named = [a for a in arguments if a not in _OPTIONS]
    if len(named) > 1 or any(a.startswith("-") for a in named):
        return
    # Whatever is wrong, the build itself will find it and say it well.
    with contextlib.suppress(OSError, ValueError, BuildError):
        spec = _first_spec(Path(named[0] if named else "."))
        text = spec.read_bytes() if spec.is_file() else b""  # a pipe would not end
        found = _FORMAT.search(text)
        kind = _FIRST_STEP.get(found[1]) if found else None
        if kind is None or _PACKAGES.search(text) or (spec.parent / "build").exists():
            return
        toolchain = pins.load("litert")
        if not provision.is_installed(toolchain, cache_root()):
            return
        environment = Environment("litert", provision.python_of(toolchain, cache_root()))
        process = EngineProcess(environment, code.unpack(store_folder(cache_root())))
        _started.append(process)
        process.warm([kind], guard=True)


def _first_spec(path: Path) -> Path:
    """The spec at `path`, in it, or the first in a folder of it."""
    own = path / SPEC_NAME
    if not path.is_dir() or own.is_file():
        return own if path.is_dir() else path
    return next(iter(sorted(path.glob(f"*/{SPEC_NAME}"))), own)


def taken(engine_code: code.EngineCode) -> list[EngineProcess]:
    """What was started and runs `engine_code`; whoever takes it ends it."""
    found = [_started.pop() for _ in range(len(_started))]
    for process in found:
        if process.code != engine_code:
            process.kill()
    return [process for process in found if process.code == engine_code]
