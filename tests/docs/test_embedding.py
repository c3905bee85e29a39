"""The build files of docs/embedding.md, run as they stand there: the second run does nothing, a change starts the step."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cmake
import ninja
import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "embedding.md").read_text("utf-8")
OUTPUT = "digits/digits-int8.tflite"
SAMPLES = """import numpy as np
import helper

def samples():
    for image in np.load("calibration.npz")["image"]:
        yield {"image": image * np.float32(helper.SCALE)}
"""


def snippet(title: str) -> str:
    found = re.search(rf'^```\w+ title="{re.escape(title)}"\n(.*?)^```$', GUIDE, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


class App:
    """An app with the guide's models folder, whose calibration data come from code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "models" / "digits"
        shutil.copytree(ROOT / "examples" / "digits", self.model, ignore=shutil.ignore_patterns("build", "*.lock"))
        spec = self.model / "model.toml"
        spec.write_text(spec.read_text().replace('data = "calibration.npz"', 'entry = "data.py:samples"', 1))
        (self.model / "data.py").write_text(SAMPLES)
        (self.model / "helper.py").write_text("SCALE = 1.0\n")
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        (bin_folder / "tflite-build").write_text(
            f'#!/bin/sh\necho started >> "{folder}/log"\nexec "{sys.executable}" -m tflite_build "$@"\n'
        )
        (bin_folder / "tflite-build").chmod(0o755)
        self.env = {**os.environ, "PATH": f"{bin_folder}:{ninja.BIN_DIR}:{cmake.CMAKE_BIN_DIR}:{os.environ['PATH']}"}

    def run(self, *command: str) -> bool:
        """Whether `command` started the tool."""
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return log.exists()


@pytest.fixture
def app(tmp_path: Path, cache: Path) -> App:
    return App(tmp_path / "app")


def check(app: App, run: Callable[[], bool], output: Path) -> None:
    """What has to be so in every build system."""
    assert run() and not run()
    made = output.read_bytes()

    (app.model / "helper.py").write_text("SCALE = 0.9\n")
    assert run() and not run()
    assert output.read_bytes() != made
    made = output.read_bytes()

    (app.model / "helper.py").write_text("# a comment\nSCALE = 0.9\n")  # which changes no output
    assert run() and not run()
    assert output.read_bytes() == made

    (app.model / "test.npz").touch()
    assert run() and not run()
    output.unlink()
    assert run() and not run()
    assert output.read_bytes() == made


def test_ninja(app: App) -> None:
    more = f"rule copy\n  command = cp $in $out && echo copied >> copies\nbuild app.bin: copy out/{OUTPUT}\n"
    (app.folder / "build.ninja").write_text(snippet("build.ninja") + more)
    output = app.folder / "out" / OUTPUT
    check(app, lambda: app.run("ninja"), output)
    assert (app.folder / "app.bin").read_bytes() == output.read_bytes()
    assert (app.folder / "copies").read_text().count("copied") == 3  # made, changed, put back


@pytest.mark.parametrize("generator", ["Ninja", "Unix Makefiles"])
def test_cmake(generator: str, app: App) -> None:
    text = snippet("CMakeLists.txt")
    if generator == "Unix Makefiles":
        if shutil.which("make") is None:
            pytest.skip("there is no make here")
        (touch,) = re.findall(r"add `(COMMAND .* -E touch .*)`", GUIDE)
        text = text.replace("  DEPENDS models", f"  {touch}\n  DEPENDS models")
    (app.folder / "CMakeLists.txt").write_text(text)
    app.run("cmake", "-S", ".", "-B", "made", "-G", generator)
    check(app, lambda: app.run("cmake", "--build", "made"), app.folder / "made" / "models" / OUTPUT)
