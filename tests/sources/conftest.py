"""The folder of models that a module's tests share, and what a source computes without this tool."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Any]) -> Workshop:
    """A folder of models for all tests of a module."""
    return Workshop(tmp_path_factory.mktemp("models"), module_cli)


@pytest.fixture(scope="session")
def run_script(tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]) -> Callable[..., Any]:
    """Gives the arrays that a script makes of others, under the Python of a toolchain.

    The script's arguments are what it is about, the .npz file to read and the one to write.
    """

    def run(toolchain: str, script: str, about: Path | str, given: Mapping[str, Any]) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("script")
        np.savez(folder / "given.npz", **given)
        command = [python_of(toolchain), "-c", script, about, folder / "given.npz", folder / "made.npz"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        with np.load(folder / "made.npz") as made:
            return dict(made)

    return run
