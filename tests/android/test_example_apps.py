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


# What the README's Activity has from Android's libraries, as far as it calls that.
ANDROID = """
package android.os

class Bundle
---
package androidx.activity

import android.content.Context
import android.os.Bundle

open class ComponentActivity {
    lateinit var applicationContext: Context
    var title: CharSequence = ""

    protected open fun onCreate(state: Bundle?) {}

    protected open fun onDestroy() {}
}
---
package androidx.lifecycle

import androidx.activity.ComponentActivity
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.MainScope

val ComponentActivity.lifecycleScope: CoroutineScope get() = MainScope()
"""
IMPORTS = """package com.example.app

import android.graphics.Bitmap
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.lifecycle.lifecycleScope
import com.example.digits.*
import kotlinx.coroutines.launch

"""


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


def test_there_are_pictures_sounds_and_texts() -> None:
    assert NAMES == ["digit_boxes", "digits", "handwriting", "photographs", "segments", "tones", "topics"]


@pytest.mark.parametrize("name", NAMES)
def test_its_own_test_passes(
    name: str, modules: dict[str, Module], standins: StandIns, classes: Path, tmp_path: Path
) -> None:
    ran = modules[name].run(standins, classes, tmp_path / "assets").require()
    assert len(ran) == (5 if name == "handwriting" else 3)


def test_nothing_is_used_that_android_lacks(classes: Path) -> None:
    assert jdk_only([f for f in classes.rglob("*.class") if "Test" not in f.name and "Golden" not in f.name]) == []


def test_the_activity_of_the_readme_compiles(classes: Path, standins: StandIns, tmp_path: Path) -> None:
    (shown,) = (
        block.partition("```")[0]
        for block in (EXAMPLES / "digits" / "README.md").read_text("utf-8").split("```kotlin\n")[1:]
        if block.startswith("class ")
    )
    sources = [tmp_path / f"Android{number}.kt" for number in range(3)]
    for file, text in zip(sources, ANDROID.split("---\n"), strict=True):
        file.write_text(text, "utf-8")
    stubs = standins.kotlin.compile(sources, tmp_path / "stubs", [standins.classes], coroutines=True).require()
    activity = tmp_path / "Activity.kt"
    activity.write_text(IMPORTS + shown, "utf-8")
    made = standins.kotlin.compile(
        [activity], tmp_path / "out", [stubs, classes, standins.classes], coroutines=True, options=["-nowarn"]
    )
    assert made.ok, made.output
