"""The command line inside of this process, for every test of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Ran, inside


@pytest.fixture(scope="module")
def shell(module_cache: Path) -> Callable[..., Ran]:
    """Runs a command in a folder, with one store for all tests of a module."""
    return inside(module_cache)
