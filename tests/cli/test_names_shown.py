"""Names as people can read them: of several models called the same, and of folders with line ends in their names."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Ran, events

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tflite"
SPEC = 'spec = 1\n[model]\nname = "{}"\n[source]\nformat = "tflite"\npath = "m.tflite"\n'


def model(folder: Path, name: str = "model", more: str = "") -> Path:
    folder.mkdir(parents=True)
    data = (FIXTURES / "float32.tflite").read_bytes()
    own = f"{folder.name:15.15}".encode("ascii", "replace")  # else models share work, and one says nothing of a step
    (folder / "m.tflite").write_bytes(data.replace(b"MLIR Converted.", own))
    (folder / "model.toml").write_text(SPEC.format(name) + more)
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def test_models_of_one_name_are_told_with_their_folders(work: Path, cli: Callable[..., Ran]) -> None:
    model(work / "eyes")
    model(work / "mouth" / "lips", more='[variant.text]\nquantize = "from-source"\n')
    model(work / "other", "other")
    ran = cli("build", "-k", work)
    assert "\n  model (eyes) compare " in ran.out and "\nmodel (eyes)\n" in ran.out and "\nother\n" in ran.out
    assert ran.out.endswith("failed: model (mouth/lips)\n")
    shutil.rmtree(work / "eyes" / "build")
    ran = cli("build", "-k", "--json", work)  # of which one is up to date, and still has that name
    assert {e["model"] for e in events(ran.out, "step_finished")} == {"model (eyes)", "model (mouth/lips)", "other"}
    assert {m["model"] for m in events(ran.out, "model")} == {"model", "other"}


def test_a_line_end_in_a_folders_name(work: Path, cli: Callable[..., Ran]) -> None:
    folder = model(work / "two\nlines\033[31m")
    shown = "two\\nlines\\x1b[31m"
    ran = cli("build", work, cwd=work)
    assert ran.code == 0 and f"1 file in {shown}/build/model: " in ran.out
    assert f"1 file in {shown}/build/model: " in cli("build", cwd=work).out  # where nothing is to do
    (folder / "model.toml").write_text(SPEC.format("a b"))
    ran = cli("build", cwd=work)
    assert ran.code == 2 and f"\n --> {shown}/model.toml:3\n" in ran.err
    (folder / "m.tflite").write_bytes(b"nothing")
    for command in (["inspect"], ["init", "--force"]):
        ran = cli(*command, folder / "m.tflite", cwd=work)
        assert ran.code != 0 and shown in ran.err, ran.text
        assert "two\nlines" not in ran.text and "\033" not in ran.text
    ran = cli("build", folder / "nothing", cwd=work)
    assert ran.code == 64 and f"{shown}/nothing'" in ran.err
