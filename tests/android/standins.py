"""The stand-ins of the Android libraries that generated code links to, compiled once, and programs run with them.

They are in standins/, a folder for each library, and do their inference with LiteRT's C API of the `core` toolchain.
Classes of libraries that are written in Java are made to look so: see `class_files.as_java`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import class_files
from kotlin_bed import HERE, Kotlin, Ran

FOLDER = HERE / "standins"
JAVA_FOLDERS = ("android", "androidx", "com/google/android", "org/junit", "org/tensorflow")
PACKAGE_PRIVATE = (
    "org/tensorflow/lite/InterpreterImpl",
    "org/tensorflow/lite/InterpreterImpl$Options",
    "org/tensorflow/lite/TensorImpl",
)
_OPTIONS = ("-Xno-param-assertions", "-Xno-call-assertions", "-jvm-default=no-compatibility")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How JUnit tests ended: names of methods with their classes, "package.Class.method"."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...]
    ran: Ran

    def require(self) -> tuple[str, ...]:
        """The tests that passed, which are all.

        Raises:
            AssertionError: If one failed, or there is none.
        """
        assert self.ran.code == 0 and not self.failed and self.passed, f"{self.ran.out}\n{self.ran.err}"
        return self.passed


class StandIns:
    """The compiled stand-ins.

    Args:
        kotlin: What compiles and runs.
        python_of: Gives the Python of a toolchain.
    """

    def __init__(self, kotlin: Kotlin, python_of: Callable[[str], Path]) -> None:
        self.kotlin = kotlin
        self.python = python_of("core")
        (packages,) = (self.python.parent.parent / "lib").glob("python*/site-packages")
        name = "libLiteRt.dylib" if sys.platform == "darwin" else "libLiteRt.so"
        self.library = packages / "ai_edge_litert" / name
        self._sources = sorted(FOLDER.rglob("*.kt"))
        recipe = [Path(__file__), Path(class_files.__file__)]
        self.classes = kotlin.once("standins", [*recipe, *self._sources], self._make)

    def _make(self, out: Path) -> None:
        first = [source for source in self._sources if source.parent.name == "android"]
        for sources in (first, [source for source in self._sources if source not in first]):  # which see Java classes
            built = self.kotlin.compile(sources, out, [out], jvm_target="22", options=_OPTIONS, coroutines=True)
            built.require()
            self._as_java(out)

    def _as_java(self, out: Path) -> None:
        for file in out.rglob("*.class"):
            if file.relative_to(out).as_posix().startswith(tuple(f"{folder}/" for folder in JAVA_FOLDERS)):
                file.write_bytes(class_files.as_java(file.read_bytes(), PACKAGE_PRIVATE))

    def run(
        self,
        main: str,
        classpath: Sequence[Path],
        arguments: Sequence[str | Path] = (),
        *,
        properties: Mapping[str, str | Path] | None = None,
        env: Mapping[str, str] | None = None,
        given: str = "",
        timeout: float = 300,
    ) -> Ran:
        """Run a program that uses the stand-ins; what `properties` mean stands in standins/testbed."""
        return self.kotlin.run(
            main,
            [*classpath, self.classes],
            arguments,
            properties={
                "testbed.litert.library": self.library,
                "testbed.python": self.python,
                "testbed.engine": HERE / "engine.py",
                **(properties or {}),
            },
            env=env,
            coroutines=True,
            given=given,
            timeout=timeout,
        )

    def test(
        self, names: Sequence[str], classpath: Sequence[Path], *, properties: Mapping[str, str | Path] | None = None
    ) -> Outcome:
        """Run the JUnit tests of the classes `names`."""
        ran = self.run("testbed.TestsKt", classpath, names, properties=properties)
        outcomes: dict[str, list[str]] = {"passed": [], "failed": [], "skipped": []}
        for line in ran.out.splitlines():
            if line.startswith("##test "):
                _, outcome, name, method = line.split(" ", 3)
                outcomes[outcome].append(f"{name}.{method}")
        return Outcome(tuple(outcomes["passed"]), tuple(outcomes["failed"]), tuple(outcomes["skipped"]), ran)
