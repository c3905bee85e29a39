"""The README: short, and with the very commands that CI runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_it_is_short() -> None:
    assert README.count("\n") < 150


def test_the_two_commands_of_ci_stand_in_it() -> None:
    shown = README.split("```sh\n")[1].split("```")[0].splitlines()
    run = (ROOT / ".ci" / "run").read_text("utf-8")
    assert len(shown) == 2
    for command in shown:
        assert command in run


def test_its_links_lead_somewhere() -> None:
    """Those of docs/ too."""
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        text = page.read_text("utf-8")
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_command_is_named() -> None:
    from tflite_build.cli.app import app

    names = [c.name or c.callback.__name__ for c in app.registered_commands if c.callback] + ["toolchain"]
    assert len(names) > 8
    for name in names:
        assert f"`tflite-build {name}" in README, name
