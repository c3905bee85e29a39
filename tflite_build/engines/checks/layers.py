"""`layers`: where a quantized file departs from the float one, layer by layer.

Both files run on the same samples with every intermediate value kept. Of each float tensor that the quantized file computes
under the same name, the error is the length of the difference as a share of the float value's length. What a layer adds to
the errors of its inputs is its own part of that, as a quantization debugger has it (TensorFlow's computes each layer from
exact inputs; here the inputs are those of the quantized file, and their error is taken off).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tflite_build.engines.contract import Answer, Request
from tflite_build.engines.files import graph as graphs
from tflite_build.engines.files import opening, tensors
from tflite_build.engines.files.graph import Graph, Subgraph
from tflite_build.engines.files.runner import Array
from tflite_build.engines.files.tensors import Case

_FLOATS = ("float16", "float32")
_DIGITS = 6


def run(request: Request) -> Answer:
    """Write `layers.json`: a row for each layer, those that add the most first.

    `params` has "samples", the most samples of a case to look at. Of an operator in a loop or branch nothing is known.

    Raises:
        Refused: If the runtime does not load or run one of the files.
    """
    most = int(request.params["samples"])
    cases = tensors.read(request.inputs["samples"])
    rows = _layers(request, cases, most)
    rows.sort(key=lambda row: (-row["added"], row["name"]))
    request.write_json("layers.json", {"layers": rows})
    return Answer()


class _Errors:
    """Squared lengths of differences and of float values, by signature and tensor name."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str], tuple[float, float]] = {}

    def add(self, key: tuple[str, str], exact: Array, found: Array) -> None:
        exact, found = exact.astype(np.float64).ravel(), found.astype(np.float64).ravel()
        finite = np.isfinite(exact) & np.isfinite(found)
        off, size = self.sums.get(key, (0.0, 0.0))
        difference = exact[finite] - found[finite]
        self.sums[key] = off + float(difference @ difference), size + float(exact[finite] @ exact[finite])

    def of(self, key: tuple[str, str]) -> float:
        """The error as a share; 0 of what was not compared."""
        off, size = self.sums.get(key, (0.0, 0.0))
        return math.sqrt(off / size) if size else 0.0


def _layers(request: Request, cases: list[Case], most: int) -> list[dict[str, Any]]:
    exact, model = request.inputs["float"], request.inputs["model"]
    graph, other = graphs.read(exact), graphs.read(model)
    runners = [opening.runner(request, file, kernels="optimized", keep=True) for file in (exact, model)]
    errors = _Errors()
    for case in cases:
        pairs = _pairs(graph, other, case.signature)
        for index in range(min(case.count, most)):
            sample = case.sample(index)
            for runner in runners:
                runner.run(case.signature, sample)
            for name, (mine, theirs) in pairs.items():
                value, found = (r.value(case.signature, i) for r, i in zip(runners, (mine, theirs), strict=True))
                if value is not None and found is not None and value.shape == found.shape:
                    errors.add((case.signature, name), value, _real(_subgraph(other, case.signature), theirs, found))
    rows = []
    for signature in dict.fromkeys(case.signature for case in cases):
        subgraph = _subgraph(graph, signature)
        for operator in subgraph.operators:
            names = [subgraph.tensors[i].name for i in operator.outputs if i >= 0]
            known = [name for name in names if (signature, name) in errors.sums]
            if not known:
                continue
            own = max(errors.of((signature, name)) for name in known)
            before = [errors.of((signature, subgraph.tensors[i].name)) for i in operator.inputs if i >= 0]
            inherited = max(before, default=0.0)
            weights = sum(subgraph.tensors[i].data.size for i in operator.inputs if i >= 0)
            rows.append(
                {
                    "name": known[0],
                    "signature": signature,
                    "operator": operator.name,
                    "error": round(own, _DIGITS),
                    "added": round(math.sqrt(max(0.0, own**2 - inherited**2)), _DIGITS),
                    "weights": int(weights),
                }
            )
    return rows


def _pairs(graph: Graph, other: Graph, signature: str) -> dict[str, tuple[int, int]]:
    """The float tensors that operators compute in both files, by name: their numbers in either."""
    mine, theirs = _subgraph(graph, signature), _subgraph(other, signature)
    there = {tensor.name: i for i, tensor in enumerate(theirs.tensors) if tensor.name and not tensor.constant}
    made = dict.fromkeys(i for operator in mine.operators for i in operator.outputs if i >= 0)
    return {
        mine.tensors[i].name: (i, there[mine.tensors[i].name])
        for i in made
        if mine.tensors[i].dtype in _FLOATS and mine.tensors[i].name in there
    }


def _subgraph(graph: Graph, signature: str) -> Subgraph:
    return graph.subgraphs[next(s.subgraph for s in graph.signatures if s.name == signature)]


def _real(subgraph: Subgraph, index: int, value: Array) -> Array:
    """What the values of a tensor stand for."""
    tensor = subgraph.tensors[index]
    if not tensor.quantized:
        return value
    return (value.astype(np.float64) - float(tensor.zero_points[0])) * float(tensor.scales[0])
