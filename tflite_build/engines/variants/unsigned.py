"""uint8 inputs and outputs for a file with int8 ones: an operator at each end that shifts by 128, which is exact.

litert-quantizer makes int8 alone. Cameras and image decoders give uint8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from . import repacking

_SHIFT = 128


def with_unsigned_ends(content: bytes) -> bytes:
    """`content` with uint8 in place of every quantized int8 input and output; others stay as they are."""
    model = repacking.unpacked(content)
    code = _quantize_code(model)
    ends = {d.subgraphIndex: d for d in model.signatureDefs or ()}
    for index in ends or (0,):
        _shift(model.subgraphs[index], ends.get(index), code)
    return repacking.packed(model)


def _quantize_code(model: Any) -> int:
    kind = schema.BuiltinOperator.QUANTIZE
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == kind:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = kind
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _shift(graph: Any, signature: Any, code: int) -> None:
    inputs = {int(i): _unsigned(graph, int(i)) for i in graph.inputs if _is_int8(graph.tensors[int(i)])}
    outputs = {int(i): _unsigned(graph, int(i)) for i in graph.outputs if _is_int8(graph.tensors[int(i)])}
    before = [_operator(code, new, old) for old, new in inputs.items()]
    after = [_operator(code, old, new) for old, new in outputs.items()]
    graph.operators = [*before, *(graph.operators or ()), *after]
    graph.inputs = np.array([inputs.get(int(i), int(i)) for i in graph.inputs], np.int32)
    graph.outputs = np.array([outputs.get(int(i), int(i)) for i in graph.outputs], np.int32)
    for entries, shifted in ((signature.inputs, inputs), (signature.outputs, outputs)) if signature else ():
        for entry in entries or ():
            entry.tensorIndex = shifted.get(entry.tensorIndex, entry.tensorIndex)


def _is_int8(tensor: Any) -> bool:
    quantization = tensor.quantization
    return bool(
        tensor.type == schema.TensorType.INT8
        and quantization is not None
        and quantization.scale is not None
        and len(quantization.scale) == 1
    )


def _unsigned(graph: Any, index: int) -> int:
    """A new uint8 tensor for the same real numbers as the int8 tensor `index`, whose name it takes over."""
    old = graph.tensors[index]
    made = schema.TensorT()
    made.name, made.shape, made.shapeSignature = old.name, old.shape, old.shapeSignature
    old.name = old.name + b"_int8"
    made.type, made.hasRank = schema.TensorType.UINT8, old.hasRank
    made.quantization = schema.QuantizationParametersT()
    made.quantization.scale = old.quantization.scale
    made.quantization.zeroPoint = np.asarray(old.quantization.zeroPoint, np.int64) + _SHIFT
    graph.tensors.append(made)
    return len(graph.tensors) - 1


def _operator(code: int, given: int, made: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex = code
    operator.inputs, operator.outputs = np.array([given], np.int32), np.array([made], np.int32)
    operator.builtinOptions, operator.builtinOptionsType = (
        schema.QuantizeOptionsT(),
        schema.BuiltinOptions.QuantizeOptions,
    )
    return operator
