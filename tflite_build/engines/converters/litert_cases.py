"""A choice of several branches as choices of two, which is what the export of litert-converter 0.5.0 can write.

Its passes leave `stablehlo.case`, whose branches the export writes with operands of their own each; `unfold_cases` asks for
one number after the other. Knows nothing of where the choice comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litert_converter.mlir import ir

from .litert_branches import branch_of
from .litert_operations import named, replace
from .litert_regions import all_operations, new_function, replace_terminator, values_from_outside


def unfold_cases(module: Any) -> int:
    """Make branches of two out of those of several; how many. Inside of the module's context, before `outline_loops`."""
    cases = named(module, "stablehlo.case")
    with ir.Location.unknown(module.context):
        for number, case in enumerate(cases):
            _unfold(module, case, f"case {number}")
    return len(cases)


def _unfold(module: Any, case: Any, name: str) -> None:
    operands = [case.operands[0], *values_from_outside(case)]
    types = [value.type for value in operands]
    results = [value.type for value in case.results]
    branches = []
    for number, region in enumerate(case.regions):
        block = region.blocks[0]
        branches.append(f"{name} branch {number}")
        body = new_function(module, branches[-1], types, results)
        operations = list(block.operations)
        for operation in list(all_operations(block)):
            for index, value in enumerate(operation.operands):
                if value in operands:
                    operation.operands[index] = body.arguments[operands.index(value)]
        for operation in operations:
            body.append(operation)
        replace_terminator(body, "func.return", ())
    other = branches[-1]  # also for a number out of range
    for number in range(len(branches) - 2, 0, -1):
        rest = f"{name} from {number}"
        body = new_function(module, rest, types, results)
        with ir.InsertionPoint(body):
            choice = _choose(list(body.arguments), number, branches[number], other, results)
            ir.Operation.create("func.return", operands=list(choice.results))
        other = rest
    with ir.InsertionPoint(case):
        choice = _choose(operands, 0, branches[0], other, results)
    replace(case, choice)


def _choose(operands: Sequence[Any], number: int, then: str, other: str, results: Sequence[Any]) -> Any:
    """`then` where the first operand is `number`, else `other`; both are functions of all operands."""
    kind = ir.RankedTensorType(operands[0].type)
    value = ir.DenseElementsAttr.get_splat(kind, ir.IntegerAttr.get(kind.element_type, number))
    constant = ir.Operation.create("arith.constant", results=[kind], attributes={"value": value})
    flag = ir.RankedTensorType.get([], ir.IntegerType.get_signless(1))
    equal = ir.Operation.create("tfl.equal", results=[flag], operands=[operands[0], constant.results[0]])
    operands = [equal.results[0], *operands]
    return branch_of(operands, ir.FlatSymbolRefAttr.get(then), ir.FlatSymbolRefAttr.get(other), results)
