"""The command line inside of this process: what `main` runs, without the second that a Python with its imports takes.

What depends on a process of its own (signals, pipes, terminals, imports) is tested with `cli`, `module_cli`.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from harness import Ran

from tflite_build.cli import app


@pytest.fixture(scope="module")
def shell(module_cache: Path) -> Callable[..., Ran]:
    """Runs a command in a folder, with one store for all tests of a module."""

    def run(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(cwd)
            for name, value in {"TFLITE_BUILD_CACHE": str(module_cache), "COLUMNS": "100", **(env or {})}.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = app.run(list(map(str, arguments)))
        return Ran(code, out.getvalue(), err.getvalue())

    return run
