"""The folder of models that a module's tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from workshop import Workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Any]) -> Workshop:
    """A folder of models for all tests of a module."""
    return Workshop(tmp_path_factory.mktemp("models"), module_cli)
