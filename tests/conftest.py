"""What all tests share: one set of toolchains for the whole run, a store of its own for each test, real processes."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from harness import Ran, command, new_cache

from tflite_build.run import code
from tflite_build.run.worker import EngineProcess, Environment
from tflite_build.store.store import cache_root
from tflite_build.toolchain import pins, provision

# A shell's background jobs ignore Ctrl-C, and so would everything that tests start and interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's business.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

ROOT = Path(__file__).resolve().parent.parent
LONG = ("run/test_kills.py", "examples/test_training.py", "run/test_sequences.py", "run/test_disks.py")
FIXTURES = ROOT / "tests" / "fixtures"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process is left with one of them when all others are done."""
    items.sort(key=lambda item: not str(item.path).endswith(LONG))


@pytest.fixture(scope="session")
def shared_cache() -> Path:
    """Where toolchains are installed once for the run: TFLITE_BUILD_CACHE, else the user's cache."""
    root = cache_root()
    (root / "toolchains").mkdir(parents=True, exist_ok=True)
    return root


@pytest.fixture
def cache(tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store for this test, in its environment."""
    root = new_cache(tmp_path / "cache", shared_cache)
    monkeypatch.setenv("TFLITE_BUILD_CACHE", str(root))
    return root


@dataclass(frozen=True)
class Reply:
    """What an engine step answered, and the folder that it wrote into."""

    outputs: Path
    done: dict[str, Any] | None = None
    refused: dict[str, Any] | None = None
    invalid: dict[str, Any] | None = None
    failed: dict[str, Any] | None = None


Call = Callable[..., Reply]


@pytest.fixture(scope="session")
def python_of(shared_cache: Path) -> Callable[[str], Path]:
    """Gives the Python of a toolchain, which is installed where it is missing."""
    return lambda toolchain: provision.ensure(pins.load(toolchain), shared_cache, offline=False, report=print)


@pytest.fixture(scope="session")
def engine(
    python_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Call]]:
    """`engine(toolchain)` gives a function that runs one step in a real engine process of that toolchain."""
    unpacked = code.unpack(tmp_path_factory.mktemp("code"))
    processes: dict[str, EngineProcess] = {}

    def start(toolchain: str) -> EngineProcess:
        return EngineProcess(Environment(toolchain, python_of(toolchain)), unpacked)

    def of(toolchain: str) -> Call:
        def call(
            kind: str,
            params: Mapping[str, Any],
            inputs: Mapping[str, Path],
            project: Path | None = None,
            timeout: float = 300,
        ) -> Reply:
            outputs = tmp_path_factory.mktemp("step") / "out"
            outputs.mkdir()
            process = processes.get(toolchain)
            if process is None or not process.alive or project is not None:
                process = start(toolchain)
            if project is None:
                processes[toolchain] = process
            reply = process.call(
                {
                    "kind": kind,
                    "params": dict(params),
                    "inputs": {n: str(p) for n, p in inputs.items()},
                    "outputs": str(outputs),
                    "project": str(project) if project else None,
                },
                timeout,
                lambda: False,
            )
            if project is not None:
                process.kill()
            return Reply(outputs, **reply)

        return call

    yield of
    for process in processes.values():
        process.kill()


@pytest.fixture
def cli(cache: Path) -> Callable[..., Ran]:
    """Runs `tflite-build` as a process, with this test's store."""
    return command(cache)


@pytest.fixture(scope="module")
def module_cache(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Path:
    """A store for all tests of a module."""
    return new_cache(tmp_path_factory.mktemp("store") / "cache", shared_cache)


@pytest.fixture(scope="module")
def module_cli(module_cache: Path) -> Callable[..., Ran]:
    """As `cli`, with one store for all tests of a module."""
    return command(module_cache)


@pytest.fixture(scope="session")
def new_cli(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Callable[[], Callable[..., Ran]]:
    """Gives commands as `cli` does, each with an empty store of its own."""
    return lambda: command(new_cache(tmp_path_factory.mktemp("store") / "cache", shared_cache))


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    """Copies an example, without its outputs, into a folder of this test's."""

    def of(name: str) -> Path:
        target = tmp_path / "work" / Path(name).name
        shutil.copytree(ROOT / "examples" / name, target, ignore=shutil.ignore_patterns("build", "__pycache__"))
        return target

    return of
