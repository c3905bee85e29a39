"""The arena that is planned, and the pieces of XNNPACK, are those of the real runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tflite_build.evaluation import arena, xnnpack
from tflite_build.evaluation.graph import graphs
from tflite_build.evaluation.layers import layers
from tflite_build.tflite import reader

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tflite"
RUN = sorted(p for p in FIXTURES.glob("*.tflite") if p.stem != "custom")  # which the runtime refuses


@pytest.fixture(scope="module")
def seen(zoo, runtime) -> Mapping[Path, Any]:
    """What the runtime makes of every file there is."""
    _, built = zoo
    return runtime([*RUN, *(said.file(variant) for said in built.values() for variant in said.variants)])


def test_xnnpack_gets_as_many_pieces(seen) -> None:
    assert len(seen) > 15
    wrong = {}
    for path, found in seen.items():
        with reader.model(path) as model:
            (graph, *_) = graphs(model)
            coverage = xnnpack.xnnpack(graph, layers(graph))
        assert coverage.operators == found["operators"]
        if len(coverage.pieces) != found["pieces"]:
            wrong[path.name] = (coverage, found["pieces"])
    assert wrong == {}


@pytest.mark.parametrize("variant", ["float32", "float16", "int8"])
def test_every_tensor_lies_where_the_runtime_puts_it(zoo, seen, variant: str) -> None:
    _, built = zoo
    path = built["residual"].file(variant)
    addresses = {int(index): address for index, address in seen[path]["addresses"].items()}
    with reader.model(path) as model:
        (graph,) = graphs(model)
        plan = arena.plan(graph)
    first = min(plan.offsets, key=lambda index: addresses[index])
    base = addresses[first] - plan.offsets[first]
    assert {i: addresses[i] - base for i in plan.offsets} == dict(plan.offsets)
    assert len(set(plan.offsets.values())) < len(plan.offsets), "memory is used again"


def test_weights_that_are_dequantized_stay(zoo) -> None:
    _, built = zoo
    sizes = {}
    for variant in ("float32", "float16"):
        with reader.model(built["residual"].file(variant)) as model:
            sizes[variant] = arena.plan(graphs(model)[0])
    assert sizes["float16"].size == sizes["float32"].size, "activations are the same"
    assert sizes["float32"].persistent == 0 and sizes["float16"].persistent > 4 * 128 * 10
