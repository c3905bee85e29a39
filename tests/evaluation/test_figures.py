"""Figures of converted models against what their layers are known to hold and to compute."""

from __future__ import annotations

import random
from math import prod
from pathlib import Path
from typing import Any

import pytest
import wild
from harness import Said

import tflite_build
from tflite_build.errors import BuildError
from tflite_build.evaluation import figures as figures_of
from tflite_build.evaluation.figures import Figures
from tflite_build.tflite import reader

FIXTURES = Path(__file__).parents[1] / "fixtures"
# Kernels of the model `residual`, as layer -> values; its pictures are 8 by 8, and 4 by 4 after `deep`.
KERNELS = {"stem": 3 * 3 * 4 * 8, "left": 8 * 8, "right": 3 * 3 * 8 * 8, "deep": 3 * 3 * 8, "scores": 128 * 10}


def of(zoo, name: str, variant: str = "float32") -> Figures:
    return figures_of.figures(zoo[1][name].file(variant))


def test_multiply_accumulates_by_operator_and_layer(zoo) -> None:
    (signature,) = of(zoo, "residual").signatures
    convolutions = 64 * (KERNELS["stem"] + KERNELS["left"] + KERNELS["right"])
    depthwise = 16 * KERNELS["deep"]
    assert signature.compute.macs == {
        "CONV_2D": convolutions,
        "FULLY_CONNECTED": KERNELS["scores"],
        "DEPTHWISE_CONV_2D": depthwise,
    }
    assert signature.compute.total == convolutions + depthwise + KERNELS["scores"]
    assert signature.compute.by_layer["right"] == 64 * KERNELS["right"]
    assert signature.compute.elementwise["SOFTMAX"] == 10


def test_multiply_accumulates_of_products_and_cubes(zoo) -> None:
    assert of(zoo, "products").signatures[0].compute.macs == {"BATCH_MATMUL": 2 * 5 * 7 * 6}
    assert of(zoo, "cubes").signatures[0].compute.macs == {"CONV_3D": 2 * 2 * 2 * 4 * (2 * 2 * 2 * 3)}


def test_multiply_accumulates_of_a_recurrent_layer() -> None:
    evaluated = tflite_build.evaluate(FIXTURES / "tflite" / "variable.tflite", timed=False)
    (signature,) = evaluated.files[0].figures.signatures
    with reader.model(FIXTURES / "tflite" / "variable.tflite") as model:
        data, feature, time, *_ = (
            model.subgraphs[0].tensors[i] for i in model.subgraphs[0].operators[0].inputs if i >= 0
        )
    assert signature.compute.macs == {"SVDF": data.shape[0] * (prod(feature.shape) + prod(time.shape))}
    assert evaluated.files[0].figures.complexity.variables == 1


def test_bytes_by_layer_and_type(zoo) -> None:
    found = of(zoo, "residual").data
    assert {layer: found.by_layer[layer] // 4 for layer in KERNELS} == pytest.approx(KERNELS, abs=10)  # and biases
    assert found.by_type["float32"] == pytest.approx(4 * sum(KERNELS.values()), rel=0.05)
    assert found.inputs == {"serving_default": 4 * 8 * 8 * 4} and found.outputs == {"serving_default": 40}
    assert (found.largest[0].shape, found.largest[0].size) == ((1, 8, 8, 8), 2048)


def test_what_would_make_it_smaller_is_near_what_does(zoo) -> None:
    estimates = of(zoo, "residual").smaller
    kinds = {"float16": "float16", "dynamic-int8": "dynamic", "int8": "int8"}
    made = {kind: of(zoo, "residual", name).data.file for kind, name in kinds.items()}
    assert estimates == pytest.approx(made, rel=0.1), "scales and biases of 32 bits are a good part of so small a file"
    assert of(zoo, "residual", "int8").smaller.keys() <= {"float16"}


def test_weights_of_two_signatures_are_made_smaller_once(twice: Said) -> None:
    estimates = figures_of.figures(twice.file()).smaller
    made = {"float16": "float16", "dynamic-int8": "dynamic", "int8": "int8"}
    assert estimates == pytest.approx({kind: twice.file(n).stat().st_size for kind, n in made.items()}, rel=0.05)


def test_the_gpu_gets_pieces(zoo) -> None:
    (signature,) = of(zoo, "cubes").signatures
    coverage = signature.gpu
    assert not coverage.whole and coverage.taken < coverage.operators
    refused = {n.operator: (n.layer, n.reason) for n in coverage.not_taken}
    assert refused["CONV_3D"] == ("volume", "not an operator of this delegate")
    assert "5 dimensions" in next(n.reason for n in coverage.not_taken if n.layer == "before")
    for variant in ("float32", "float16", "int8"):
        assert of(zoo, "residual", variant).signatures[0].gpu.whole, variant
    (refusal,) = of(zoo, "residual", "dynamic").signatures[0].gpu.not_taken
    assert (refusal.operator, refusal.reason) == ("FULLY_CONNECTED", "it is version 12, newer than 9")


def test_xnnpack_leaves_dynamic_depthwise_convolutions(zoo) -> None:
    coverage = of(zoo, "residual", "dynamic").signatures[0].xnnpack
    assert [(n.operator, n.layer) for n in coverage.not_taken] == [("DEPTHWISE_CONV_2D", "deep")]
    assert len(coverage.pieces) == 2


def test_operators_say_where_and_since_when(zoo) -> None:
    uses = {use.name: use for use in of(zoo, "residual").operators}
    assert uses["CONV_2D"].layers == ("stem", "left", "right") and uses["CONV_2D"].count == 3
    assert uses["CONV_2D"].since["litert"] == "1.0.0"
    restricted = {use.name: use.restrictions for use in of(zoo, "residual", "int8").operators}
    assert any("XNNPACK does not take it" in text for text in restricted["SOFTMAX"])


def test_damaged_files_end_in_one_sentence(tmp_path: Path) -> None:
    rng = random.Random(0)
    sources = [p.read_bytes() for p in sorted((FIXTURES / "tflite").glob("*.tflite"))]
    file = tmp_path / "damaged.tflite"
    refused = 0
    for number in range(400):
        data = bytearray(sources[number % len(sources)])
        for _ in range(rng.choice((1, 4, 32))):
            data[rng.randrange(8, len(data))] = rng.randrange(256)
        file.write_bytes(data[: rng.randrange(len(data))] if number % 10 == 0 else data)
        try:
            figures_of.figures(file).to_json()
        except BuildError as error:
            refused += 1
            assert len(error.problems) == 1 and "\n" not in error.problems[0].message
    assert 100 < refused < 400


@pytest.mark.parametrize(
    ("said", "steps", "unknown"),
    [
        ({}, 17, 0),
        ({"limit": 3}, 0, 0),
        ({"step": 2}, 1, 1),
        ({"comparison": "GREATER"}, 1, 1),
        ({"begin": None}, 1, 1),
    ],
)
def test_a_loop_counts_as_many_steps_as_its_counter_says(
    tmp_path: Path, said: dict[str, Any], steps: int, unknown: int
) -> None:
    (tmp_path / "loop.tflite").write_bytes(wild.counting(**said))
    (signature,) = figures_of.figures(tmp_path / "loop.tflite").signatures
    assert signature.compute.macs == {"FULLY_CONNECTED": steps * 16} and signature.compute.open_loops == unknown
