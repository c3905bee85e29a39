"""A model with an app, from a fixture that needs no converter."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Ran, Workshop

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "tflite"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("apps"), module_cli)


@pytest.fixture(scope="module")
def app(shop: Workshop) -> Callable[..., Path]:
    """Writes a model: its name, the fixture, and what its spec says."""

    def write(name: str, spec: str, fixture: str = "float32", files: dict[str, str] | None = None) -> Path:
        folder = shop.model(name, f'format = "tflite"\npath = "m.tflite"\n{spec}', files)
        shutil.copy(FIXTURES / f"{fixture}.tflite", folder / "m.tflite")
        return folder

    return write
