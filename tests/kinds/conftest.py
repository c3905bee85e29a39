"""The beds of both languages, and what is built of a file's models."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import Ran
from kinds_bed import Apps, build
from kotlin_fixtures import kotlin, standins
from standins import StandIns
from swift_bed import Swift
from swift_fixtures import runtimes, swift
from swift_packages import Runtimes

__all__ = ["kotlin", "runtimes", "standins", "swift"]


@pytest.fixture(scope="module")
def apps(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    module_cli: Callable[..., Ran],
    standins: StandIns,
    swift: Swift,
    runtimes: Runtimes,
) -> Apps:
    """The apps of the file's `MODELS`."""
    shop, said = build(request.module.MODELS, tmp_path_factory.mktemp("kinds"), module_cli)
    assert all(model.ok for model in said.values()), [model.told for model in said.values() if not model.ok]
    folder = tmp_path_factory.mktemp("apps")
    return Apps(shop, list(request.module.MODELS), standins, swift, runtimes, folder)
