"""What differs between two files is said from the graph down to the numbers of a weight."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tflite_build.tflite import reader
from tflite_build.tflite.difference import differences

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tflite"


def weights(file: Path) -> reader.Buffer:
    with reader.model(file) as model:
        return max((model.buffers[t.buffer] for t in model.subgraphs[0].tensors), key=lambda b: b.size)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copy(FIXTURES / "float32.tflite", tmp_path / "other.tflite"))


def test_equal_files_differ_in_nothing(copy: Path) -> None:
    assert differences(FIXTURES / "float32.tflite", copy) == ()


def test_numbers_of_a_weight(copy: Path) -> None:
    data, at = bytearray(copy.read_bytes()), weights(copy)
    numbers = np.frombuffer(data, "<f4", at.size // 4, at.offset)
    numbers[3] += 0.5
    numbers[5] -= 0.25
    copy.write_bytes(data)
    (said,) = differences(FIXTURES / "float32.tflite", copy)
    assert said.endswith(f": 2 of {at.size // 4} numbers differ, by 0.5 at most")


def test_kinds_of_quantization(tmp_path: Path) -> None:
    said = differences(FIXTURES / "float32.tflite", FIXTURES / "int8.tflite", most=100)
    assert any(" bytes -> " in one for one in said)
    assert any(one.startswith("dtype of '") and one.endswith("': float32 -> int8") for one in said)
    assert any(one.startswith("quantization of '") and one.endswith("': none -> some") for one in said)
    few = differences(FIXTURES / "float32.tflite", FIXTURES / "int8.tflite", most=2)
    assert few == (*said[:2], f"and {len(said) - 2} more")


def test_signatures(tmp_path: Path) -> None:
    said = differences(FIXTURES / "float32.tflite", FIXTURES / "two-signatures.tflite", most=100)
    assert any(one.startswith("signature '") and one.endswith("' is new") for one in said)


def test_a_byte_that_no_part_holds(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes() + b"\0\0\0\0")
    size = (FIXTURES / "float32.tflite").stat().st_size
    assert differences(FIXTURES / "float32.tflite", copy) == (f"{size} bytes -> {size + 4} bytes",)


def test_what_is_no_model(copy: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(copy.read_bytes()[:1000])
    (said,) = differences(copy, cut)
    assert "damaged" in said or "ends" in said or "outside" in said
