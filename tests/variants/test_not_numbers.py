"""Outputs that are no numbers: a source that gives nothing else is refused, and of some of them is told once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import Shop

ALL = '[variant.float32]\n[variant.half]\nquantize = "float16"\n[variant.dynamic]\nquantize = "dynamic-int8"\n'
X = np.random.default_rng(0).normal(0, 1, (5, 1, 6)).astype(np.float32)
DENSE = ["dense", 4]
# Name -> layers, and what stands in model.toml.
MODELS: Mapping[str, tuple[list[Any], str]] = {
    "range": ([DENSE, ["logistic"], ["scale", -1.0], ["log"]], ALL),
    "weights": ([DENSE, DENSE, ["scale", float("nan")]], ALL),
    "static": ([DENSE, DENSE, ["scale", float("nan")]], '[variant.int8]\nquantize = "int8"\n'),
    "some": ([DENSE, ["log"]], ALL),
    "infinite": ([DENSE, ["scale", 3e38], ["scale", 3e38]], ALL),
    "constant": ([DENSE, ["constant"]], ALL),
}


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    for name, (layers, toml) in MODELS.items():
        file = shop.folder / f"{name}.tflite"
        shop.make({file: {"signatures": [{"name": "serve", "input": [1, 6], "layers": layers}]}})
        shop.tflite(name, f'{toml}[calibration]\ndata = "data.npz"\n', source=file, x=X)
    return shop.build()


@pytest.mark.parametrize("name", ["range", "weights", "static"])
def test_nothing_but_nan_is_refused(name: str, said: dict[str, Said], shop: Shop) -> None:
    (error,) = said[name].errors
    assert error["code"] == 2
    assert error["message"] == "output 'y' of 'serve' is NaN everywhere in the source itself, in all of 5 samples"
    assert (error["key"], error["line"]) == ("source", 4)
    assert error["hint"] == {
        "range": "if these are values that it is not made for, give `range` in [input.NAME] of model.toml, or real "
        "samples in [calibration]",
    }.get(
        name,
        "1 of the 5 constants in the model hold NaN, as after a training that diverged: take weights from before",
    )
    assert not (shop.folder / name / "build").exists()


def test_some_that_are_no_numbers_are_told_of_once(said: dict[str, Said], shop: Shop) -> None:
    for name in ("some", "infinite"):
        assert set(said[name].variants) == {"float32", "half", "dynamic"}, said[name].told
        (found,) = shop.measure([{"model": said[name].file("float32"), "feed": {"x": X}}])
        count = int((~np.isfinite(found.outputs["y"])).sum())
        assert 0 < count <= 20
        assert said[name].value["warnings"] == [
            f"output 'y' of 'serve': {count} of 20 values are NaN or infinite in the float file, and in the source where "
            "it was run; they are compared with nothing"
        ]


def test_a_constant_output_is_none_of_that(said: dict[str, Said]) -> None:
    assert not said["constant"].errors
    assert said["constant"].value["warnings"] == []


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors cannot be taken away here")
def test_ranges_that_end_nowhere_are_told_where_the_file_is_good(shop: Shop) -> None:
    """On one processor ranges are looked for before the comparison: of NaN everywhere, what they lack is no news."""
    dense = [DENSE, ["scale", 3e38], ["scale", 3e38]]
    for name, layers in (("endless", dense), ("nothing", [*dense, ["scale", 0.0]])):
        file = shop.folder / f"{name}.tflite"
        shop.make({file: {"signatures": [{"name": "serve", "input": [1, 6], "layers": layers}]}})
        shop.tflite(name, '[variant.int8]\nquantize = "int8"\n[calibration]\ndata = "data.npz"\n', source=file, x=X)
    processors = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(processors)})
        said = shop.build("endless", "nothing")
    finally:
        os.sched_setaffinity(0, processors)
    told = (
        "endless: calibrate: 2 tensors of the float file ('serve/scale_1' and 'serve/scale_2') reach infinity on the "
    )
    assert said["endless"].error["message"].startswith(told)
    told = "output 'y' of 'serve' is NaN everywhere in the source itself, in all of 5 samples"
    assert said["nothing"].error["message"] == told
