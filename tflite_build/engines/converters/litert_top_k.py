"""`top_k` as TensorFlow Lite's own operator, before the passes of litert-converter 0.5.0 see it.

They know it only while both of its results are used; with values or places alone they make a sort of it, which the
runtime does not have. Knows nothing of where the operation comes from.
"""

from __future__ import annotations

from typing import Any

from litert_converter.mlir import ir

from .litert_operations import named, replace

# Whose top_k the runtime computes.
_TYPES = ("f32", "i8", "i16", "i32", "i64", "ui8")


def keep_top_k(module: Any) -> None:
    """Replace every `chlo.top_k` of a type that the runtime knows."""
    for operation in named(module, "chlo.top_k"):
        if str(ir.RankedTensorType(operation.operands[0].type).element_type) in _TYPES:
            replace(operation, _topk_v2(operation))


def _topk_v2(operation: Any) -> Any:
    with operation.context, ir.InsertionPoint(operation), operation.location:
        number = ir.IntegerType.get_signless(32)
        scalar = ir.RankedTensorType.get([], number)
        value = ir.IntegerAttr.get(number, ir.IntegerAttr(operation.attributes["k"]).value)
        count = ir.Operation.create(
            "stablehlo.constant", results=[scalar], attributes={"value": ir.DenseElementsAttr.get_splat(scalar, value)}
        )
        return ir.Operation.create(
            "tfl.topk_v2",
            results=[result.type for result in operation.results],
            operands=[operation.operands[0], count.results[0]],
        )
