"""[checks]: a file that misses a limit is not published, is kept for looking into, and is told of again at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import CLASSIFIER, Shop, pictures
from syrupy.assertion import SnapshotAssertion

COUNT = 150
INT4 = '[variant.float32]\n[variant.int4]\nquantize = "dynamic-int4"\n'


def _accuracy(**keys: Any) -> str:
    rest = "".join(f", {key} = {value}" for key, value in keys.items())
    return f'[checks]\naccuracy = {{ data = "data.npz", metric = "top1"{rest} }}\n'


@pytest.fixture(scope="module")
def source(shop: Shop) -> Path:
    path = shop.folder / "classifier.tflite"
    shop.make({path: CLASSIFIER})
    return path


@pytest.fixture(scope="module")
def labels(shop: Shop, source: Path) -> Any:
    """What the float file says of `pictures(COUNT)`."""
    (found,) = shop.measure([{"model": source, "feed": {"x": pictures(COUNT)}}])
    return found.outputs["y"].argmax(-1).reshape(-1)


@pytest.fixture(scope="module")
def said(shop: Shop, source: Path, labels: Any) -> dict[str, Said]:
    good = {"x": pictures(COUNT), "labels": labels}
    shifted = {"x": pictures(COUNT), "labels": (labels + 1) % 6}
    for name, toml, arrays in (
        ("cosine", INT4 + "[checks]\nmin_cosine = 0.999999\n", {}),
        ("digits", INT4 + "[checks]\nmin_cosine = 0.999999999\n", {}),
        ("drop", INT4 + _accuracy(max_drop=0.0), good),
        ("lowest", INT4 + _accuracy(min=0.9), shifted),
        ("both", INT4 + "[checks]\nmin_cosine = 0.999999\naccuracy.data = 'data.npz'\naccuracy.min = 1.0\n", good),
        ("exact", INT4 + _accuracy(min=0.9999995), good),
        ("good", INT4 + _accuracy(min=0.5, max_drop=0.5), good),
    ):
        shop.tflite(name, toml, source=source, **arrays)
    return shop.build()


@pytest.mark.parametrize("name", ["cosine", "drop", "lowest", "both"])
def test_what_misses_a_limit_is_not_published(name: str, said: dict[str, Said], shop: Shop) -> None:
    assert {e["code"] for e in said[name].errors} == {4}
    folder = shop.folder / name
    built = folder / "build" / name
    assert [p.name for p in built.iterdir()] == ["rejected"]
    missed = {f"{name}-int4.tflite"} | ({"lowest-float32.tflite"} if name == "lowest" else set())
    assert {p.name for p in (built / "rejected").iterdir()} == missed
    assert not (folder / "model.lock").exists()


def test_messages(said: dict[str, Said], snapshot: SnapshotAssertion, labels: Any) -> None:
    told = "\n\n".join(f"{name}\n{said[name].told}" for name in ("cosine", "drop", "lowest", "both"))
    # What int4 gives in its last digits is the processor's.
    told = re.sub(r"(int4' has(?: a cosine of)?|1\.0000 to) 0\.\d{4,6}\b", r"\1 0.#", told)
    assert re.sub(r"\d+\.\d%", "#%", told) == snapshot


def test_a_limit_is_shown_as_it_was_written(said: dict[str, Said]) -> None:
    assert said["digits"].error["message"].endswith("; at least 0.999999999 is wanted")


def test_it_is_said_again_at_once(said: dict[str, Said], shop: Shop) -> None:
    again = shop.build("cosine", "drop", "both")
    for name, model in again.items():
        assert model.told == said[name].told
        assert model.ran == []


def test_a_limit_is_told_as_it_is_written(said: dict[str, Said]) -> None:
    assert "; at least 0.9999995 is wanted" in said["exact"].told


def test_accuracy_is_what_numpy_counts(said: dict[str, Said], shop: Shop, labels: Any) -> None:
    assert not said["good"].errors, said["good"].told
    found = shop.measure([{"model": said["good"].file(v), "feed": {"x": pictures(COUNT)}} for v in ("float32", "int4")])
    for variant, file in zip(("float32", "int4"), found, strict=True):
        counted = float(np.mean(file.outputs["y"].argmax(-1).reshape(-1) == labels))
        assert said["good"].variants[variant]["accuracy"] == pytest.approx(counted)
    assert said["good"].variants["float32"]["accuracy"] == 1.0
    assert 0.5 < said["good"].variants["int4"]["accuracy"] < 1.0, "or the test of max_drop above tells nothing"


def test_what_was_published_before_stays(said: dict[str, Said], shop: Shop) -> None:
    folder = shop.folder / "good"
    spec = folder / "model.toml"
    before = spec.read_text()

    def everything() -> Mapping[str, bytes]:
        files = [*(folder / "build" / "good").glob("*.*"), folder / "model.lock"]
        return {p.name: p.read_bytes() for p in files}

    old = everything()
    assert set(old) == {"good-float32.tflite", "good-int4.tflite", "report.json", "model.lock"}
    spec.write_text(before + "min_cosine = 0.999999\n")
    failed = shop.build("good")["good"]
    assert {e["code"] for e in failed.errors} == {4}
    assert failed.ran == [], "only the judgement is new"
    assert everything() == old
    rejected = folder / "build" / "good" / "rejected" / "good-int4.tflite"
    assert rejected.read_bytes() == old["good-int4.tflite"]
    spec.write_text(before)
    assert not shop.build("good")["good"].errors
    assert everything() == old
    assert not rejected.exists()


def test_the_command_line_says_where_the_refused_file_lies(said: dict[str, Said], shop: Shop) -> None:
    ran = shop.cli("build", shop.folder / "cosine", cwd=shop.folder)
    assert ran.code == 4
    assert "help: what was made and refused lies in cosine/build/cosine/rejected" in ran.text
    assert "cosine/model.toml:11" in ran.text
    assert (shop.folder / "cosine" / "build" / "cosine" / "rejected").is_dir()
    spec = shop.folder / "cosine" / "model.toml"
    before = spec.read_text()
    spec.write_text(before + "[input.z]\nrange = [0, 1]\n")
    ran = shop.cli("build", shop.folder / "cosine", cwd=shop.folder)
    spec.write_text(before)
    assert ran.code == 2 and "rejected" not in ran.text  # this one refused nothing


WRONG: Mapping[str, Mapping[str, Any]] = {
    "no_labels": {"x": pictures(3)},
    "labels_of_halves": {"x": pictures(3), "labels": np.array([0.0, 1.0, 0.5])},
    "labels_one_hot": {"x": pictures(3), "labels": np.eye(3, 6, dtype=int)},
    "labels_empty": {"x": pictures(3), "labels": np.zeros(0, int)},
    "labels_fewer": {"x": pictures(3), "labels": np.zeros(2, int)},
    "labels_beyond": {"x": pictures(3), "labels": np.array([0, 6, 1])},
    "labels_negative": {"x": pictures(3), "labels": np.array([0, -1, 1])},
    "label_too_large": {"x": pictures(3), "labels": np.full(3, 1e30)},
    "input_name": {"X": pictures(3), "labels": np.zeros(3, int)},
    "input_missing": {"labels": np.zeros(3, int)},
    "input_shape": {"x": pictures(3)[:, :4], "labels": np.zeros(3, int)},
    "input_pixels": {"x": pictures(3).astype(np.uint8), "labels": np.zeros(3, int)},
    "input_nan": {"x": pictures(3) * np.float32(np.nan), "labels": np.zeros(3, int)},
}
WRONG_MODELS = {
    "output_of_pixels": {"signatures": [{"name": "serve", "input": [1, 8, 8, 2], "layers": [["conv", 3, 1]]}]},
    "two_signatures": {
        "signatures": [{"name": n, "input": [1, 8, 8, 2], "layers": [["mean"], ["dense", 3]]} for n in ("a", "b")]
    },
}


@pytest.fixture(scope="module")
def wrong(shop: Shop, source: Path) -> dict[str, Said]:
    shop.make({shop.folder / f"{name}.tflite": described for name, described in WRONG_MODELS.items()})
    for name, arrays in WRONG.items():
        shop.tflite(name, INT4 + _accuracy(min=0.0), source=source, **arrays)
    for name in WRONG_MODELS:
        arrays = {"x": pictures(3), "labels": np.zeros(3, int)}
        shop.tflite(name, INT4 + _accuracy(min=0.0), source=shop.folder / f"{name}.tflite", **arrays)
    arrays = {"x": pictures(3).astype(np.float64), "labels": np.zeros(3, np.uint8)}
    shop.tflite("double_precision", INT4 + _accuracy(min=0.0), source=source, **arrays)
    return shop.build(*WRONG, *WRONG_MODELS, "double_precision")


@pytest.mark.parametrize("name", [*WRONG, *WRONG_MODELS])
def test_labelled_data_that_does_not_fit(name: str, wrong: dict[str, Said], snapshot: SnapshotAssertion) -> None:
    assert wrong[name].told == snapshot(name=name)
    assert {(e["code"], e["key"]) for e in wrong[name].errors} == {(2, "checks.accuracy")}
    assert not wrong[name].value["variants"]


def test_wider_floats_are_no_mistake(wrong: dict[str, Said]) -> None:
    assert not wrong["double_precision"].errors, wrong["double_precision"].told
