"""Runs every snippet of the README and of docs/, page by page, in a folder of its own.

A fenced block with a title is a file; `sh` blocks are run, and a `text` block after one is what it prints, numbers
aside; a `toml` block without a title is part of a model.toml. A comment `<!-- setup ... -->` is run and not shown, and
`<!-- python: TOOLCHAIN -->` says which toolchain's Python the page means by `python`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli

from tflite_build.spec.types import ModelSpec

ROOT = Path(__file__).resolve().parents[2]
PAGES = [p for p in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if "```" in p.read_text("utf-8")]
_BLOCK = re.compile(
    r"^<!-- setup\n(?P<setup>.*?)^-->|^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    language: str
    title: str
    body: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["setup"] is not None:
            yield Block("setup", "", found["setup"], line)
        else:
            yield Block(found["language"], found["title"] or "", found["body"], line)


def normal(text: str) -> list[str]:
    """Lines without what differs from run to run: numbers, and the width of columns."""
    lines = [re.sub(r"\s+", " ", re.sub(r"\d+(\.\d+)?(e-?\d+)?", "#", line)).strip() for line in text.splitlines()]
    return [line for line in lines if line and line != "..."]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_snippets_of(page: Path, tmp_path: Path, cache: Path, python_of: Callable[[str], Path]) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    _write_command(bin_folder / "tflite-build", f'exec "{sys.executable}" -m tflite_build "$@"')
    wanted = re.search(r"<!-- python: (\w+) -->", page.read_text("utf-8"))
    python = sys.executable
    if wanted:
        python = str(python_of(wanted[1]))
    _write_command(bin_folder / "python", f'exec "{python}" "$@"')
    work = tmp_path / "work"
    work.mkdir()
    env = {
        **os.environ,
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "COLUMNS": "160",
        "REPO": str(ROOT),
        "KERAS_BACKEND": "jax" if wanted and wanted[1] == "litert" else "tensorflow",
    }
    printed = ""
    done = 0
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if block.title:
            (work / block.title).parent.mkdir(parents=True, exist_ok=True)
            (work / block.title).write_text(block.body, "utf-8")
            done += 1
        elif block.language in ("sh", "setup"):
            if "uv run" in block.body:  # what .ci/run itself does
                continue
            expected = int((re.search(r"# exits with (\d+)", block.body) or ["", "0"])[1])
            ran = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.body], cwd=work, env=env, capture_output=True, text=True
            )
            printed = ran.stdout + ran.stderr
            assert ran.returncode == expected, f"{where} exits with {ran.returncode}:\n{printed}"
            done += 1
        elif block.language == "python":
            ran = subprocess.run([sys.executable, "-c", block.body], cwd=work, env=env, capture_output=True, text=True)
            printed = ran.stdout + ran.stderr
            assert ran.returncode == 0, f"{where}:\n{printed}"
            done += 1
        elif block.language == "text":
            there = normal(printed)
            missing = [line for line in normal(block.body) if line not in there]
            assert not missing, f"{where} shows lines that are not printed: {missing}\n{printed}"
        elif block.language == "toml":
            _check_part(block.body, where)
            done += 1
    assert done, f"{page.name} has no snippet that is run"


def _write_command(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
    path.chmod(0o755)


def _check_part(text: str, where: str) -> None:
    """A part of a model.toml is valid once the keys that every file needs are added."""
    part = tomli.loads(text)
    whole: dict[str, Any] = {"spec": 1, "model": {"name": "part"}, "source": {"format": "keras", "path": "part.keras"}}
    if "entry" in part.get("source", {}) or "url" in part.get("source", {}):
        whole["source"] = {}
    for key, value in part.items():
        whole[key] = {**whole.get(key, {}), **value} if isinstance(value, dict) else value
    assert ModelSpec.model_validate(whole), where
