"""Loops and branches in the form that the export of litert-converter 0.5.0 needs. Knows nothing of where they come from.

Its passes leave `tfl.while` with the code inside, which the export cannot write and fails on without a word; TensorFlow's
converter has a pass for that, `tfl-while-loop-outline`, whose work `outline_loops` does. They leave `tfl.if` with calls
inside, and in a private function the export takes every argument that such a call reads for the function's first one, so
that the file computes something else without a word; `call_branches` writes the older `tf.If`, which names its operands.
Constants go into the branches, to which the passes hand them as operands: an absent bias too, which `tf.If` cannot take.
They leave `stablehlo.case`, whose branches the export writes with operands of their own each; `unfold_cases` asks for one
number after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from litert_converter.mlir import ir

from .litert_operations import named, replace

_CONSTANTS = ("arith.constant", "tfl.pseudo_const", "tfl.no_value")


def outline_loops(module: Any) -> int:
    """Move the code of every loop into functions; how many loops there are. Inside of the module's context."""
    loops = named(module, "tfl.while")
    with ir.Location.unknown(module.context):
        for number, loop in enumerate(loops):
            closed = _closed(loop)
            for region, part in zip(closed.regions, ("cond", "body"), strict=True):
                _outline(module, region.blocks[0], f"loop {number} {part}")
    return len(loops)


def unfold_cases(module: Any) -> int:
    """Make branches of two out of those of several; how many. Inside of the module's context, before `outline_loops`."""
    cases = named(module, "stablehlo.case")
    with ir.Location.unknown(module.context):
        for number, case in enumerate(cases):
            _unfold(module, case, f"case {number}")
    return len(cases)


def call_branches(module: Any) -> int:
    """Give every branch its operands and the functions that it calls; how many. Inside of the module's context."""
    branches = named(module, "tfl.if")
    with ir.Location.unknown(module.context):
        while any(_sink_constants(module, branch) for branch in branches):  # into outer ones, then into those inside
            pass
    done = 0
    for branch in branches:
        calls = _calls(branch)
        same = all(list(call.operands) == list(calls[0].operands) for call in calls)
        if not same or any(call.name != "func.call" for call in calls):
            continue
        done += 1
        then, other = (call.attributes["callee"] for call in calls)
        with ir.InsertionPoint(branch), branch.location:
            new = _if([*branch.operands, *calls[0].operands], then, other, [value.type for value in branch.results])
        replace(branch, new)
    return done


def _calls(branch: Any) -> list[Any]:
    """The first operation of each side: a call of the function with all that it does."""
    return [region.blocks[0].operations[0].operation for region in branch.regions]


def _sink_constants(module: Any, branch: Any) -> bool:
    """Move the constants that a branch gives to its functions into those; whether there were any."""
    found = False
    for call in _calls(branch):
        places = [index for index, value in enumerate(call.operands) if _is_constant(value)]
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


def _closed(loop: Any) -> Any:
    """The loop with everything that it reads from outside among its operands; constants are copied into it."""
    captured = _captured(loop)
    if not captured:
        return loop
    operands = [*loop.operands, *captured]
    with ir.InsertionPoint(loop):
        new = ir.Operation.create(
            "tfl.while",
            results=[value.type for value in operands],
            operands=operands,
            attributes={name: loop.attributes[name] for name in _attribute_names(loop)},
            regions=2,
            loc=loop.location,
        )
    for old_region, region in zip(loop.regions, new.regions, strict=True):
        block = old_region.blocks[0]
        block.append_to(region)
        extra = [block.add_argument(value.type, loop.location) for value in captured]
        for operation in list(_operations(block)):
            for index, value in enumerate(operation.operands):
                if value in captured:
                    operation.operands[index] = extra[list(captured).index(value)]
    body = new.regions[1].blocks[0]
    kept = list(body.arguments)[len(loop.operands) :]
    _replace_terminator(body, "tfl.yield", kept)
    for index, result in enumerate(loop.results):
        result.replace_all_uses_with(new.results[index])
    loop.erase()
    return new


def _captured(parent: Any) -> list[Any]:
    """The values that the regions of `parent` read from outside; constants are copied into each."""
    captured: dict[Any, None] = {}
    for region in parent.regions:
        block = region.blocks[0]
        copies: dict[Any, Any] = {}
        for operation in list(_operations(block)):
            for index, value in enumerate(operation.operands):
                if _is_inside(value, block):
                    continue
                if not _is_constant(value):
                    captured[value] = None
                    continue
                if value not in copies:
                    copies[value] = value.owner.clone(ir.InsertionPoint.at_block_begin(block)).results[0]
                operation.operands[index] = copies[value]
    return list(captured)


def _unfold(module: Any, case: Any, name: str) -> None:
    operands = [case.operands[0], *_captured(case)]
    types = [value.type for value in operands]
    results = [value.type for value in case.results]
    branches = []
    for number, region in enumerate(case.regions):
        block = region.blocks[0]
        branches.append(f"{name} branch {number}")
        body = _function(module, branches[-1], types, results)
        operations = list(block.operations)
        for operation in list(_operations(block)):
            for index, value in enumerate(operation.operands):
                if value in operands:
                    operation.operands[index] = body.arguments[operands.index(value)]
        for operation in operations:
            body.append(operation)
        _replace_terminator(body, "func.return", ())
    other = branches[-1]  # also for a number out of range
    for number in range(len(branches) - 2, 0, -1):
        rest = f"{name} from {number}"
        body = _function(module, rest, types, results)
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
    return _if(operands, ir.FlatSymbolRefAttr.get(then), ir.FlatSymbolRefAttr.get(other), results)


def _if(operands: Sequence[Any], then: Any, other: Any, results: Sequence[Any]) -> Any:
    """`then` where the first operand holds, else `other`; both are functions of the operands behind it."""
    attributes = {"then_branch": then, "else_branch": other, "is_stateless": ir.BoolAttr.get(True)}
    return ir.Operation.create("tf.If", results=results, operands=operands, attributes=attributes)


def _function(
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


def _outline(module: Any, block: Any, name: str) -> None:
    """Move the operations of a region's only block into a private function, and call that."""
    arguments = list(block.arguments)
    operations = list(block.operations)
    results = [value.type for value in operations[-1].operands]
    inputs = [argument.type for argument in arguments]
    body = _function(module, name, inputs, results, [argument.location for argument in arguments])
    for argument, new in zip(arguments, body.arguments, strict=True):
        argument.replace_all_uses_with(new)
    for operation in operations:
        body.append(operation)
    _replace_terminator(body, "func.return", ())
    with ir.InsertionPoint(block):
        call = ir.Operation.create(
            "func.call",
            results=results,
            operands=arguments,
            attributes={"callee": ir.FlatSymbolRefAttr.get(name)},
        )
        ir.Operation.create("tfl.yield", operands=list(call.results))


def _replace_terminator(block: Any, name: str, extra: Sequence[Any]) -> None:
    last = list(block.operations)[-1]
    with ir.InsertionPoint.at_block_terminator(block):
        ir.Operation.create(name, operands=[*last.operands, *extra], loc=last.location)
    last.operation.erase()


def _operations(block: Any) -> Iterator[Any]:
    """All operations in a block, and in the regions of those."""
    for operation in block.operations:
        yield operation.operation
        for region in operation.operation.regions:
            for inner in region.blocks:
                yield from _operations(inner)


def _is_inside(value: Any, block: Any) -> bool:
    owner = value.owner
    at = owner if isinstance(owner, ir.Block) else owner.operation.block
    while at != block:
        parent = at.owner  # the operation whose region holds the block
        if parent is None or parent.operation.name in ("func.func", "builtin.module"):
            return False
        at = parent.operation.block
    return True


def _is_constant(value: Any) -> bool:
    return not isinstance(value.owner, ir.Block) and value.owner.operation.name in _CONSTANTS


def _attribute_names(operation: Any) -> list[str]:
    return list(operation.attributes)
