"""The Swift toolchain that compiles and runs what is generated for iOS, with stand-ins of Apple's frameworks on Linux."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# The language mode of generated code, and what a team may turn on for all code that its app takes in.
STRICT = ("-swift-version", "6", "-warnings-as-errors", "-enable-upcoming-feature", "ExistentialAny",
          "-enable-upcoming-feature", "MemberImportVisibility")  # fmt: skip
OPT = Path("/opt/swift")
STAND_INS = Path(__file__).parent / "standins"
FORMAT = Path(__file__).parent / "swift-format.json"
OVER_STAND_INS = sys.platform == "linux"  # elsewhere the frameworks are Apple's own


def find() -> Path | None:
    """The Swift compiler, if there is one."""
    found = shutil.which("swiftc") or shutil.which("swiftc", path=str(OPT / "usr" / "bin"))
    return Path(found) if found else None


class Swift:
    """A compiler, and stand-ins that it compiled into `folder`."""

    def __init__(self, compiler: Path, folder: Path) -> None:
        self._compiler = compiler
        self.stand_ins = folder

    def compile(self, sources: Sequence[Path], program: Path, options: Sequence[str] = ()) -> None:
        """Compiles a program; a warning is an error."""
        frameworks = self.frameworks() if OVER_STAND_INS else []
        self._call([*STRICT, *options, "-parse-as-library", *sources, *frameworks, "-o", program])

    def check(self, sources: Sequence[Path], options: Sequence[str] = (), *, frameworks: bool = False) -> None:
        """Checks a library, with the stand-ins or as a system has it that knows nothing of Apple's frameworks."""
        found = self.frameworks() if frameworks and OVER_STAND_INS else []
        # Type checking alone does not look at what is done in which order, such as what a deinit may touch.
        self._call([*STRICT, *options, "-parse-as-library", "-wmo", "-emit-sil", "-o", "/dev/null", *found, *sources])

    def tool(self, name: str) -> Path:
        """Another program of the toolchain."""
        return self._compiler.with_name(name)

    def lint(self, sources: Sequence[Path]) -> str:
        """What `swift format` finds in the style of sources."""
        command = [self.tool("swift"), "format", "lint", "--strict", "--configuration", FORMAT, *sources]
        return subprocess.run(command, capture_output=True, text=True, timeout=600).stderr

    def frameworks(self) -> list[str | Path]:
        """The compiler's flags for the stand-ins of Apple's frameworks, which are compiled once."""
        flags: list[str | Path] = ["-I", self.stand_ins, "-L", self.stand_ins]
        for source in sorted(STAND_INS.glob("*.swift")):
            name = source.stem
            if not (self.stand_ins / f"{name}.swiftmodule").exists():
                made = [
                    "-emit-module-path",
                    self.stand_ins / f"{name}.swiftmodule",
                    "-o",
                    self.stand_ins / f"lib{name}.a",
                ]
                library = ["-emit-library", "-static", "-emit-module", "-module-name", name]
                self._call(["-swift-version", "6", "-O", "-parse-as-library", *library, source, *made])
            flags.append(f"-l{name}")
        return flags

    def _call(self, arguments: Sequence[str | Path]) -> None:
        done = subprocess.run([self._compiler, *arguments], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
