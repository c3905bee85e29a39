"""Calling uv, which makes environments and resolves versions; its failures become problems that people can act on."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from uv import find_uv_bin

from tflite_build.errors import EngineError, Problem
from tflite_build.locking import Stop, never

# What would leak the caller's environment into a toolchain, or keep byte code from being written (imports of a
# toolchain without byte code take three times as long).
_DROPPED = (
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "PYTHONDONTWRITEBYTECODE",
    "UV_PROJECT_ENVIRONMENT",
    "CONDA_PREFIX",
)


def call(arguments: Sequence[str], doing: str, line: Callable[[str], None] = lambda _: None, stop: Stop = never) -> str:
    """Run uv; what it printed on stdout.

    Args:
        arguments: The command line behind `uv`.
        doing: What this is for, in an error: "installing the toolchain 'core'".
        line: Called with each line of its progress.
        stop: Asked now and then whether to end it.

    Raises:
        EngineError: If it fails.
        KeyboardInterrupt: If `stop` says so.
    """
    environment = {k: v for k, v in os.environ.items() if k not in _DROPPED}
    said: list[str] = []
    with tempfile.TemporaryFile() as output:  # a pipe that nobody reads meanwhile would fill up
        try:
            process = subprocess.Popen(
                [*_dying_with_the_tool(), find_uv_bin(), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                env=environment,
            )
        except OSError as error:
            raise EngineError(
                Problem(f"uv cannot be started: {error}", hint="install it with `python3 -m pip install uv`")
            ) from None
        with process:
            try:
                for text in _lines(process, stop):
                    said.append(text)
                    line(text)
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            raise EngineError(_failure(doing, [s for s in said if s]))
        output.seek(0)
        return output.read().decode("utf-8", "replace")


def _lines(process: subprocess.Popen[bytes], stop: Stop) -> Iterator[str]:
    """What it says of its progress, line by line, until it closes the pipe."""
    assert process.stderr is not None  # it is a pipe
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stderr, selectors.EVENT_READ)
        while True:
            if stop():
                raise KeyboardInterrupt
            if not selector.select(0.2):
                continue
            data = os.read(process.stderr.fileno(), 1 << 16)
            *lines, rest = (rest + data).split(b"\n")
            yield from (part.decode("utf-8", "replace").rstrip() for part in lines)
            if not data:
                yield rest.decode("utf-8", "replace").rstrip()
                return


def compile_pins(wanted: Path, python: str, doing: str, constraints: Path | None = None) -> str:
    """Exact versions with hashes, for all platforms, of what the requirements file `wanted` asks for; wheels only.

    Raises:
        EngineError: If there is no solution.
    """
    text = call(
        [
            "pip",
            "compile",
            "--quiet",
            "--universal",
            "--generate-hashes",
            "--no-header",
            "--no-annotate",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--only-binary=:all:",
            f"--python-version={python}",
            *([f"--constraints={constraints}"] if constraints else []),
            str(wanted),
        ],
        doing,
    )
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("--only-binary"))


def install_pins(
    pinned: Path,
    python: Path,
    doing: str,
    line: Callable[[str], None],
    target: Path | None = None,
    stop: Stop = never,
) -> None:
    """Install exactly what the file `pinned` names, each with its hash, byte-compiled.

    Args:
        pinned: Requirements with hashes.
        python: The interpreter to install for.
        doing: As for `call`.
        line: As for `call`.
        target: A folder to put the packages into, instead of the interpreter's own.
        stop: As for `call`.

    Raises:
        EngineError: If a file cannot be had, or is not the one that was pinned.
    """
    call(
        [
            "pip",
            "install",
            "--python",
            str(python),
            *(["--target", str(target)] if target else []),
            "--require-hashes",
            "--no-deps",
            "--only-binary=:all:",
            "--compile-bytecode",
            "-r",
            str(pinned),
        ],
        doing,
        line,
        stop,
    )


def _dying_with_the_tool() -> list[str]:
    """A command to put before another: on Linux the kernel kills that when the tool dies, even by SIGKILL."""
    if sys.platform != "linux":
        return []
    code = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-I", "-S", "-c", code]


def _failure(doing: str, said: list[str]) -> Problem:
    text = "\n".join(said)
    lower = text.lower()
    hint = "the lines above are uv's own"
    if "hash mismatch" in lower or "hash-mismatch" in lower:
        hint = "a file of the index is not the one that was pinned; do not use this index until that is explained"
    elif "no space left" in lower:
        hint = "free some space, or set TFLITE_BUILD_CACHE to a folder on another disk"
    elif "dns error" in lower or "failed to fetch" in lower or "error sending request" in lower or "connect" in lower:
        hint = "check the network and the index that uv is set up with; an installed toolchain needs neither"
    elif "no interpreter found" in lower or "no python" in lower:
        hint = "install Python 3.11, or let uv fetch one with `uv python install 3.11`"
    return Problem(f"{doing} failed", hint=hint, detail="\n".join(said[-12:]))


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make `path`; what cannot be written there is told.

    Raises:
        EngineError: If it cannot be made, or the block meets an error of the system.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise EngineError(
            Problem(
                f"the folder for toolchains, {path}, cannot be written: {error.strerror}",
                hint="set TFLITE_BUILD_CACHE to a folder that can be written",
            )
        ) from None
