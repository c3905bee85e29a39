"""Code in regions of an operation, and functions made of it: what loops, branches and cases have in common.

Knows nothing of what the operation does with its regions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from litert_converter.mlir import ir

_CONSTANTS = ("arith.constant", "tfl.pseudo_const", "tfl.no_value")


def values_from_outside(parent: Any) -> list[Any]:
    """The values that the regions of `parent` read from outside; constants are copied into each."""
    captured: dict[Any, None] = {}
    for region in parent.regions:
        block = region.blocks[0]
        copies: dict[Any, Any] = {}
        for operation in list(all_operations(block)):
            for index, value in enumerate(operation.operands):
                if _is_inside(value, block):
                    continue
                if not is_constant(value):
                    captured[value] = None
                    continue
                if value not in copies:
                    copies[value] = value.owner.clone(ir.InsertionPoint.at_block_begin(block)).results[0]
                operation.operands[index] = copies[value]
    return list(captured)


def new_function(
    module: Any, name: str, inputs: Sequence[Any], results: Sequence[Any], locations: Sequence[Any] = ()
) -> Any:
    """The empty body of a new private function; `locations` are those of its arguments."""
    with ir.InsertionPoint(module.body):
        function = ir.Operation.create(
            "func.func",
            attributes={
                "sym_name": ir.StringAttr.get(name),
                "sym_visibility": ir.StringAttr.get("private"),
                "function_type": ir.TypeAttr.get(ir.FunctionType.get(inputs, results)),
            },
            regions=1,
        )
    return ir.Block.create_at_start(function.regions[0], inputs, locations or [ir.Location.unknown()] * len(inputs))


def replace_terminator(block: Any, name: str, extra: Sequence[Any]) -> None:
    """End `block` with `name` of the same operands, and of those in `extra`."""
    last = list(block.operations)[-1]
    with ir.InsertionPoint.at_block_terminator(block):
        ir.Operation.create(name, operands=[*last.operands, *extra], loc=last.location)
    last.operation.erase()


def all_operations(block: Any) -> Iterator[Any]:
    """All operations in a block, and in the regions of those."""
    for operation in block.operations:
        yield operation.operation
        for region in operation.operation.regions:
            for inner in region.blocks:
                yield from all_operations(inner)


def _is_inside(value: Any, block: Any) -> bool:
    owner = value.owner
    at = owner if isinstance(owner, ir.Block) else owner.operation.block
    while at != block:
        parent = at.owner  # the operation whose region holds the block
        if parent is None or parent.operation.name in ("func.func", "builtin.module"):
            return False
        at = parent.operation.block
    return True


def is_constant(value: Any) -> bool:
    """Whether `value` is known here, an absent one too."""
    return not isinstance(value.owner, ir.Block) and value.owner.operation.name in _CONSTANTS
