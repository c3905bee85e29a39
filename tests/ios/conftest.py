"""The bed for generated Swift: one compiler and one set of stand-ins for the whole run."""

from __future__ import annotations

import pytest
import swift_bed
from swift_bed import Swift


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Swift:
    """A Swift compiler; without one, tests that need it are skipped."""
    compiler = swift_bed.find()
    if compiler is None:
        assert not swift_bed.OPT.exists(), f"Swift is in {swift_bed.OPT}, and cannot be used"
        pytest.skip("there is no Swift compiler: neither on the PATH nor in /opt/swift")
    return Swift(compiler, tmp_path_factory.mktemp("standins"))
