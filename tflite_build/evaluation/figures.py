"""All figures of one file, and the version of their form as JSON."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tflite_build.errors import Place
from tflite_build.tflite import reader, runtimes
from tflite_build.tflite.flatbuffer import FormatError
from tflite_build.tflite.reader import Contents
from tflite_build.tflite.runtimes import Lack
from tflite_build.tflite.summary import quantization_of

from . import arena, data, gpu, quantizing, xnnpack
from . import complexity as counting
from . import compute as computing
from . import layers as naming
from . import operators as using
from .complexity import Complexity
from .compute import Compute
from .data import Data
from .delegates import Coverage
from .graph import Graph, Node, graphs, reached
from .loops import runs
from .operators import OperatorUse

_FLOAT = "float32"


@dataclass(frozen=True, slots=True)
class SignatureFigures:
    """One call of a signature, what it calls included.

    Attributes:
        arena: Bytes of activations at their peak.
        persistent: Bytes that stay between calls.
        depth: Operators on the longest way through it.
    """

    name: str
    arena: int
    persistent: int
    depth: int
    compute: Compute
    gpu: Coverage
    xnnpack: Coverage


@dataclass(frozen=True, slots=True)
class Figures:
    """One file.

    Attributes:
        quantization: How it is quantized, as `inspect` says it.
        kinds: The kinds of quantization that change anything in it: of "float16", "dynamic-int8" and "int8".
        smaller: Estimated bytes with each of these, where that is less.
        lacks: Builtin operators that the newest release has not.
    """

    quantization: str
    data: Data
    signatures: tuple[SignatureFigures, ...]
    complexity: Complexity
    operators: tuple[OperatorUse, ...]
    kinds: tuple[str, ...]
    smaller: Mapping[str, int]
    lacks: tuple[Lack, ...]

    @property
    def is_float(self) -> bool:
        """Whether nothing in it is quantized, so that variants can be made of it."""
        return self.quantization == _FLOAT

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        value = asdict(self)
        for signature, own in zip(value["signatures"], self.signatures, strict=True):
            signature["compute"]["total"] = own.compute.total
        return value


def figures(path: Path, known: Collection[str] = ()) -> Figures:
    """The figures of the file at `path`.

    Args:
        path: The file.
        known: The names of the model's layers, where its source tells them.

    Raises:
        FormatError: If it is no whole .tflite file, or its operators are not what their names say.
    """
    with reader.opened(path) as data:
        try:
            return _of(Contents(data, reader.parse(data)), known)
        except FormatError as error:
            raise FormatError(error.problems[0].message, Place(path)) from None
        except (IndexError, KeyError, ValueError, OverflowError, RecursionError, struct.error) as error:
            # The reader has checked what the format says. What is left are operators with too few tensors or dimensions.
            message = "the file is damaged: an operator has not the tensors that its kind has"
            raise FormatError(f"{message} ({error})", Place(path)) from error


def _of(file: Contents, known: Collection[str]) -> Figures:
    model = file.model
    all_graphs = graphs(model)
    named = tuple(naming.layers(graph, known) for graph in all_graphs)
    held = data.data(model, all_graphs, named)
    quantization = quantization_of(model)
    quantized = quantizing.quantizing(model, all_graphs) if quantization == _FLOAT else quantizing.NONE

    def layer_of(graph: Graph, node: Node) -> str:
        return named[graph.index].of_node[node.index]

    signatures = []
    for signature in model.signatures:
        graph, called = all_graphs[signature.subgraph], reached(all_graphs, signature.subgraph)
        plans = [arena.plan(part) for part in called]
        own = named[graph.index]
        signatures.append(
            SignatureFigures(
                signature.name,
                sum(plan.size for plan in plans),
                sum(plan.persistent for plan in plans),
                counting.depth(graph),
                computing.compute(called, layer_of, runs(file, all_graphs, graph.index)),
                gpu.gpu(graph, own),
                xnnpack.xnnpack(graph, own),
            )
        )
    return Figures(
        quantization,
        held,
        tuple(signatures),
        counting.complexity(model, all_graphs),
        using.operators(model, all_graphs, named),
        quantized.kinds,
        quantized.smaller,
        runtimes.lacks(model, runtimes.bundled()),
    )
