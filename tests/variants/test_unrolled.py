"""States in samples: each takes what the call before it gives, and starts anew after a sequence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import code, graph, model, operator, options, signature, tensor, written

from tflite_build.engines.contract import Names
from tflite_build.engines.files import tensors
from tflite_build.engines.files.tensors import Case
from tflite_build.engines.kinds.states import StateRule, States

X = np.array([1, 2, 3, 4, 5, 6, 7], np.float32)


def adder(folder: Path) -> Path:
    """A model whose output is the sum of both inputs."""
    built = [tensor(name, "float32", [1]) for name in ("x", "sum", "sum_out")]
    run = operator(0, [0, 1], [2], options(11, {}))
    more = {7: [signature("add", 0, {"x": 0, "sum": 1}, {"sum_out": 2})]}
    file = folder / "adder.tflite"
    file.write_bytes(written(model([code("ADD")], [graph(built, [run], [0, 1], [2])], [], more)))
    return file


@pytest.mark.parametrize(
    ("sequence", "sums"),
    [
        (None, [0.5, 1.5, 3.5, 6.5, 10.5, 15.5, 21.5]),
        (3, [0.5, 1.5, 3.5, 0.5, 4.5, 9.5, 0.5]),
        (1, [0.5] * 7),
        (9, [0.5, 1.5, 3.5, 6.5, 10.5, 15.5, 21.5]),
    ],
)
def test_states_follow_from_call_to_call(
    sequence: int | None, sums: list[float], engine: Callable[[str], Any], tmp_path: Path
) -> None:
    tensors.write(tmp_path / "samples", [Case("add", {"x": X[:, None]}, {})])
    states = States((StateRule("total", "sum", "sum_out", 0.5),))
    reply = engine("core")(
        "unroll",
        {"states": states.to_json(), "names": Names().to_json(), "sequence": sequence},
        {"model": adder(tmp_path), "samples": tmp_path / "samples"},
    )
    assert reply.done is not None, reply
    (case,) = tensors.read(reply.outputs / "samples")
    assert case.tensors["sum"].reshape(-1).tolist() == sums
    assert np.array_equal(case.tensors["x"].reshape(-1), X)
