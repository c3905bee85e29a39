"""What a file holds, counted and added up: what `inspect` and the build's table show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from . import reader, runtimes, versions
from .reader import BITS, Model, Quantization, Signature, Tensor
from .runtimes import Need

VERSION = 1


@dataclass(frozen=True, slots=True)
class OperatorSummary:
    """One kind of operator.

    Attributes:
        version: The version that its uses in this file really need.
        written: The version that the file claims.
        runtime: The first runtime that has `version`; "" where unknown, "custom" and "select" for those.
    """

    name: str
    count: int
    version: int
    written: int
    runtime: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A file.

    Attributes:
        quantization: What its weights and activations are: "float32", "float16", "int8", ...
        parts: Bytes by part: weights by type, metadata, graph.
        parameters: The number of weights.
        oldest_runtime: The oldest runtime that can run it; "" where that is unknown.
        demanding: The operators that need that runtime, or that no table knows.
    """

    size: int
    description: str
    signatures: tuple[Signature, ...]
    has_signatures: bool
    subgraphs: int
    tensors: tuple[tuple[Tensor, ...], ...]
    operators: tuple[OperatorSummary, ...]
    quantization: str
    parts: Mapping[str, int]
    parameters: int
    metadata: tuple[tuple[str, int], ...]
    min_runtime_version: str
    oldest_runtime: str
    demanding: tuple[Need, ...]

    @property
    def operator_counts(self) -> dict[str, int]:
        """Operator name -> how often."""
        return {o.name: o.count for o in self.operators}

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "version": VERSION,
            "size": self.size,
            "description": self.description,
            "quantization": self.quantization,
            "parameters": self.parameters,
            "signatures": [
                {
                    "name": s.name,
                    "inputs": [{"name": t.name, **_tensor(t.tensor)} for t in s.inputs],
                    "outputs": [{"name": t.name, **_tensor(t.tensor)} for t in s.outputs],
                }
                for s in self.signatures
            ],
            "subgraphs": self.subgraphs,
            "tensors": [[{"name": t.name, **_tensor(t)} for t in graph] for graph in self.tensors],
            "operators": [
                {"name": o.name, "count": o.count, "version": o.version, "written": o.written, "runtime": o.runtime}
                for o in self.operators
            ],
            "parts": dict(self.parts),
            "metadata": [{"name": n, "size": s} for n, s in self.metadata],
            "min_runtime_version": self.min_runtime_version,
            "oldest_runtime": self.oldest_runtime,
        }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    q = tensor.quantization
    return {
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "quantization": q
        and {"scales": len(q.scales), "scale": q.scales[0] if len(q.scales) == 1 else None, "zero_point": _zero(q)},
    }


def _zero(q: Quantization) -> int | None:
    return q.zero_points[0] if len(q.zero_points) == 1 else None


def summarize(path: Path) -> Summary:
    """The summary of the file at `path`.

    Raises:
        FormatError: If it is no whole .tflite file.
    """
    with reader.model(path) as model:
        return of(model)


def of(model: Model) -> Summary:
    """The summary of an open model."""
    counts = Counter(o.code for g in model.subgraphs for o in g.operators)
    derived = versions.derive(model)
    needs = runtimes.needs(model)
    operators = []
    for index, code in enumerate(model.codes):
        if not counts[index]:
            continue
        version = derived.get(index, code.version)
        runtime = needs[index].runtime if index in needs else "select" if code.flex else "custom"
        operators.append(OperatorSummary(code.name, counts[index], version, code.version, runtime))
    oldest, demanding = runtimes.oldest(list(needs.values()))
    parts = _parts(model)
    return Summary(
        model.size,
        model.description,
        model.signatures,
        model.has_signatures,
        len(model.subgraphs),
        tuple(g.tensors for g in model.subgraphs),
        tuple(sorted(operators, key=lambda o: (-o.count, o.name))),
        quantization_of(model),
        parts,
        _parameters(model),
        tuple((name, model.buffers[b].size if b < len(model.buffers) else 0) for name, b in model.metadata),
        model.min_runtime_version,
        oldest,
        demanding,
    )


def _constants(model: Model) -> dict[int, Tensor]:
    """Buffer -> a tensor that it gives its value to."""
    return {t.buffer: t for g in model.subgraphs for t in g.tensors if t.buffer and model.buffers[t.buffer].size}


def _parts(model: Model) -> dict[str, int]:
    parts: dict[str, int] = {}
    constants = _constants(model)
    for buffer, tensor in constants.items():
        label = f"{tensor.dtype} weights"
        parts[label] = parts.get(label, 0) + model.buffers[buffer].size
    others = {b for _, b in model.metadata if b < len(model.buffers)} - set(constants)
    metadata = sum(model.buffers[b].size for b in others)
    if metadata:
        parts["metadata"] = metadata
    parts["graph"] = max(0, model.size - sum(parts.values()))
    return dict(sorted(parts.items(), key=lambda p: -p[1]))


def _parameters(model: Model) -> int:
    return sum(prod(t.shape) for t in _constants(model).values() if all(d >= 0 for d in t.shape))


def quantization_of(model: Model) -> str:
    """How a model is quantized, from its tensors: weights and activations told apart by where their values are."""
    weights: Counter[str] = Counter()
    activations: Counter[str] = Counter()
    per_channel = False
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            constant = bool(tensor.buffer and model.buffers[tensor.buffer].size)
            if constant and tensor.dtype in BITS:
                weights[tensor.dtype] += model.buffers[tensor.buffer].size
                per_channel |= tensor.quantization is not None and tensor.quantization.per_channel
            elif tensor.quantization is not None:
                activations[tensor.dtype] += 1
    small = [w for w in ("int2", "int4", "int8") if weights[w] and _quantized(model, w)]
    if activations["int16"] and small:
        return "int16x8"
    if activations["int8"] and small:
        return "int8" + (", per channel" if per_channel else "")
    if activations["uint8"]:
        return "uint8"
    if small:
        return f"{small[0]} weights" + (", per channel" if per_channel else "")
    if weights["float16"] > weights["float32"]:
        return "float16 weights"
    return "float32"


def _quantized(model: Model, dtype: str) -> bool:
    return any(
        t.dtype == dtype and t.quantization is not None and t.buffer and model.buffers[t.buffer].size
        for g in model.subgraphs
        for t in g.tensors
    )


__all__ = ["BITS", "OperatorSummary", "Summary", "of", "quantization_of", "summarize"]
