"""The example that an app trains: the file learns the digits that its weights have never seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tomli
from harness import python_answers
from sklearn.datasets import load_digits

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "handwriting"
NEW, BATCH, ROUNDS = (1, 7), 8, 60


def test_it_learns_what_it_has_not_seen(tmp_path: Path, cli: Callable[..., Any], python_of: Any) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "handwriting", ignore=shutil.ignore_patterns("build", "__pycache__"))
    assert cli("build", "--locked", folder).code == 0
    digits = load_digits()
    pictures, labels = (digits.images / 16)[..., None].astype(np.float32), digits.target
    new = np.flatnonzero(np.isin(labels, NEW))
    test, rest = new[:60], np.setdiff1d(np.arange(len(labels)), new[:60])
    random = np.random.default_rng(0)
    calls: list[dict[str, Any]] = []

    def look() -> None:
        calls.extend({"signature": "read", "inputs": {"picture": pictures[i : i + 1].tolist()}} for i in test)

    look()
    for _ in range(ROUNDS):  # as many of the new ones as of all others
        batch = [*random.choice(np.intersect1d(rest, new), BATCH // 2), *random.choice(rest, BATCH // 2)]
        inputs = {"picture": pictures[batch].tolist(), "digit": labels[batch][:, None].tolist()}
        calls.append({"signature": "learn", "inputs": inputs})
    look()
    (file,) = (folder / "build").glob("*/*.tflite")
    answers = python_answers(python_of("core"), file, calls)
    before, losses, after = answers[: len(test)], answers[len(test) : -len(test)], answers[-len(test) :]

    def right(found: list[dict[str, Any]]) -> float:
        return float(np.mean([np.argmax(a["probabilities"]) == labels[i] for a, i in zip(found, test, strict=True)]))

    assert right(before) == 0 and right(after) > 0.9, right(after)
    assert np.mean([a["loss"] for a in losses[-10:]]) < np.mean([a["loss"] for a in losses[:10]]) / 3


def test_init_knows_its_roles(tmp_path: Path, cli: Callable[..., Any]) -> None:
    """Of the built file, whose signatures and tensors tell them; what it writes builds as it is."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "handwriting", ignore=shutil.ignore_patterns("build", "__pycache__"))
    assert cli("build", "--locked", folder).code == 0
    (file,) = (folder / "build").glob("*/*.tflite")
    shutil.copy(file, tmp_path / "model.tflite")
    assert cli("init", tmp_path / "model.tflite", "--output", tmp_path / "model.toml").code == 0
    said = tomli.loads((tmp_path / "model.toml").read_text("utf-8"))
    assert {name: table["role"] for name, table in said["method"].items()} == {
        "learn": "train", "save": "save", "restore": "restore"
    }  # fmt: skip
    assert list(said["variant"]) == ["float32"]
    assert cli("build", tmp_path / "model.toml").code == 0
