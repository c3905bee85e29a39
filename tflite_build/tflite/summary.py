"""What a file holds, counted and added up: what `inspect` and the build's table show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite, prod
from pathlib import Path
from typing import Any

from tflite_build.errors import Place

from . import archive, metadata, reader, runtimes, versions
from .flatbuffer import FormatError
from .metadata import ModelMetadata
from .options import Call, Option, calls, options
from .reader import BITS, ExternalBuffer, Model, Quantization, Signature, Subgraph, Tensor
from .runtimes import Need

VERSION = 1
_LONGEST_TEXT = 200  # of metadata that is shown as it is


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
class OperatorUse:
    """An operator of a subgraph, in the order of execution.

    Attributes:
        version: The version that the file claims.
        inputs: Tensors of its subgraph by index; -1 for an optional one that is absent.
        custom_options: The size of a custom operator's own options.
        calls: The subgraphs that it runs.
    """

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: tuple[Option, ...]
    custom_options: int
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class GraphSummary:
    """A subgraph of the file; tensors by index."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[OperatorUse, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A file.

    Attributes:
        schema: The version of the format; runtimes take 3.
        quantization: What its weights and activations are: "float32", "float16", "int8", ...
        parts: Bytes by part: weights by type, metadata, graph.
        parameters: The number of weights (see `is_parameter`).
        oldest_runtime: The oldest runtime that can run it; "" where that is unknown.
        demanding: The operators that need that runtime, or that no table knows.
        stored: For each of `tensors` the bytes that the file holds of its value, and 0 for what is computed.
        texts: Metadata that is a short text, by name.
        graphs: Each subgraph with its operators.
        external: Values of tensors that lie in other files.
        described: What the model's own TFLite Metadata says; None without any, or with damaged.
        packed: Names and sizes of the files in the archive behind the model.
    """

    size: int
    schema: int
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
    stored: tuple[tuple[int, ...], ...]
    texts: Mapping[str, str]
    graphs: tuple[GraphSummary, ...]
    external: tuple[ExternalBuffer, ...]
    described: ModelMetadata | None = None
    packed: tuple[tuple[str, int], ...] = ()

    @property
    def operator_counts(self) -> dict[str, int]:
        """Operator name -> how often."""
        return {o.name: o.count for o in self.operators}

    def to_json(self) -> dict[str, Any]:
        """As JSON values; numbers that are none, as damaged files have, are null."""
        return {
            "version": VERSION,
            "size": self.size,
            "schema": self.schema,
            "description": self.description,
            "quantization": self.quantization,
            "parameters": self.parameters,
            "has_signatures": self.has_signatures,
            "signatures": [
                {
                    "name": s.name,
                    "subgraph": s.subgraph,
                    "inputs": [{"name": t.name, "index": t.tensor.index, **_tensor(t.tensor)} for t in s.inputs],
                    "outputs": [{"name": t.name, "index": t.tensor.index, **_tensor(t.tensor)} for t in s.outputs],
                }
                for s in self.signatures
            ],
            "subgraphs": self.subgraphs,
            "graphs": [_graph(g) for g in self.graphs],
            "tensors": [
                [{"name": t.name, **_tensor(t), **_stored(t, size)} for t, size in zip(graph, sizes, strict=True)]
                for graph, sizes in zip(self.tensors, self.stored, strict=True)
            ],
            "operators": [
                {"name": o.name, "count": o.count, "version": o.version, "written": o.written, "runtime": o.runtime}
                for o in self.operators
            ],
            "parts": dict(self.parts),
            "external": [asdict(e) for e in self.external],
            "metadata": [{"name": n, "size": s, "text": self.texts.get(n)} for n, s in self.metadata],
            "described": self.described and _described_json(self.described),
            "packed": [{"name": n, "size": s} for n, s in self.packed],
            "min_runtime_version": self.min_runtime_version,
            "oldest_runtime": self.oldest_runtime,
        }


def _described_json(said: ModelMetadata) -> dict[str, Any]:
    """The metadata as it stands, and what custom metadata of this tool says of further signatures."""
    further = {name: graph for found in said.subgraphs for name, graph in metadata.signatures(found).items()}
    return {
        **metadata.to_json(said),
        "signatures": [{"signature": name, **metadata.to_json(graph)} for name, graph in further.items()],
    }


def _graph(graph: GraphSummary) -> dict[str, Any]:
    return {
        "name": graph.name,
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "operators": [
            {
                "name": o.name,
                "version": o.version,
                "inputs": list(o.inputs),
                "outputs": list(o.outputs),
                "options": _finite({option.name: option.value for option in o.options}),
                "custom_options": o.custom_options,
                "calls": [{"role": c.role, "subgraph": c.subgraph} for c in o.calls],
            }
            for o in graph.operators
        ],
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "quantization": tensor.quantization and _quantization(tensor.quantization),
    }


def _quantization(q: Quantization) -> dict[str, Any]:
    return {
        "scales": len(q.scales),
        "scale": _finite(q.scales[0]) if len(q.scales) == 1 else None,
        "zero_point": q.zero_points[0] if len(q.zero_points) == 1 else None,
        "axis": q.axis if q.per_channel else None,
        "block": q.block if q.blockwise else None,
        "per_channel": {"scales": _finite(q.scales), "zero_points": list(q.zero_points)} if q.per_channel else None,
    }


def _stored(tensor: Tensor, size: int) -> dict[str, Any]:
    return {
        "stored": size,
        "variable": tensor.is_variable,
        "sparsity": asdict(tensor.sparsity) if tensor.sparsity else None,
        "external": tensor.external or None,
    }


def _finite(value: Any) -> Any:
    """`value` as JSON can hold it."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def summarize(path: Path) -> Summary:
    """The summary of the file at `path`.

    Raises:
        FormatError: If it is no whole .tflite file.
    """
    with reader.opened(path) as data:
        try:
            model = reader.parse(data)
            packed = archive.of(path)
            return replace(
                of(model),
                described=described(data, model),
                texts=_texts(data, model),
                packed=tuple((m.name, m.size) for m in packed.members) if packed else (),
            )
        except FormatError as error:
            raise FormatError(error.problems[0].message, Place(path)) from None


def described(data: memoryview, model: Model) -> ModelMetadata | None:
    """What the model's TFLite Metadata says; None without any, or with damaged: the model is none the worse for it."""
    number = model.metadata_buffer(metadata.NAME)
    if number is None:
        return None
    found = model.buffers[number]
    try:
        return metadata.read(data[found.offset : found.offset + found.size])
    except FormatError:
        return None


def _texts(data: memoryview, model: Model) -> dict[str, str]:
    texts = {}
    for name, buffer in model.metadata:
        found = model.buffers[buffer] if buffer < len(model.buffers) else None
        if found is None or found.size > _LONGEST_TEXT:
            continue
        text = bytes(data[found.offset : found.offset + found.size]).rstrip(b"\0").decode("ascii", "replace")
        if text and text.isascii() and text.isprintable():
            texts[name] = text
    return texts


def of(model: Model) -> Summary:
    """The summary of an open model, without what its metadata says.

    Raises:
        FormatError: If options of an operator are damaged.
    """
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
        model.version,
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
        tuple(tuple(model.buffers[t.buffer].size if t.buffer else 0 for t in g.tensors) for g in model.subgraphs),
        {},
        tuple(_operators(model, g) for g in model.subgraphs),
        model.external,
    )


def _operators(model: Model, graph: Subgraph) -> GraphSummary:
    return GraphSummary(
        graph.name,
        graph.inputs,
        graph.outputs,
        tuple(
            OperatorUse(
                model.codes[o.code].name,
                model.codes[o.code].version,
                o.inputs,
                o.outputs,
                () if model.codes[o.code].custom else options(o),
                o.custom_options.size if o.custom_options else 0,
                calls(model, o),
            )
            for o in graph.operators
        ),
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


def is_parameter(tensor: Tensor) -> bool:
    """Whether a constant is what a model has learned: real numbers, or integers that stand for such; no axes or shapes."""
    return tensor.dtype.startswith(("float", "bfloat")) or tensor.quantization is not None


def _parameters(model: Model) -> int:
    learned = filter(is_parameter, _constants(model).values())
    return sum(prod(t.shape) for t in learned if all(d >= 0 for d in t.shape))


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


__all__ = [
    "BITS",
    "GraphSummary",
    "OperatorSummary",
    "OperatorUse",
    "Summary",
    "is_parameter",
    "of",
    "quantization_of",
    "summarize",
]
