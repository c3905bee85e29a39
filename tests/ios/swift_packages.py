"""Generated Swift packages, built over the stand-ins of the runtimes, and their tests run.

Many are built at once, as targets of one package, which takes a tenth of the time of as many packages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import Ran
from swift_bed import Swift

HERE = Path(__file__).parent
RUNTIMES = HERE / "packages"
_LITERT = re.compile(r'\.package\(url: "[^"]+", revision: "[0-9a-f]{40}"\)')
_DONE = re.compile(r"Test Case '(?:\w+\.)?(\w+\.\w+)' (passed|failed)")
_SETTINGS = (
    'swiftSettings: [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility")]'
)
_MANIFEST = """// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "All",
    dependencies: [
        .package(path: {litert}),
        .package(path: {tensorflow}),
    ],
    targets: [
{targets}
    ],
    swiftLanguageModes: [.v6]
)
"""


@dataclass(frozen=True, slots=True)
class Runtimes:
    """What the stand-ins of the runtimes compute with.

    Attributes:
        library: LiteRT's libLiteRt.so.
        python: A Python that has the runtime.
    """

    library: Path
    python: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of programs that run models."""
        engine = RUNTIMES / "TensorFlowLite" / "engine.py"
        return {"TESTBED_PYTHON": str(self.python), "TESTBED_ENGINE": str(engine)}


@dataclass(frozen=True, slots=True)
class Tested:
    """How tests ended: "Class.test"."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    ran: Ran

    def require(self) -> tuple[str, ...]:
        """The tests that passed, which are all.

        Raises:
            AssertionError: If one failed, or there is none.
        """
        assert self.ran.code == 0 and not self.failed and self.passed, self.ran.text
        return self.passed


@dataclass(frozen=True, slots=True)
class Package:
    """The folder of a generated package."""

    folder: Path

    @property
    def module(self) -> str:
        """What an app imports."""
        (sources,) = (self.folder / "Sources").iterdir()
        return sources.name

    @property
    def class_name(self) -> str:
        """What an app calls."""
        (tests,) = (self.folder / "Tests").glob("*/*Tests.swift")
        return tests.stem.removesuffix("Tests")

    @property
    def swift(self) -> list[Path]:
        """All of its Swift files."""
        return sorted(self.folder.rglob("*.swift"))

    @property
    def sources(self) -> list[Path]:
        """Those of its module."""
        return sorted((self.folder / "Sources").rglob("*.swift"))

    @property
    def manifest(self) -> str:
        """Package.swift."""
        return (self.folder / "Package.swift").read_text("utf-8")

    @property
    def runtime(self) -> str:
        """The module of the runtime that its code imports."""
        found = re.search(r'\.product\(name: "(\w+)"', self.manifest)
        assert found
        return found[1]

    @property
    def resources(self) -> dict[str, str]:
        """The resources of the module and of its tests, as Package.swift lists them."""
        of_module, of_tests = self.manifest.split(".testTarget(")
        found = {"Sources": of_module, "Tests": of_tests}
        return {side: "".join(re.findall(r"resources: \[(.*?)\]", text, re.DOTALL)) for side, text in found.items()}

    def files(self, folder: str) -> list[Path]:
        """What is in a folder of resources, of its module and its tests."""
        return sorted(p for p in self.folder.glob(f"*/*/{folder}/*") if p.is_file())


class Built:
    """A package that was built with its tests."""

    def __init__(self, folder: Path, env: Mapping[str, str], tests: Sequence[str]) -> None:
        self.folder = folder
        self._env = env
        self._tests = tests

    def test(self, name: str = "", env: Mapping[str, str] | None = None) -> Tested:
        """Run all tests by `swift test`, or those of "Module.Class" by the program that it made, which is faster."""
        (program,) = (self.folder / ".build" / "debug").glob("*PackageTests.xctest")
        ran = self._run([str(program), name] if name else self._tests, env)
        found: dict[str, list[str]] = {"passed": [], "failed": []}
        for test, outcome in _DONE.findall(ran.text):
            found[outcome].append(test)
        return Tested(tuple(found["passed"]), tuple(found["failed"]), ran)

    def run(self, name: str, arguments: Sequence[str | Path] = (), env: Mapping[str, str] | None = None) -> Ran:
        """Run a program of it."""
        (program,) = {p.resolve() for p in (self.folder / ".build").glob(f"*/{name}") if p.is_file()}
        return self._run([str(program), *map(str, arguments)], env)

    def _run(self, command: Sequence[str], env: Mapping[str, str] | None) -> Ran:
        whole = {**os.environ, **self._env, **(env or {})}
        done = subprocess.run(command, env=whole, capture_output=True, text=True, timeout=300, cwd=self.folder)
        return Ran(done.returncode, done.stdout, done.stderr)


def build(swift: Swift, runtimes: Runtimes, folder: Path, options: Sequence[str] = (), *, tests: bool = True) -> Built:
    """Build the package in `folder` with its tests; a warning is an error.

    Raises:
        AssertionError: If it does not compile; with what the compiler says.
    """
    flags = ["-Xswiftc", "-warnings-as-errors"]
    for flag in swift.frameworks():
        flags += ["-Xlinker" if str(flag).startswith("-l") else "-Xswiftc", str(flag)]
    for flag in (f"-L{swift.stand_ins}", f"-L{runtimes.library.parent}", f"-rpath={runtimes.library.parent}"):
        flags += ["-Xlinker", flag]
    program, where = str(swift.tool("swift")), ["--package-path", str(folder), *options, *flags]
    command = [program, "build", *(["--build-tests"] if tests else []), *where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, _errors(done.stdout + done.stderr)
    return Built(folder, runtimes.env, [program, "test", "--skip-build", *where])


def _errors(said: str) -> str:
    lines = said.splitlines()
    wrong = [line for line in dict.fromkeys(lines) if "error:" in line]
    return "\n".join(wrong[:60] or lines[-60:])


def build_alone(package: Package, swift: Swift, runtimes: Runtimes, folder: Path) -> Built:
    """Build a package by its own manifest, but that the stand-ins take the place of the runtime."""
    shutil.copytree(package.folder, folder / "package")
    file = folder / "package" / "Package.swift"
    local = f".package(path: {json.dumps(str(RUNTIMES / 'LiteRT'))})"
    text, count = _LITERT.subn(local, file.read_text("utf-8"))
    file.write_text(text, "utf-8")
    if not count:  # it is beside the package
        (folder / "TensorFlowLite").symlink_to(RUNTIMES / "TensorFlowLite")
    return build(swift, runtimes, folder / "package")


def build_all(
    packages: Sequence[Package],
    swift: Swift,
    runtimes: Runtimes,
    folder: Path,
    programs: Mapping[str, str] | None = None,
    *,
    tests: bool = True,
) -> Built:
    """Build packages as targets of one, with programs beside them: name -> text, which may import all of them.

    A runtime of a user's own, whatever it is called, is TensorFlowLite's stand-in.
    """
    targets = []
    for package in packages:
        module = package.module
        shutil.copytree(package.folder, folder / module)
        runtime = "LiteRT" if package.runtime == "LiteRT" else "TensorFlowLite"
        for file in (folder / module / "Sources").rglob("*Engine.swift"):
            text = file.read_text("utf-8")
            file.write_text(text.replace(f"import {package.runtime}\n", f"import {runtime}\n"), "utf-8")
        resources = package.resources
        targets.append(
            f'        .target(name: "{module}", dependencies: [.product(name: "{runtime}", package: "{runtime}")], '
            f'path: "{module}/Sources/{module}", resources: [{resources["Sources"]}], {_SETTINGS}),\n'
            f'        .testTarget(name: "{module}Tests", dependencies: ["{module}"], '
            f'path: "{module}/Tests/{module}Tests", resources: [{resources["Tests"]}], {_SETTINGS}),'
        )
    modules = {package.module for package in packages}
    for name, text in (programs or {}).items():
        needed = ", ".join(f'"{module}"' for module in sorted(modules & {*re.findall(r"import (\w+)", text)}))
        place = folder / "Programs" / name
        place.mkdir(parents=True)
        (place / f"{name}.swift").write_text(text, "utf-8")
        targets.append(f'        .executableTarget(name: "{name}", dependencies: [{needed}], path: "Programs/{name}"),')
    local = {name: json.dumps(str(RUNTIMES / name)) for name in ("LiteRT", "TensorFlowLite")}
    text = _MANIFEST.format(litert=local["LiteRT"], tensorflow=local["TensorFlowLite"], targets="\n".join(targets))
    (folder / "Package.swift").write_text(text, "utf-8")
    return build(swift, runtimes, folder, tests=tests)
