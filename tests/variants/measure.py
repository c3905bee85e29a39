"""Looks into .tflite files and runs them with the plain interpreter; run by a Python that has ai-edge-litert.

A JSON list on stdin, `[{"model", "feed"?: .npz, "give"?: .npz, "signature"?, "threads"?, "plain"?}, ...]`; the same
list of descriptions on stdout. Real numbers go in and come out, quantized by this file's own formulas: it shares no
code with the tool.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

_TYPES = {value: name.lower() for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
_KINDS = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}


def _tensor(model: Any, tensor: Any) -> dict[str, Any]:
    quantization = tensor.quantization
    scales = [] if quantization is None or quantization.scale is None else [float(s) for s in quantization.scale]
    zeros = [] if quantization is None or quantization.zeroPoint is None else [int(z) for z in quantization.zeroPoint]
    axis = quantization.quantizedDimension if quantization is not None else 0
    data = model.buffers[tensor.buffer].data
    return {
        "name": tensor.name.decode(),
        "dtype": _TYPES[tensor.type],
        "shape": [int(d) for d in tensor.shape] if tensor.shape is not None else [],
        "scales": scales,
        "zeros": zeros,
        "axis": axis,
        "value": _real(tensor, data, scales, zeros, axis) if data is not None and len(data) else None,
    }


def _real(tensor: Any, data: Any, scales: list[float], zeros: list[int], axis: int) -> list[float] | None:
    """The real numbers that a constant stands for, flat."""
    kind, shape = _TYPES[tensor.type], [] if tensor.shape is None else [int(d) for d in tensor.shape]
    raw = np.asarray(data, np.uint8)
    if kind == "int4":  # two in a byte, the low half first
        halves = np.stack([raw & 15, raw >> 4], -1).reshape(-1)[: int(np.prod(shape))].astype(np.int8)
        values = np.where(halves > 7, halves - 16, halves)
    elif kind in ("string", "resource"):
        return None
    else:
        values = raw.view(np.dtype(kind))
    values = values.reshape(shape).astype(np.float64)
    if scales:
        wide = [1] * len(shape)
        if len(scales) > 1:
            wide[axis] = len(scales)
        values = (values - np.reshape(zeros, wide if len(zeros) > 1 else 1)) * np.reshape(
            scales, wide if len(scales) > 1 else 1
        )
    return [float(v) for v in values.reshape(-1)]


def describe(path: str) -> dict[str, Any]:
    """What is in a file."""
    model = schema.ModelT.InitFromPackedBuf(Path(path).read_bytes(), 0)
    codes = model.operatorCodes
    return {
        "operators": [
            [_KINDS[max(codes[o.opcodeIndex].builtinCode, codes[o.opcodeIndex].deprecatedBuiltinCode)],
             codes[o.opcodeIndex].version]
            for graph in model.subgraphs for o in graph.operators
        ],
        "tensors": [_tensor(model, t) for graph in model.subgraphs for t in graph.tensors],
        "outside": sum(1 for b in model.buffers if b.offset > 1),
    }  # fmt: skip


def _runs(job: dict[str, Any]) -> dict[str, Any]:
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if job.get("plain") else OpResolverType.AUTO
    interpreter = Interpreter(
        model_path=job["model"], num_threads=job.get("threads", 1), experimental_op_resolver_type=resolver
    )
    if not interpreter.get_signature_list():
        return _runs_without_signature(interpreter, job)
    runner = interpreter.get_signature_runner(job.get("signature"))
    return _all_samples(runner, runner.get_input_details(), runner.get_output_details(), job)


def _runs_without_signature(interpreter: Interpreter, job: dict[str, Any]) -> dict[str, Any]:
    interpreter.allocate_tensors()
    inputs = {d["name"]: d for d in interpreter.get_input_details()}
    outputs = {d["name"]: d for d in interpreter.get_output_details()}

    def run(**sample: Any) -> dict[str, Any]:
        for name, value in sample.items():
            interpreter.set_tensor(inputs[name]["index"], value)
        interpreter.invoke()
        return {name: interpreter.get_tensor(d["index"]) for name, d in outputs.items()}

    return _all_samples(run, inputs, outputs, job)


def _all_samples(run: Any, inputs: Any, outputs: Any, job: dict[str, Any]) -> dict[str, Any]:
    feed = dict(np.load(job["feed"]))
    made: dict[str, list[Any]] = {}
    for index in range(len(next(iter(feed.values())))):
        sample = {name: _quantized(feed[name][index], inputs[name]) for name in feed}
        for name, value in run(**sample).items():
            made.setdefault(name, []).append(_dequantized(value, outputs[name]))
    np.savez(job["give"], **{name: np.stack(values) for name, values in made.items()})
    return {
        side: {name: {"dtype": np.dtype(d["dtype"]).name, "shape": d["shape"].tolist()} for name, d in details.items()}
        for side, details in (("inputs", inputs), ("outputs", outputs))
    }


def _quantized(value: Any, detail: Any) -> Any:
    value = value.reshape(detail["shape"]) if value.size == np.prod(detail["shape"]) else value
    if detail["dtype"] not in (np.int8, np.uint8, np.int16) or value.dtype.kind != "f":
        return value
    scale, zero = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.round(value / scale) + zero, limits.min, limits.max).astype(detail["dtype"])


def _dequantized(value: Any, detail: Any) -> Any:
    scale, zero = detail["quantization"]
    return (value.astype(np.float64) - zero) * scale if scale and value.dtype.kind in "iu" else value


def main() -> None:
    jobs = json.load(sys.stdin)
    json.dump([describe(job["model"]) | (_runs(job) if "feed" in job else {}) for job in jobs], sys.stdout)


if __name__ == "__main__":
    main()
