"""Generated modules, compiled as a Gradle build of one variant would, and their tests run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kotlin_bed import Compiled
from standins import Outcome, StandIns

STRICT = ("-Xexplicit-api=strict",)


@dataclass(frozen=True, slots=True)
class Module:
    """The folder of a generated module, and the flavours that are taken of it."""

    folder: Path
    flavors: tuple[str, ...] = ()

    @property
    def sources(self) -> list[Path]:
        """The source sets of the variant, its test's last."""
        found = sorted((self.folder / "src").iterdir())
        tests = {"androidTest", *(f"androidTest{f[:1].upper()}{f[1:]}" for f in self.flavors)}
        return [p for p in found if p.name in ("main", *self.flavors)] + [p for p in found if p.name in tests]

    @property
    def kotlin(self) -> list[Path]:
        """The Kotlin files of the variant with its test."""
        return [file for folder in self.sources for file in sorted(folder.rglob("*.kt"))]

    @property
    def test(self) -> str:
        """The test's class."""
        (file,) = (f for f in self.kotlin if f.name.endswith("Test.kt"))
        package = next(line for line in file.read_text("utf-8").splitlines() if line.startswith("package "))
        return f"{package.split()[1]}.{file.stem}"

    def compile(self, standins: StandIns, out: Path) -> Compiled:
        """Compile it, warnings as errors."""
        return standins.kotlin.compile(self.kotlin, out, [standins.classes], options=STRICT, coroutines=True)

    def run(
        self, standins: StandIns, classes: Path, assets: Path, properties: Mapping[str, str | Path] | None = None
    ) -> Outcome:
        """Run its test in an app whose assets are copied to `assets`."""
        assets.mkdir(parents=True, exist_ok=True)
        for folder in self.sources:
            if (folder / "assets").is_dir():
                shutil.copytree(folder / "assets", assets, dirs_exist_ok=True)
        resources = [folder / "resources" for folder in self.sources if (folder / "resources").is_dir()]
        given = {"testbed.assets": assets, "testbed.debuggable": "true", **(properties or {})}
        return standins.test([self.test], [classes, *resources], properties=given)


def compile_all(modules: Sequence[Module], standins: StandIns, out: Path) -> Compiled:
    """Compile modules of different packages at once, which takes a tenth of the time."""
    files = [file for module in modules for file in module.kotlin]
    return standins.kotlin.compile(files, out, [standins.classes], options=STRICT, coroutines=True)
