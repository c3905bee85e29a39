"""How `inspect` looks: what callers see first, then operators, sizes, and all tensors that carry quantization."""

from __future__ import annotations

from pathlib import Path

from tflite_build.errors import printable
from tflite_build.tflite.reader import Quantization, SignatureTensor, Tensor
from tflite_build.tflite.summary import OperatorSummary, Summary

from . import console

_SHOWN = 40


def show(path: Path, summary: Summary) -> None:
    """Print `summary`."""
    size = console.size(summary.size)
    console.line(f"{printable(str(path))}: {size}, {summary.quantization}, {summary.parameters:,} parameters")
    if summary.description:
        console.line(f"  {printable(summary.description)}")
    console.line(f"  oldest runtime: {_runtime(summary)}")
    if summary.min_runtime_version and summary.min_runtime_version != summary.oldest_runtime:
        console.line(f"  the file itself claims {summary.min_runtime_version}")
    console.line()
    for signature in summary.signatures:
        console.line(f"signature {signature.name}" if summary.has_signatures else "no signature; the main graph")
        rows = [_tensor_row(kind, t) for kind, ts in (("in", signature.inputs), ("out", signature.outputs)) for t in ts]
        console.table([], rows, indent="  ")
        console.line()
    kinds = len(summary.operators)
    console.line(f"operators: {sum(o.count for o in summary.operators)} of {kinds} kind{'' if kinds == 1 else 's'}")
    console.table(
        ["operator", "count", "version", "since runtime"],
        [_operator_row(o) for o in summary.operators],
        right=(1, 2),
        indent="  ",
    )
    console.line()
    console.line("size")
    console.table(
        [],
        [[part, console.size(size), f"{size / summary.size:.1%}"] for part, size in summary.parts.items()],
        right=(1, 2),
        indent="  ",
    )
    quantized = [t for graph in summary.tensors for t in graph if t.quantization is not None]
    if quantized:
        console.line()
        console.line(f"quantized tensors: {len(quantized)}")
        console.table(
            ["tensor", "type", "shape", "scale", "zero point"],
            [[_short(t.name), t.dtype, _shape(t), *_quantization(t.quantization)] for t in quantized[:_SHOWN]],
            indent="  ",
        )
        if len(quantized) > _SHOWN:
            console.line(f"  and {len(quantized) - _SHOWN} more; --json lists all")


def _runtime(summary: Summary) -> str:
    names = ", ".join(f"{n.operator} version {n.version}" for n in summary.demanding[:4])
    if not summary.oldest_runtime:
        return f"unknown, because of {names}"
    if summary.oldest_runtime == "pending":
        return f"none released yet has {names}"
    return summary.oldest_runtime + (f" (for {names})" if names else "")


def _tensor_row(kind: str, named: SignatureTensor) -> list[str]:
    scale, zero = _quantization(named.tensor.quantization)
    quantized = f"scale {scale}, zero point {zero}" if scale else ""
    return [kind, named.name, named.tensor.dtype, _shape(named.tensor), quantized]


def _operator_row(operator: OperatorSummary) -> list[str]:
    claimed = f" (file says {operator.written})" if operator.written != operator.version else ""
    since = {"": "unknown", "select": "select TensorFlow operators", "custom": "custom operator"}
    return [
        operator.name,
        str(operator.count),
        f"{operator.version}{claimed}",
        since.get(operator.runtime, operator.runtime),
    ]


def _shape(tensor: Tensor) -> str:
    return "[" + ", ".join("?" if d < 0 else str(d) for d in tensor.shape) + "]"


def _quantization(q: Quantization | None) -> tuple[str, str]:
    if q is None:
        return "", ""
    if q.blockwise:
        return "by block", ""
    if q.per_channel:
        return f"{len(q.scales)} along axis {q.axis}", "0" if not any(q.zero_points) else "several"
    return f"{q.scales[0]:.6g}", str(q.zero_points[0] if q.zero_points else 0)


def _short(name: str) -> str:
    return name if len(name) <= 60 else "..." + name[-57:]
