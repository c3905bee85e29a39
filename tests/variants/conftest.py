"""One store and one folder of models for the tests of a module."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shop import Shop

from tflite_build.toolchain import pins, provision


@pytest.fixture(scope="session")
def core_python(shared_cache: Path) -> Path:
    return provision.ensure(pins.load("core"), shared_cache, offline=False, report=print)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Any], core_python: Path) -> Shop:
    """A folder of models for all tests of a module."""
    return Shop(tmp_path_factory.mktemp("models"), module_cli, core_python)
