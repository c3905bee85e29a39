"""Models of one kind of argument or result, with their code of both languages: built, compiled, and their tests run.

A test file has `MODELS`, by name, and takes the fixture `apps`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from harness import Ran, Said, Workshop
from modules import Module, compile_all
from numpy.typing import NDArray
from standins import StandIns
from swift_bed import Swift
from swift_packages import Built, Package, Runtimes, build_all

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Model:
    """A model.

    Attributes:
        spec: What follows [source] in its model.toml, that table's own keys first.
        files: By name.
        arrays: What data.npz holds.
        head: What stands before all tables.
    """

    spec: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    head: str = ""


def jax_model(code: str, function: str, spec: str, files: Mapping[str, str | bytes] | None = None) -> Model:
    """A model that is a function of JAX."""
    source = f'format = "jax"\nentry = "model.py:{function}"\n'
    return Model(source + spec, {"model.py": code, **(files or {})})


@dataclass
class Apps:
    """The apps' side of models, which is compiled once it is asked for."""

    shop: Workshop
    names: Sequence[str]
    standins: StandIns
    swift: Swift
    runtimes: Runtimes
    folder: Path
    _kotlin: Path | None = None
    _swift: Built | None = None

    def module(self, name: str) -> Module:
        """The Kotlin code of a model."""
        return Module(self.shop.folder / name / "build" / name / "android")

    def package(self, name: str) -> Package:
        """The Swift code of a model."""
        return Package(next((self.shop.folder / name / "build" / name / "ios").iterdir()))

    def kotlin_tests(self, name: str) -> tuple[str, ...]:
        """Those that are generated for a model, which pass."""
        assets = self.folder / "assets" / name
        return tuple(self.module(name).run(self.standins, self._classes(), assets).require())

    def swift_tests(self, name: str) -> tuple[str, ...]:
        """Those that are generated for a model, which pass."""
        made = self.package(name)
        return self._built().test(f"{made.module}Tests.{made.class_name}Tests").require()

    def kotlin_answers(self, program: str, arguments: Sequence[Path]) -> str:
        """What programs/NAME.kt prints, whose package is com.example."""
        known, out = [self._classes(), self.standins.classes], self.folder / f"program-{program}"
        own = self.standins.kotlin.compile([PROGRAMS / f"{program}.kt"], out, known, coroutines=True).require()
        assets = self.folder / "all-assets"
        for name in self.names:
            shutil.copytree(self.module(name).folder / "src" / "main" / "assets", assets, dirs_exist_ok=True)
        classes, properties = [own, self._classes()], {"testbed.assets": assets}
        return self.standins.run(f"com.example.{program}Kt", classes, arguments, properties=properties).require()

    def swift_answers(self, program: str, arguments: Sequence[Path]) -> str:
        """What programs/NAME.swift prints."""
        ran = self._built().run(program, arguments)
        assert ran.code == 0, ran.text
        return ran.out

    def check_format(self) -> None:
        """The formatter finds nothing in any package."""
        folders = [str(self.package(name).folder) for name in self.names]
        command = [self.swift.tool("swift"), "format", "lint", "--strict", "--recursive", "--parallel", *folders]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        found = [line for line in done.stderr.splitlines() if "error:" in line]
        assert found == []

    def _classes(self) -> Path:
        if self._kotlin is None:
            made = [self.module(name) for name in self.names]
            self._kotlin = compile_all(made, self.standins, self.folder / "classes").require()
        return self._kotlin

    def _built(self) -> Built:
        if self._swift is None:
            programs = {file.stem: file.read_text("utf-8") for file in sorted(PROGRAMS.glob("*.swift"))}
            modules = {self.package(name).module for name in self.names}
            own = {n: text for n, text in programs.items() if any(f"import {module}\n" in text for module in modules)}
            made = [self.package(name) for name in self.names]
            self._swift = build_all(made, self.swift, self.runtimes, self.folder / "swift", own)
        return self._swift


def build(
    models: Mapping[str, Model], folder: Path, cli: Callable[..., Ran], more: str = ""
) -> tuple[Workshop, dict[str, Said]]:
    """Build models, with code for both platforms; the outcome of each."""
    shop = Workshop(folder, cli)
    for name, model in models.items():
        apps = f'[android]\npackage = "com.example.{name}"\n[ios]\n'
        folder = shop.model(name, f"{model.spec}{more}{apps}", model.files, **model.arrays)
        file = folder / "model.toml"
        file.write_text(file.read_text("utf-8").replace("[model]", f"{model.head}[model]", 1), "utf-8")
    return shop, shop.build()
