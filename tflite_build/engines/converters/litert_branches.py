"""Branches in the form that the export of litert-converter 0.5.0 needs.

Its passes leave `tfl.if` with calls inside, and in a private function the export takes every argument that such a call
reads for the function's first one, so that the file computes something else without a word; `call_branches` writes the
older `tf.If`, which names its operands. Constants go into the branches, to which the passes hand them as operands: an
absent bias too, which `tf.If` cannot take. Knows nothing of where the branches come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litert_converter.mlir import ir

from tflite_build.engines.contract import FailingOperator, Refused

from .litert_errors import source_of
from .litert_operations import named, replace
from .litert_regions import is_constant


def call_branches(module: Any) -> int:
    """Give every branch its operands and the functions that it calls; how many. Inside of the module's context.

    Raises:
        Refused: A branch that has another form than the passes are known to give it.
    """
    with ir.Location.unknown(module.context):
        # Into outer ones, then into those inside; of a function with two callers there is a copy then, branches and all.
        while any(_sink_constants(module, branch) for branch in named(module, "tfl.if")):
            pass
    branches = named(module, "tfl.if")
    for branch in branches:
        calls = _calls(branch)
        same = all(list(call.operands) == list(calls[0].operands) for call in calls)
        if not same or any(call.name != "func.call" for call in calls):
            place = source_of(str(branch.location))
            raise Refused(
                "the LiteRT converter has no right form of a branch whose sides call functions with values of their own"
                + (f" ({place})" if place else ""),
                [FailingOperator("if", "", place)],
            )
        then, other = (call.attributes["callee"] for call in calls)
        with ir.InsertionPoint(branch), branch.location:
            new = branch_of(
                [*branch.operands, *calls[0].operands], then, other, [value.type for value in branch.results]
            )
        replace(branch, new)
    return len(branches)


def branch_of(operands: Sequence[Any], then: Any, other: Any, results: Sequence[Any]) -> Any:
    """`then` where the first operand holds, else `other`; both are functions of the operands behind it."""
    attributes = {"then_branch": then, "else_branch": other, "is_stateless": ir.BoolAttr.get(True)}
    return ir.Operation.create("tf.If", results=results, operands=operands, attributes=attributes)


def _calls(branch: Any) -> list[Any]:
    """The first operation of each side: a call of the function with all that it does."""
    return [region.blocks[0].operations[0].operation for region in branch.regions]


def _sink_constants(module: Any, branch: Any) -> bool:
    """Move the constants that a branch gives to its functions into those; whether there were any."""
    found = False
    for call in _calls(branch):
        places = [index for index, value in enumerate(call.operands) if is_constant(value)]
        if call.name != "func.call" or not places:
            continue
        found = True
        function = _own_function(module, call)
        body = function.regions[0].blocks[0]
        for index in places:
            if list(body.arguments[index].uses):
                copy = call.operands[index].owner.clone(ir.InsertionPoint.at_block_begin(body))
                body.arguments[index].replace_all_uses_with(copy.results[0])
        for index in reversed(places):
            body.erase_argument(index)
        kept = [value for index, value in enumerate(call.operands) if index not in places]
        results = [value.type for value in call.results]
        kind = ir.FunctionType.get([value.type for value in kept], results)
        function.attributes["function_type"] = ir.TypeAttr.get(kind)
        if "arg_attrs" in function.attributes:
            told = [a for index, a in enumerate(ir.ArrayAttr(function.attributes["arg_attrs"])) if index not in places]
            function.attributes["arg_attrs"] = ir.ArrayAttr.get(told)
        callee = {"callee": call.attributes["callee"]}
        with ir.InsertionPoint(call):
            new = ir.Operation.create("func.call", results=results, operands=kept, attributes=callee, loc=call.location)
        constants = dict.fromkeys(call.operands[index] for index in places)
        replace(call, new)
        for constant in constants:
            # One that nobody reads shares the bytes of its copy in the file: quantizing the copy would spoil it.
            if not list(constant.uses):
                constant.owner.erase()
    return found


def _own_function(module: Any, call: Any) -> Any:
    """The function that `call` calls, or a copy of it where others call it too."""
    functions = {ir.StringAttr(f.operation.attributes["sym_name"]).value: f.operation for f in module.body.operations}
    name = ir.FlatSymbolRefAttr(call.attributes["callee"]).value
    callers = 0

    def look(operation: Any) -> Any:
        nonlocal callers
        callers += "callee" in operation.attributes and operation.attributes["callee"] == call.attributes["callee"]
        return ir.WalkResult.ADVANCE

    module.operation.walk(look)
    function = functions[name]
    if callers == 1:
        return function
    number = next(n for n in range(len(functions) + 1) if f"{name} {n}" not in functions)
    copy = function.clone(ir.InsertionPoint.at_block_begin(module.body)).operation
    ir.SymbolTable.set_symbol_name(copy, f"{name} {number}")
    call.attributes["callee"] = ir.FlatSymbolRefAttr.get(f"{name} {number}")
    return copy
