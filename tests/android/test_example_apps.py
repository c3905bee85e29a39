"""The apps' code of the examples compiles, passes its own tests, and has nothing that Android lacks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from android_api import jdk_only
from harness import Ran
from modules import Module, compile_all
from standins import StandIns

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = [
    folder.parent.name for folder in sorted(EXAMPLES.glob("*/model.toml")) if "[android]" in folder.read_text("utf-8")
]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> dict[str, Module]:
    root = tmp_path_factory.mktemp("examples")
    for name in NAMES:
        shutil.copytree(EXAMPLES / name, root / name, ignore=shutil.ignore_patterns("build"))
    ran = module_cli("build", "--locked", root)
    assert ran.code == 0, ran.text
    return {name: Module(next((root / name / "build").glob("*/android"))) for name in NAMES}


@pytest.fixture(scope="module")
def classes(modules: dict[str, Module], standins: StandIns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_all(list(modules.values()), standins, tmp_path_factory.mktemp("classes")).require()


def test_there_are_pictures_and_sounds() -> None:
    assert NAMES == ["digits", "photographs", "tones"]


@pytest.mark.parametrize("name", NAMES)
def test_its_own_test_passes(
    name: str, modules: dict[str, Module], standins: StandIns, classes: Path, tmp_path: Path
) -> None:
    assert len(modules[name].run(standins, classes, tmp_path / "assets").require()) == 3


def test_nothing_is_used_that_android_lacks(classes: Path) -> None:
    assert jdk_only([f for f in classes.rglob("*.class") if "Test" not in f.name and "Golden" not in f.name]) == []
