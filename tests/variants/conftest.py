"""One store and one folder of models for the tests of a module."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shop import Shop


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Any], python_of: Callable[[str], Path]
) -> Shop:
    """A folder of models for all tests of a module."""
    return Shop(tmp_path_factory.mktemp("models"), module_cli, python_of("core"))
