"""The readers that metadata is held against, each in an environment of its own, installed once for all runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from harness import Workshop

from tflite_build.toolchain import pins, provision

HERE = Path(__file__).parent
Run = Callable[[str, Any], Any]


def _python(name: str, cache: Path) -> Path:
    return provision.ensure(pins.read(HERE / f"{name}.txt"), cache / "readers", offline=False, report=print)


def _run(python: Path, script: str, asked: Any, more: Mapping[str, str]) -> Any:
    done = subprocess.run(
        [python, HERE / script],
        input=json.dumps(asked),
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def official(shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[Path]], list[Any]]:
    """What TFLite Support reads of files: see `read_tflite_support.py`."""
    if not sys.platform.startswith("linux"):
        pytest.skip("tflite-support has wheels of this Python for Linux alone")
    python = _python("tflite-support", shared_cache)
    # Its modules want a USB library of this name, of which those for metadata call nothing.
    folder = tmp_path_factory.mktemp("libusb")
    (packages,) = (python.parent.parent / "lib").glob("python*/site-packages")
    (folder / "libusb-1.0.so.0").symlink_to(packages / "libusb_package" / "libusb-1.0.so")

    def read(files: Sequence[Path]) -> list[Any]:
        found: list[Any] = _run(
            python, "read_tflite_support.py", list(map(str, files)), {"LD_LIBRARY_PATH": str(folder)}
        )
        return found

    return read


@pytest.fixture(scope="session")
def mediapipe(shared_cache: Path) -> Callable[[Sequence[tuple[str, Path, Any]]], list[Any]]:
    """What MediaPipe's tasks find: see `run_mediapipe.py`."""
    python = _python("mediapipe", shared_cache)

    def run(asked: Sequence[tuple[str, Path, Any]]) -> list[Any]:
        found: list[Any] = _run(python, "run_mediapipe.py", [[t, str(p), v] for t, p, v in asked], {})
        return found

    return run


@pytest.fixture
def workshop(tmp_path: Path, cli: Callable[..., Any]) -> Workshop:
    """A folder for models, with a store of its own."""
    return Workshop(tmp_path / "work", cli)


@pytest.fixture(scope="module")
def module_workshop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Any]) -> Workshop:
    """The same for all tests of a module."""
    return Workshop(tmp_path_factory.mktemp("work"), module_cli)
