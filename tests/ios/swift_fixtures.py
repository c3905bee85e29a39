"""The bed for generated Swift: one compiler, one set of stand-ins and the runtimes behind them for the whole run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import swift_bed
from swift_bed import Swift
from swift_packages import Runtimes


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Swift:
    """A Swift compiler; without one, tests that need it are skipped."""
    compiler = swift_bed.find()
    if compiler is None:
        assert not swift_bed.OPT.exists(), f"Swift is in {swift_bed.OPT}, and cannot be used"
        pytest.skip("there is no Swift compiler: neither on the PATH nor in /opt/swift")
    return Swift(compiler, tmp_path_factory.mktemp("standins"))


@pytest.fixture(scope="session")
def runtimes(python_of: Callable[[str], Path]) -> Runtimes:
    """The runtime that models are really run with."""
    python = python_of("core")
    (library,) = (python.parent.parent / "lib").glob("python*/site-packages/ai_edge_litert/libLiteRt.so")
    return Runtimes(library, python)
