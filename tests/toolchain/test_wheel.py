"""The wheel holds all that the tool needs: installed alone in a fresh environment, it builds the bytes of the lock."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import tomli
from uv import find_uv_bin

ROOT = Path(__file__).parent.parent.parent


def test_the_installed_wheel_builds(tmp_path: Path, cache: Path) -> None:
    def run(*command: str | Path, cwd: Path = tmp_path) -> str:
        env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    uv = find_uv_bin()
    run(uv, "build", "--quiet", "--wheel", "--out-dir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    run(uv, "venv", "--quiet", "--python", "3.11", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(uv, "pip", "install", "--quiet", "--python", python, wheel)
    shutil.copytree(ROOT / "examples" / "digits", tmp_path / "work", ignore=shutil.ignore_patterns("build"))
    lock = (tmp_path / "work" / "model.lock").read_bytes()
    tool = tmp_path / "venv" / "bin" / "tflite-build"
    where = run(python, "-c", "import tflite_build; print(tflite_build.__file__)", cwd=tmp_path / "work")
    assert where.startswith(str(tmp_path / "venv"))
    run(tool, "build", cwd=tmp_path / "work")
    assert (tmp_path / "work" / "model.lock").read_bytes() == lock
    for name, digest in tomli.loads(lock.decode())["output"].items():
        if name in ("android", "ios"):
            file = {"android": "build.gradle.kts", "ios": "DigitsKit/Package.swift"}[name]
            assert (tmp_path / "work" / "build" / "digits" / name / file).is_file()
            continue
        made = (tmp_path / "work" / "build" / "digits" / name).read_bytes()
        assert hashlib.sha256(made).hexdigest() == digest
    # Data files of the other commands are there too.
    assert '"$schema"' in run(tool, "schema", cwd=tmp_path / "work")
    assert "wrote example.toml" in run(tool, "init", "--output", "example.toml", cwd=tmp_path / "work")
    assert "litert-converter 0.5.0" in run(tool, "toolchain", "list", cwd=tmp_path / "work")
