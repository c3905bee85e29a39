"""Checks build.gradle.kts of a library without Gradle: compiled and run over a small stand-in of its DSL.

What the stand-in has is in gradle/; `Gradle.evaluate` gives what the script said.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kotlin_bed import HERE, Compiled, Diagnostic, Kotlin

_SOURCES = sorted((HERE / "gradle").glob("*.kt"))
_HEAD = (
    "import testbed.gradle.*; import org.gradle.api.JavaVersion; {imports} "
    "fun main() {{ val script = BuildScript(); script.run(); println(script.json()) }}; fun BuildScript.run() {{\n"
)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a script said, or what is wrong with it; the lines of errors are the script's."""

    value: dict[str, Any] | None
    errors: tuple[Diagnostic, ...]
    output: str

    def require(self) -> dict[str, Any]:
        """What it said.

        Raises:
            AssertionError: If something is wrong.
        """
        assert self.value is not None, self.output
        return self.value

    def dependencies(self, configuration: str) -> list[str]:
        """The dependencies of a configuration, such as "implementation"."""
        return [notation for of, notation in self.require()["dependencies"] if of == configuration]


class Gradle:
    """Evaluates build scripts of Android libraries."""

    def __init__(self, kotlin: Kotlin) -> None:
        self.kotlin = kotlin
        self.classes = kotlin.once("gradle", _SOURCES, self._make)

    def _make(self, out: Path) -> None:
        self.kotlin.compile(_SOURCES, out, jvm_target="22").require()

    def evaluate(self, text: str, agp: int = 9) -> Evaluated:
        """Compile and run a script with this version of the Android plugin."""
        imports = "; ".join(re.findall(r"^import .*$", text, re.MULTILINE))
        body = re.sub(r"^import .*$", "", text, flags=re.MULTILINE)
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "build.gradle.kt"
            source.write_text(_HEAD.format(imports=f"{imports};") + body + "\n}\n", "utf-8")
            compiled = self.kotlin.compile([source], Path(folder) / "out", [self.classes], jvm_target="22")
            if not compiled.ok:
                return Evaluated(None, _of_script(compiled), compiled.output)
            ran = self.kotlin.run("Build_gradleKt", [compiled.out, self.classes], properties={"testbed.agp": str(agp)})
        if ran.code != 0:
            found = re.search(r"Exception[^:]*: (.*)", ran.err)
            line = re.search(r"\(build\.gradle\.kt:(\d+)\)", ran.err)
            place = (Path("build.gradle.kts"), int(line[1]) - 1) if line else (None, 0)
            error = Diagnostic("error", found[1] if found else ran.err, *place)
            return Evaluated(None, (error,), ran.err)
        return Evaluated(json.loads(ran.out), (), compiled.output)


def _of_script(compiled: Compiled) -> tuple[Diagnostic, ...]:
    return tuple(
        Diagnostic(d.severity, d.text, Path("build.gradle.kts"), d.line - 1, d.column)
        for d in compiled.diagnostics
        if d.file is not None
    )
