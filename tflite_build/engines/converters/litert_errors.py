"""What litert-converter says when it fails, as a refusal that names operators and the user's source lines.

Knows the texts and the operations of litert-converter 0.5.0, nothing of how it is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from litert_converter.mlir import ir

from tflite_build.engines.contract import FailingOperator, Refused
from tflite_build.engines.words import element_types, quoted

_LINES = 12  # of the converter's own words
_RUN_OPERATIONS = frozenset(
    {"while", "if", "case"}
)  # what is inside of others, such as a comparison of sort, is a part of them


@dataclass(frozen=True, slots=True)
class Leftover:
    """An operation that the passes have not brought into a form of TensorFlow Lite.

    Attributes:
        name: For people: of a custom call, what it calls.
        operator: What the file has in its place, such as STABLEHLO_SORT.
    """

    name: str
    source: str
    operator: str


def leftover_operators(module: Any) -> list[Leftover]:
    """Operations of other dialects: what the export fails on without a word, save those that the runtime has.

    Of one that holds others, such as the comparison of a sort, it alone.
    """
    found: dict[Leftover, None] = {}

    def look(operation: Any) -> Any:
        dialect, _, name = operation.name.partition(".")
        if dialect in ("stablehlo", "chlo", "mhlo", "tf") and operation.name != "tf.If":
            operator = f"{dialect}_{name}".upper()
            if name == "custom_call":
                name = ir.StringAttr(operation.attributes["call_target_name"]).value
            if name != "return":
                found[Leftover(name, source_of(str(operation.location)), operator)] = None
            if name not in _RUN_OPERATIONS:
                return ir.WalkResult.SKIP
        return ir.WalkResult.ADVANCE

    module.operation.walk(look, ir.WalkOrder.PRE_ORDER)
    return list(found)


def refusal_of_passes(text: str, leftovers: Sequence[Leftover], hopeless: Sequence[Leftover] = ()) -> Refused:
    """The refusal for a ValueError of the passes or of the export.

    Args:
        text: The error's message.
        leftovers: What `leftover_operators` found, where the passes came to an end.
        hopeless: What would have been refused next.
    """
    operators = list(_flex(text)) + list(_illegal(text))
    if not operators:
        operators = [FailingOperator(o.name, "", o.source) for o in leftovers]
    named = {o.name for o in operators}
    operators += [FailingOperator(o.name, "", o.source) for o in hopeless if operators and o.name not in named]
    places_of = {o.name: o.source for o in (*leftovers, *hopeless)}
    operators = [o if o.source else replace(o, source=places_of.get(o.name, "")) for o in dict.fromkeys(operators)]
    names = list(dict.fromkeys(o.name for o in operators))
    detail = "\n".join(_trimmed(text))
    if names:
        places = list(dict.fromkeys(o.source for o in operators if o.source))
        where = f" ({', '.join(places[:3])})" if places else ""
        return Refused(f"the LiteRT converter has no form of {quoted(names)}{where}", operators, detail)
    said = re.search(r"^.*?: error: (?:loc\(.*\): )?(.+)$", text, re.MULTILINE)
    if not said:
        return Refused("the LiteRT converter fails and gives no reason", (), detail)
    place = source_of(text[said.start() :])
    return Refused(
        f"the LiteRT converter fails: {said[1][:200].rstrip('. ')}" + (f" ({place})" if place else ""), (), detail
    )


def source_of(location: str) -> str:
    """Where an operation comes from: `model.py:12`, or the layer that a Keras name scope gives, or an empty string.

    Args:
        location: An MLIR location, or the lines of an error that hold some, the innermost first.
    """
    for file, line in re.findall(r'([^\s"()]+\.py)"?:(\d+)', location):
        if "site-packages" not in file:
            return f"{file.rpartition('/stage/')[2]}:{line}"
    for path in re.findall(r'"(jit\([^"]*)"', location):
        scopes = [part for part in path.split("/")[:-1] if "(" not in part]
        if scopes:
            return "/".join(scopes)
    return ""


def _flex(text: str) -> Iterable[FailingOperator]:
    for kind, needs in (("Select", "select"), ("Custom", "custom")):
        for names in re.findall(rf"^TF {kind} ops: (.+)$", text, re.MULTILINE):
            yield from (FailingOperator(name.strip(), needs) for name in names.split(","))


def _illegal(text: str) -> Iterable[FailingOperator]:
    """`failed to legalize operation 'tfl.add' ...: %1 = ... : (tensor<4xi8>, tensor<i8>) -> tensor<4xi8>`."""
    # An error's own line comes first, then where it was called from.
    for block in re.split(r"^(?=.*: error: )", text, flags=re.MULTILINE):
        found = re.search(r"failed to legalize operation '\w+\.(\w+)'.*", block)
        if not found:
            continue
        target = re.search(r'call_target_name = "([^"]+)"', found[0])
        signature = found[0].rpartition(" : ")[2]
        kinds = [t for t in element_types(signature) if t not in ("float32", "int32", "bool")]
        name = target[1] if target else f"{found[1]} of {' and '.join(kinds)}" if kinds else found[1]
        yield FailingOperator(name, "", source_of(block))


def _trimmed(text: str) -> Iterable[str]:
    lines = [line for line in _without_callers(text) if line.strip()]
    for line in lines[:_LINES]:
        yield line if len(line) <= 300 else line[:300] + " ..."
    if len(lines) > _LINES:
        yield f"... and {len(lines) - _LINES} more lines"


def _without_callers(text: str) -> Iterable[str]:
    """The lines without those on who called, which are this tool's own in the end; the user's files by short names."""
    caller = False
    for line in text.splitlines():
        caller = line.endswith("note: called from") or (caller and line.startswith(" "))
        if not caller:
            yield re.sub(r"\S*/stage/", "", line)
