"""The examples give the bytes of their committed model.lock, wherever they lie."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
NAMES = {
    "digits": "digits",
    "digit_boxes": "digit_boxes",
    "handwriting": "handwriting",
    "two_signatures": "autoencoder",
    "jax_classifier": "wine",
    "photographs": "photographs",
    "segments": "segments",
    "tones": "tones",
    "topics": "topics",
}
GENERATED = Path(__file__).parent / "generated"
TEXTS = (".kt", ".kts", ".md", ".xml", ".pro", ".swift", ".podspec", ".swift-format")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Any]) -> tuple[Path, str]:
    """All of them, copied and built in one call: the folder and what was printed."""
    folder = tmp_path_factory.mktemp("examples") / "copies"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("build", "__pycache__"))
    ran = module_cli("build", folder)
    assert ran.code == 0, ran.text
    return folder, ran.out


def test_the_bytes_are_those_of_the_lock(built: tuple[Path, str]) -> None:
    folder, _ = built
    assert sorted(p.name for p in EXAMPLES.iterdir() if (p / "model.toml").exists()) == sorted(NAMES)
    for example, name in NAMES.items():
        committed = (EXAMPLES / example / "model.lock").read_bytes()
        assert (folder / example / "model.lock").read_bytes() == committed
        outputs = tomli.loads(committed.decode())["output"]
        files = list((folder / example / "build" / name).glob("*.tflite"))
        assert {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files} == {
            name: sha256 for name, sha256 in outputs.items() if name not in ("android", "ios")
        }
        sources = tomli.loads(committed.decode())["source"]
        for file in (f for f in sources if (folder / example / f).is_file()):
            assert hashlib.sha256((folder / example / file).read_bytes()).hexdigest() == sources[file]


def test_digits_prints_an_accuracy_for_each_variant(built: tuple[Path, str]) -> None:
    _, printed = built
    table = printed[printed.index("\ndigits  (") :].split("\n\n")[0]
    head, *rows = table.strip().splitlines()[1:]
    assert "accuracy" in head
    found = {row.split()[0]: re.findall(r"(\d+\.\d\d)%", row) for row in rows if "/:" not in row}
    assert list(found) == ["float32", "float16", "dynamic", "int8", "int16x8"]
    assert all(float(shares[-1]) > 95 for shares in found.values())


@pytest.mark.parametrize("platform", ["android", "ios"])
@pytest.mark.parametrize(
    "example", ["digits", "digit_boxes", "handwriting", "photographs", "segments", "tones", "topics"]
)
def test_the_code_is_as_it_was_read(
    example: str, platform: str, built: tuple[Path, str], request: pytest.FixtureRequest
) -> None:
    """The generated texts stand in generated/, to be read when they change; --snapshot-update writes them."""
    made = built[0] / example / "build" / NAMES[example] / platform
    texts = {f.relative_to(made).as_posix(): f.read_text("utf-8") for f in made.rglob("*") if f.name.endswith(TEXTS)}
    golden = GENERATED / example / platform
    if request.config.option.update_snapshots:
        shutil.rmtree(golden, ignore_errors=True)
        for name, text in texts.items():
            (golden / name).parent.mkdir(parents=True, exist_ok=True)
            (golden / name).write_text(text, "utf-8")
    known = {f.relative_to(golden).as_posix(): f.read_text("utf-8") for f in golden.rglob("*") if f.is_file()}
    assert texts.keys() == known.keys()
    assert [name for name, text in texts.items() if text != known[name]] == []


def test_each_says_how_it_was_trained() -> None:
    for example in NAMES:
        script = (EXAMPLES / example / "train.py").read_text("utf-8")
        assert "uv run --no-project --python 3.11 --with " in script and "load_" in script
        made = tomli.loads((EXAMPLES / example / "model.lock").read_text("utf-8"))["source"]
        for file in (f for f in made if not f.endswith(".py") and f != "labels.txt"):
            assert f'"{file}"' in script


def test_a_new_file_in_a_saved_model_is_seen(built: tuple[Path, str], module_cli: Callable[..., Any]) -> None:
    folder, _ = built
    example = folder / "two_signatures"

    def statuses() -> dict[str, str]:
        ran = module_cli("plan", "--json", example)
        return {s["id"]: s["status"] for s in json.loads(ran.out)[0]["steps"]}

    assert set(statuses().values()) == {"cached"}
    new = example / "autoencoder" / "assets" / "words.txt"
    new.parent.mkdir(exist_ok=True)
    new.write_text("one\n")
    assert statuses()["convert"] in ("run", "waits")  # it waits where the signatures are to be read again
    new.unlink()
    (example / "autoencoder" / ".DS_Store").write_text("hidden files are no part of it")
    assert set(statuses().values()) == {"cached"}
