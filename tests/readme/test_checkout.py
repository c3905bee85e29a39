"""What a fresh checkout promises: two commands do everything, CI runs exactly these, and nothing names one machine."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FIRST = "python3 -m pip install -q uv && uv run tflite-build build examples/digits"
SECOND = "uv run pytest"
LINTERS = ["uv run ruff check .", "uv run ruff format --check .", "uv run mypy", "uv run lint-imports"]
# Parts of them, so that this file is no finding.
ADDRESSES = ("pypi" + ".org", "pythonhosted" + ".org", "/simp" + "le", "find-links" + "=http")


def commands(text: str) -> list[str]:
    """The commands of a shell text: no comments, no settings."""
    settings = ("#", "set ", "cd ", "export ", "unset ", "trap ", "work=", "step")
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(settings)]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_both_commands_stand_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    assert commands(blocks[0]) == [FIRST, SECOND]  # the first thing that a reader can run
    assert len(text.splitlines()) < 150


def test_ci_runs_exactly_these_in_a_fresh_environment_and_the_linters() -> None:
    text = (ROOT / ".ci" / "run").read_text("utf-8")
    assert sorted(commands(text)) == sorted([FIRST, SECOND, *LINTERS, "scripts/install_test_tools.sh"])
    exports = {line.split("=")[0].split()[-1]: line for line in text.splitlines() if line.startswith("export ")}
    assert exports.pop("CI") == "export CI=true"
    assert set(exports) == {"TFLITE_BUILD_CACHE", "UV_PROJECT_ENVIRONMENT"}
    assert all("$work/" in line for line in exports.values()) and "work=$(mktemp -d)" in text
    assert "strict = true" in (ROOT / "pyproject.toml").read_text("utf-8")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert shlex.split(text, comments=True)  # well-formed


def test_generated_files_are_fresh() -> None:
    done = subprocess.run([sys.executable, "scripts/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_names_an_index_or_a_machine() -> None:
    # A home folder or a checkout of someone's: parts that a path of the documentation does not have.
    places = re.compile(r"(?<![\w.~$}])/(?:home|Users|root|work|var/folders)/[\w.-]")
    found = []
    for file in tracked():
        data = file.read_bytes()
        text = data.decode("utf-8", "replace")
        name = file.relative_to(ROOT).as_posix()
        found += [f"{name}: {address}" for address in ADDRESSES if address in text]
        found += [f"{name}: {match.group()}" for match in places.finditer(text)]
    assert found == []
