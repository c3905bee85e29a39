"""Counting along an open dimension, in the form that the passes of litert-converter 0.5.0 get right.

`jnp.arange(n)` of int32 or float32 they convert; a mask of attention, which counts along one dimension of several
(`stablehlo.dynamic_iota` of a higher rank), and other types stop them. Knows nothing of where the operation comes from.
"""

from __future__ import annotations

from typing import Any

from litert_converter.mlir import ir

from .litert_operations import named, replace

_TYPES = ("i32", "f32")


def count_in_one_dimension(module: Any) -> None:
    """Replace every `stablehlo.dynamic_iota` that the passes fail on: count, convert, broadcast."""
    for operation in named(module, "stablehlo.dynamic_iota"):
        made = ir.RankedTensorType(operation.results[0].type)
        if made.rank > 1 or str(made.element_type) not in _TYPES:
            _rewrite(operation, made)


def _rewrite(operation: Any, made: Any) -> None:
    shape = operation.operands[0]
    kind = ir.RankedTensorType(shape.type).element_type
    axis = ir.IntegerAttr(operation.attributes["iota_dimension"]).value
    size = made.shape[axis]
    with operation.context, ir.InsertionPoint(operation), operation.location:
        int32 = ir.IntegerType.get_signless(32)
        counted = made.element_type if str(made.element_type) in _TYPES else int32

        def new(name: str, result: Any, *operands: Any, **attributes: Any) -> Any:
            return ir.Operation.create(
                f"stablehlo.{name}", results=[result], operands=list(operands), attributes=attributes
            ).results[0]

        def line(element: Any) -> Any:
            return ir.RankedTensorType.get([size], element)

        zero = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 0)
        if made.is_dynamic_dim(axis):
            length = new(
                "slice",
                ir.RankedTensorType.get([1], kind),
                shape,
                start_indices=ir.DenseI64ArrayAttr.get([axis]),
                limit_indices=ir.DenseI64ArrayAttr.get([axis + 1]),
                strides=ir.DenseI64ArrayAttr.get([1]),
            )
            value = new("dynamic_iota", line(counted), length, iota_dimension=zero)
        else:
            value = new("iota", line(counted), iota_dimension=zero)
        if counted != made.element_type:
            value = new("convert", line(made.element_type), value)
        if made.rank > 1:
            broadcast = ir.DenseI64ArrayAttr.get([axis])
            value = new("dynamic_broadcast_in_dim", made, value, shape, broadcast_dimensions=broadcast)
    replace(operation, value.owner)
