"""Loops in the form that the export of litert-converter 0.5.0 needs.

Its passes leave `tfl.while` with the code inside, which the export cannot write and fails on without a word; TensorFlow's
converter has a pass for that, `tfl-while-loop-outline`, whose work `outline_loops` does. Knows nothing of where the loops
come from.
"""

from __future__ import annotations

from typing import Any

from litert_converter.mlir import ir

from .litert_operations import named
from .litert_regions import all_operations, new_function, replace_terminator, values_from_outside


def outline_loops(module: Any) -> int:
    """Move the code of every loop into functions; how many loops there are. Inside of the module's context."""
    loops = named(module, "tfl.while")
    with ir.Location.unknown(module.context):
        for number, loop in enumerate(loops):
            closed = _closed(loop)
            for region, part in zip(closed.regions, ("cond", "body"), strict=True):
                _outline(module, region.blocks[0], f"loop {number} {part}")
    return len(loops)


def _closed(loop: Any) -> Any:
    """The loop with everything that it reads from outside among its operands; constants are copied into it."""
    captured = values_from_outside(loop)
    if not captured:
        return loop
    operands = [*loop.operands, *captured]
    with ir.InsertionPoint(loop):
        new = ir.Operation.create(
            "tfl.while",
            results=[value.type for value in operands],
            operands=operands,
            attributes={name: loop.attributes[name] for name in list(loop.attributes)},
            regions=2,
            loc=loop.location,
        )
    for old_region, region in zip(loop.regions, new.regions, strict=True):
        block = old_region.blocks[0]
        block.append_to(region)
        extra = [block.add_argument(value.type, loop.location) for value in captured]
        for operation in list(all_operations(block)):
            for index, value in enumerate(operation.operands):
                if value in captured:
                    operation.operands[index] = extra[list(captured).index(value)]
    body = new.regions[1].blocks[0]
    kept = list(body.arguments)[len(loop.operands) :]
    replace_terminator(body, "tfl.yield", kept)
    for index, result in enumerate(loop.results):
        result.replace_all_uses_with(new.results[index])
    loop.erase()
    return new


def _outline(module: Any, block: Any, name: str) -> None:
    """Move the operations of a region's only block into a private function, and call that."""
    arguments = list(block.arguments)
    operations = list(block.operations)
    results = [value.type for value in operations[-1].operands]
    inputs = [argument.type for argument in arguments]
    body = new_function(module, name, inputs, results, [argument.location for argument in arguments])
    for argument, new in zip(arguments, body.arguments, strict=True):
        argument.replace_all_uses_with(new)
    for operation in operations:
        body.append(operation)
    replace_terminator(body, "func.return", ())
    with ir.InsertionPoint(block):
        call = ir.Operation.create(
            "func.call",
            results=results,
            operands=arguments,
            attributes={"callee": ir.FlatSymbolRefAttr.get(name)},
        )
        ir.Operation.create("tfl.yield", operands=list(call.results))
