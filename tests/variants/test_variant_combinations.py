"""What a variant may not combine is told from the spec alone, with what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tflite_build.errors import SpecError
from tflite_build.spec.load import load

HEAD = 'spec = 1\n[model]\nname = "m"\n[source]\nformat = "tflite"\npath = "m.tflite"\n'
DATA = '[calibration]\ndata = "data.npz"\n'
INTEGERS = {"int8": ("float32", "int8", "uint8"), "int16x8": ("float32", "int16")}
WORDS = ("none", "float16", "dynamic-int8", "dynamic-int4", "weight-only-int8", "weight-only-int4", "from-source")
WRONG = (
    {
        f"io_{io}_{word}": f'quantize = "{word}"\nio = "{io}"\n'
        for word in (*WORDS, *INTEGERS)
        for io in ("int8", "uint8", "int16")
        if io not in INTEGERS.get(word, ())
    }
    | {
        f"{key.partition(' ')[0]}_{word}": f'quantize = "{word}"\n{key}\n'
        for word in ("none", "float16", "from-source")
        for key in ('granularity = "tensor"', 'keep_float = ["op:SOFTMAX"]')
    }
    | {"granularity_recipe": 'quantize = "own.json"\ngranularity = "tensor"\n'}
)
RIGHT = {
    f"{word}_{io}": f'quantize = "{word}"\nio = "{io}"\ngranularity = "tensor"\nkeep_float = ["a"]\n'
    for word, ios in INTEGERS.items()
    for io in ios
} | {
    "two_kinds": 'quantize = "int8"\n[variant.other]\nquantize = "none"\n',
    "recipe": 'quantize = "own.json"\nio = "int16"\nkeep_float = ["a"]\n',
    "from_source_and_float": 'quantize = "from-source"\n[variant.other]\n',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("m.tflite", "data.npz", "own.json"):
        (tmp_path / name).touch()
    return tmp_path


def test_wrong_combinations(folder: Path, snapshot: SnapshotAssertion) -> None:
    told = []
    for name, lines in WRONG.items():
        (folder / "model.toml").write_text(f"{HEAD}{DATA}[variant.x]\n{lines}", "utf-8")
        with pytest.raises(SpecError) as caught:
            load(folder / "model.toml")
        (problem,) = caught.value.problems
        assert problem.place is not None
        assert problem.place.line == 11, name
        told.append(f"{name}: {problem.message}")
    assert "\n".join(told) == snapshot


@pytest.mark.parametrize("name", RIGHT)
def test_right_combinations(name: str, folder: Path) -> None:
    (folder / "model.toml").write_text(f"{HEAD}{DATA}[variant.x]\n{RIGHT[name]}", "utf-8")
    assert "x" in load(folder / "model.toml").spec.variant


def test_integers_need_data_for_their_ranges(folder: Path, snapshot: SnapshotAssertion) -> None:
    (folder / "model.toml").write_text(
        f'{HEAD}[variant.a]\nquantize = "int8"\n[variant.b]\nquantize = "int16x8"\n[variant.c]\nquantize = "own.json"\n'
    )
    with pytest.raises(SpecError) as caught:
        load(folder / "model.toml")
    assert caught.value.render(folder) == snapshot
