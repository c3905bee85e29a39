from __future__ import annotations

from pathlib import Path

import pytest
from shelves import Shelves


@pytest.fixture
def shelves(tmp_path: Path) -> Shelves:
    """An empty store."""
    return Shelves(tmp_path / "cache")
