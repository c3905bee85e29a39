"""The bed for generated Kotlin: one compiler and one set of stand-ins for the whole run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kotlin_bed import Kotlin
from standins import StandIns


@pytest.fixture(scope="session")
def kotlin(shared_cache: Path) -> Iterator[Kotlin]:
    """A Kotlin compiler and a Java runtime."""
    made = Kotlin(shared_cache)
    yield made
    made.close()


@pytest.fixture(scope="session")
def standins(kotlin: Kotlin, python_of: Callable[[str], Path]) -> StandIns:
    """The stand-ins of Android's libraries."""
    return StandIns(kotlin, python_of)
