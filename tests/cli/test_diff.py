"""`diff`: what differs between two files, in words, as JSON and in the exit code; and what they compute."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wild
from edited import rewrite
from harness import Ran
from syrupy.assertion import SnapshotAssertion

import tflite_build
from tflite_build.tflite import reader
from tflite_build.tflite.edit import Edits

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "tflite"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("diff")
    for name in ("float32", "float16", "int8", "two-signatures", "no-signature", "custom", "dynamic-int8"):
        shutil.copy(FIXTURES / f"{name}.tflite", folder)
    trained = bytearray((folder / "float32.tflite").read_bytes())
    with reader.model(folder / "float32.tflite") as model:
        buffers = sorted((b for b in model.buffers if b.size > 16), key=lambda b: b.size)
    for number, buffer in enumerate(buffers[-2:]):
        weights = np.frombuffer(trained, "<f4", buffer.size // 4, buffer.offset)
        weights[: number + 1] += 0.25 * (number + 1)
    (folder / "trained.tflite").write_bytes(trained)
    image = np.linspace(-1, 1, 128, dtype=np.float32).reshape(1, 8, 8, 2)
    np.savez(folder / "image.npz", image=image)
    np.savez(folder / "scale.npz", values=np.arange(4, dtype=np.float32), factor=np.float32(2))
    np.savez(folder / "wrong.npz", imgae=image)
    np.savez(folder / "several.npz", image=np.repeat(image, 3, 0))
    (folder / "words.tflite").write_bytes(wild.strings())
    (folder / "cut.tflite").write_bytes((folder / "int8.tflite").read_bytes()[:-1500])
    return folder


@pytest.mark.parametrize("other", ["float32", "trained", "float16", "int8", "two-signatures", "custom"])
def test_what_differs(other: str, folder: Path, shell: Callable[..., Ran], snapshot: SnapshotAssertion) -> None:
    ran = shell("diff", "float32.tflite", f"{other}.tflite", cwd=folder)
    assert (ran.code, ran.err) == (int(other != "float32"), "")
    assert ran.out == snapshot
    value = json.loads(shell("diff", "--json", "float32.tflite", f"{other}.tflite", cwd=folder).out)
    assert (value["version"], value["same"], value["outputs"]) == (1, other == "float32", None)
    assert sum(value["counts"].values()) == len(value["changes"])


def test_the_weights_that_changed_most(folder: Path) -> None:
    found = tflite_build.diff(folder / "float32.tflite", folder / "trained.tflite")
    assert [c.part for c in found.changes] == ["weights"] * 2
    assert sorted((v.changed, v.largest) for c in found.changes if (v := c.values)) == [
        (1, pytest.approx(0.25)),
        (2, pytest.approx(0.5)),
    ]


def test_outputs_on_data(folder: Path, shell: Callable[..., Ran], snapshot: SnapshotAssertion) -> None:
    """Real numbers throughout: the int8 file is given floats and its outputs are those that it stands for."""
    for other in ("float32", "int8"):
        ran = shell("diff", "float32.tflite", f"{other}.tflite", "--data", "image.npz", cwd=folder)
        assert (ran.code, ran.err) == (int(other != "float32"), "")
        tail = ran.out[ran.out.index("outputs for") :]
        if other == "float32":
            assert tail == snapshot
    found = tflite_build.diff(folder / "float32.tflite", folder / "int8.tflite", data=folder / "image.npz")
    assert found.outputs is not None
    (output,) = found.outputs
    assert (output.name, output.other, output.before, output.count) == ("probabilities", "probabilities", (1, 6), 6)
    assert output.largest is not None
    assert 0 < output.largest < 0.02
    assert output.spread == pytest.approx(0.182, abs=0.01)
    value = json.loads(shell("diff", "--json", "float32.tflite", "int8.tflite", "--data", "image.npz", cwd=folder).out)
    assert value["outputs"][0]["largest"] == output.largest


def test_an_output_that_the_other_file_calls_otherwise(folder: Path) -> None:
    """Where no name is the same, outputs are compared by their places."""
    data = (folder / "float32.tflite").read_bytes()
    renamed = rewrite(data, Edits(outputs={"classify": {"probabilities": "scores"}}))
    (folder / "renamed.tflite").write_bytes(renamed)
    found = tflite_build.diff(folder / "float32.tflite", folder / "renamed.tflite", data=folder / "image.npz")
    assert [c.part for c in found.changes] == ["file", "signatures"]
    assert found.outputs is not None
    assert [(o.name, o.other, o.same) for o in found.outputs] == [("probabilities", "scores", True)]


def test_texts(folder: Path, shell: Callable[..., Ran]) -> None:
    """A file whose output is a word; it runs, too."""
    np.savez(folder / "index.npz", index=np.array([1], np.int32))
    ran = shell("run", "words.tflite", "-i", "index.npz", "-o", "word.npz", cwd=folder)
    assert (ran.code, ran.out) == (0, "word: |S3 [1]\n")
    assert np.load(folder / "word.npz")["word"].tolist() == [b"two"]
    (folder / "others.tflite").write_bytes(wild.strings().replace(b"two", b"duo"))
    found = tflite_build.diff(folder / "words.tflite", folder / "others.tflite", data=folder / "index.npz")
    assert found.outputs is not None
    assert [(o.name, o.count, o.changed, o.largest) for o in found.outputs] == [("word", 1, 1, None)]


def test_a_file_that_gives_texts_is_built(folder: Path, shell: Callable[..., Ran], tmp_path: Path) -> None:
    shutil.copy(folder / "words.tflite", tmp_path / "m.tflite")
    spec = 'spec = 1\n[model]\nname = "words"\n[source]\nformat = "tflite"\npath = "m.tflite"\n'
    (tmp_path / "model.toml").write_text(spec, "utf-8")
    ran = shell("build", cwd=tmp_path)
    assert ran.code == 0, ran.err


def test_a_signature_of_several(folder: Path, shell: Callable[..., Ran]) -> None:
    words = ("diff", "two-signatures.tflite", "two-signatures.tflite", "--data", "scale.npz")
    ran = shell(*words, cwd=folder)
    assert (ran.code, ran.out) == (2, "")
    assert "help: name one with --signature" in ran.err
    assert shell(*words, "--signature", "scale", cwd=folder).code == 0


def test_a_spec_for_the_custom_operators(folder: Path, shell: Callable[..., Ran], tmp_path: Path) -> None:
    """The hint of a file that is not run names an option that there is."""
    words = ("diff", "float32.tflite", "custom.tflite", "--data", "image.npz")
    assert "of a model.toml, and name that with --spec" in shell(*words, cwd=folder).err
    (tmp_path / "model.toml").write_text("spec = 1\n")
    ran = shell(*words, "--spec", str(tmp_path / "model.toml"), cwd=folder)
    assert ran.code == 2 and "'model'" in ran.err, ran.err


def test_what_goes_wrong(
    folder: Path, shell: Callable[..., Ran], snapshot: SnapshotAssertion, python_of: Callable[[str], Path]
) -> None:
    """1 says that files differ, so nothing else ends with it."""
    python_of("flex")  # whose installation would be told
    cases = [
        (2, ("cut.tflite", "int8.tflite")),
        (2, ("int8.tflite", "cut.tflite")),
        (2, ("int8.tflite", "image.npz")),
        (64, ("int8.tflite", "itn8.tflite")),
        (64, ("int8.tflite",)),
        (64, ("int8.tflite", "float32.tflite", "--data", "nothing.npz")),
        (2, ("int8.tflite", "float32.tflite", "--data", "wrong.npz")),
        (2, ("int8.tflite", "float32.tflite", "--data", "cut.tflite")),
        (2, ("int8.tflite", "float32.tflite", "--data", "several.npz")),
        (64, ("int8.tflite", "float32.tflite", "--signature", "none")),
        (3, ("float32.tflite", "custom.tflite", "--data", "image.npz")),
    ]
    said = []
    for code, words in cases:
        ran = shell("diff", *words, cwd=folder)
        assert (ran.code, ran.out) == (code, ""), (words, ran.err)
        said.append(f"$ diff {' '.join(words)}\n{ran.err}")
    assert "\n".join(said) == snapshot
    ran = shell("diff", "--json", "cut.tflite", "int8.tflite", cwd=folder)
    assert [e["code"] for e in json.loads(ran.out)["errors"]] == [2]


def test_a_file_that_may_not_be_read(folder: Path, shell: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the exit code of a file that is wrong, whichever command is to read it."""
    opening = Path.open

    def shut(path: Path, *mode: Any, **more: Any) -> Any:
        if path.name == "int8.tflite":
            raise PermissionError(13, "Permission denied", str(path))
        return opening(path, *mode, **more)

    monkeypatch.setattr(Path, "open", shut)
    monkeypatch.setattr(os, "access", lambda path, mode, **_: not (mode == os.R_OK and "int8" in str(path)))
    for words in (["inspect", "int8.tflite"], ["diff", "int8.tflite", "float32.tflite"], ["evaluate", "int8.tflite"]):
        ran = shell(*words, cwd=folder)
        assert (ran.code, ran.err.splitlines()[0]) == (2, "error: cannot read 'int8.tflite': Permission denied")
