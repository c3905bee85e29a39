"""What tests of several folders build with: commands that ran, models made of a few lines, and what a build said of them.

A module of its own, since every folder may have a `conftest` and an import finds any of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import io
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def new_cache(folder: Path, shared: Path) -> Path:
    """A cache with an empty store and the shared toolchains."""
    folder.mkdir(parents=True)
    for name in ("toolchains", "overlays"):
        (shared / name).mkdir(exist_ok=True)
        (folder / name).symlink_to(shared / name)
    return folder


@dataclass(frozen=True)
class Ran:
    """A finished run of the command line."""

    code: int
    out: str
    err: str = field(repr=False)

    @property
    def text(self) -> str:
        """Both streams."""
        return self.out + self.err


def python_answers(python: Path, model: Path, calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the runtime's Python interpreter gives in calls of one model (android/interpreter.py); inputs may be arrays."""
    given = [{**c, "inputs": {n: np.asarray(v).tolist() for n, v in c["inputs"].items()}} for c in calls]
    script = Path(__file__).parent / "android" / "interpreter.py"
    command = [str(python), str(script), str(model)]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


_PR_CAPBSET_DROP = 24
_CAPABILITIES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def under_permissions() -> None:
    """Let permissions hold for the process that this one becomes, even if root runs the tests."""
    for capability in _CAPABILITIES if os.geteuid() == 0 else ():
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def command(cache: Path) -> Callable[..., Ran]:
    """`tflite-build` as a process, with the store in `cache`."""

    def run(*arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "tflite_build", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "TFLITE_BUILD_CACHE": str(cache), "COLUMNS": "160", **(env or {})},
            capture_output=True,
            text=True,
            timeout=600,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def inside(cache: Path) -> Callable[..., Ran]:
    """The command line inside of this process: what `main` runs, without the second that a Python with its imports takes.

    What depends on a process of its own (signals, pipes, terminals, imports) is tested with `command`.
    """
    from tflite_build.cli import app

    def run(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(cwd)
            for name, value in {"TFLITE_BUILD_CACHE": str(cache), "COLUMNS": "100", **(env or {})}.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = app.run(list(map(str, arguments)))
        return Ran(code, out.getvalue(), err.getvalue())

    return run


@dataclass(frozen=True)
class Said:
    """What a build said of one model: the parts of `build --json`."""

    value: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether it was built."""
        return bool(self.value["ok"])

    @property
    def errors(self) -> Sequence[Mapping[str, Any]]:
        """All errors."""
        found: Sequence[Mapping[str, Any]] = self.value["errors"]
        return found

    @property
    def error(self) -> Mapping[str, Any]:
        """The only error."""
        (error,) = self.errors
        return error

    @property
    def text(self) -> str:
        """All that the only error says."""
        return "\n".join(str(self.error[part]) for part in ("message", "hint", "detail"))

    @property
    def told(self) -> str:
        """All errors with key, line and exit code, as they are compared with a golden."""
        lines = []
        for error in self.errors:
            lines.append(f"{error['code']}: {error['message']}")
            lines.append(f"  at line {error['line']}, {error['key']}")
            lines += [f"  {line}" for line in (error["detail"] or "").splitlines()]
            if error["hint"]:
                lines.append(f"  help: {error['hint']}")
        return "\n".join(lines)

    @property
    def ran(self) -> list[str]:
        """The steps that ran, and were not reused."""
        return sorted(s["id"] for s in self.value["steps"] if not s["reused"])

    @property
    def variants(self) -> dict[str, Mapping[str, Any]]:
        """The variants by name."""
        return {v["name"]: v for v in self.value["variants"]}

    def file(self, variant: str = "float32") -> Path:
        """A variant's file."""
        return Path(self.variants[variant]["file"])

    def sha256(self, variant: str = "float32") -> str:
        """A variant's digest."""
        return str(self.variants[variant]["sha256"])


@dataclass(frozen=True)
class Workshop:
    """A folder of models with a store of its own."""

    folder: Path
    cli: Callable[..., Ran]

    def model(self, name: str, source: str, files: Mapping[str, str | bytes] | None = None, **arrays: Any) -> Path:
        """Write the model `name`.

        Args:
            source: What follows [source] in model.toml, whose head has four lines.
            files: Further files by their names.
            arrays: What data.npz holds.
        """
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        toml = f'spec = 1\n[model]\nname = "{name}"\n[source]\n{textwrap.dedent(source).strip()}\n'
        (folder / "model.toml").write_text(toml, "utf-8")
        for file, content in (files or {}).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else textwrap.dedent(content).lstrip("\n").encode()
            (folder / file).write_bytes(data)
        if arrays:
            np.savez(folder / "data.npz", **arrays)
        return folder

    def build(
        self, *names: str, options: tuple[str, ...] = (), env: Mapping[str, str] | None = None
    ) -> dict[str, Said]:
        """Build some models, or all; the outcome of each."""
        paths = [self.folder / name for name in names] or [self.folder]
        ran = self.cli("build", "--keep-going", "--json", *options, *paths, env=env)
        assert ran.code in range(6), ran.text
        assert "Traceback" not in ran.text, ran.text
        return {model["model"]: Said(model) for model in events(ran.out, "model")}


def events(output: str, kind: str) -> list[dict[str, Any]]:
    """The events of one kind that a build with `--json` printed."""
    found = [json.loads(line) for line in output.splitlines()]
    return [event for event in found if event["event"] == kind]


def is_locked(file: Path, how: int) -> bool:
    """Whether nobody else could lock `file` now, as flock(2) with `how` does."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
