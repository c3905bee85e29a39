"""specs/preprocessing/vectors.json: what this tool does, and what a second, plain implementation of the guide does."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import reference

SPECS = Path(__file__).resolve().parents[2] / "specs" / "preprocessing"
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
VECTORS = json.loads((SPECS / "vectors.json").read_text("utf-8"))


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_engine_gives() -> None:
    assert script("make_preprocessing_vectors").text() == (SPECS / "vectors.json").read_text("utf-8")


def test_the_kernel_is_what_its_description_says() -> None:
    made = json.loads((SPECS / "resample.json").read_text("utf-8"))
    assert np.abs(np.array(script("make_resample_kernel").kernel()) - made["kernel"]).max() <= 1


@pytest.mark.parametrize("case", VECTORS["pictures"], ids=lambda c: c["name"])
def test_picture(case) -> None:
    pixels, values = reference.picture(case)
    assert pixels == case["pixels"]
    assert values == case["values"]


@pytest.mark.parametrize("case", VECTORS["quantized"], ids=lambda c: f"{c['dtype']}-{c['scale']}")
def test_quantized(case) -> None:
    assert reference.quantized(case) == case["values"]


@pytest.mark.parametrize("case", VECTORS["sounds"], ids=lambda c: c["name"])
def test_sound(case) -> None:
    table = json.loads((SPECS / "resample.json").read_text("utf-8"))["kernel"]
    resampled, frames = reference.sound(case, table)
    assert resampled == case["resampled"]
    assert frames == case["frames"]
