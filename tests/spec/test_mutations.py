"""Whatever someone does to a valid spec, it loads or it is told what is wrong; never a traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tflite_build.errors import SpecError
from tflite_build.spec.load import load

ROOT = Path(__file__).resolve().parents[2]
CASES = 1000
TOKENS = [
    '"',
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "\\",
    "'",
    "#",
    "-1",
    "nan",
    "1e999",
    "true",
    "[[a]]",
    "é",
    "\0",
]
VALUES = [
    "1",
    "-1",
    "1.5",
    "nan",
    "inf",
    "true",
    '"x"',
    '""',
    "[]",
    "[1]",
    "{}",
    "{a=1}",
    "1979-05-27",
    "[[1]]",
    '["n"]',
    "9" * 400,
    "9" * 5000,
    "0x" + "f" * 5000,
    f"[0, {'9' * 400}]",
    f"[1, 0x{'f' * 5000}]",
    "1e400",
    '"99999999999999 GB"',
]


def valid() -> list[str]:
    texts = [(ROOT / "examples" / n / "model.toml").read_text("utf-8") for n in ("digits", "two_signatures")]
    return [*texts, (ROOT / "examples" / "jax_classifier" / "model.toml").read_text("utf-8")]


def mutate(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 3)):
        lines = text.split("\n")
        row = rng.randrange(len(lines))
        match rng.randrange(7):
            case 0:  # another value for a key
                key, equals, _ = lines[row].partition("=")
                if equals:
                    lines[row] = f"{key}= {rng.choice(VALUES)}"
            case 1:  # a key misspelt
                at = rng.randrange(len(lines[row]) + 1)
                lines[row] = lines[row][:at] + rng.choice(TOKENS) + lines[row][at:]
            case 2:
                del lines[row]
            case 3:
                lines.insert(row, lines[rng.randrange(len(lines))])
            case 4:  # cut off
                text = text[: rng.randrange(len(text) + 1)]
                continue
            case 5:
                lines[row] = lines[row][::-1]
            case 6:  # a key moved into another table
                lines.insert(row, lines.pop(rng.randrange(len(lines))))
        text = "\n".join(lines)
    return text


@pytest.mark.parametrize("seed", range(10))
def test_no_mutation_gives_a_traceback(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    texts = valid()
    file = tmp_path / "model.toml"
    for name in ("digits.keras", "calibration.npz", "test.npz", "model.py"):
        (tmp_path / name).touch()
    (tmp_path / "autoencoder").mkdir()
    refused = 0
    for _ in range(CASES // 10):
        file.write_text(mutate(rng.choice(texts), rng), "utf-8")
        try:
            load(file)
        except SpecError as error:
            refused += 1
            for problem in error.problems:
                assert problem.message
                assert problem.place is None or problem.place.file == file
            assert error.render(tmp_path)
    assert refused > CASES // 40
