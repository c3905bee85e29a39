"""What operators' options say, by name, and which subgraphs they run; the names are those of specs/operator-options.toml.

Options of a kind that the table does not know have no names here. Knows nothing of what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import tomli

from tflite_build import resources

from .flatbuffer import FormatError, Table
from .reader import TENSOR_TYPES, Model, Operator

Value = bool | int | float | str | tuple[int | float | str, ...]

_TENSOR_TYPE = "TensorType"
_UNSAID = ("NONE", "DEFAULT", "", False, 0, ())
_LONGEST = 16  # numbers of a vector that are shown


@dataclass(frozen=True, slots=True)
class Option:
    """A field of an operator's options.

    Attributes:
        plain: Whether it is what nearly every operator has, such as no activation, and needs no mention.
        raw: Whether it is bytes, which only that operator understands.
    """

    name: str
    value: Value
    plain: bool
    raw: bool = False

    @property
    def text(self) -> str:
        """Name and value for people."""
        if isinstance(self.value, tuple):
            if self.raw:
                return f"{self.name} {len(self.value)} bytes"
            more = ", ..." if len(self.value) > _LONGEST else ""
            return f"{self.name} [{', '.join(map(str, self.value[:_LONGEST]))}{more}]"
        if isinstance(self.value, bool):
            return self.name if self.value else f"not {self.name}"
        return f"{self.name} {self.value:.6g}" if isinstance(self.value, float) else f"{self.name} {self.value}"


@dataclass(frozen=True, slots=True)
class Call:
    """A subgraph that an operator runs, as its `role`: "cond" and "body" of a loop, "then" and "else" of a branch."""

    role: str
    subgraph: int


@dataclass(frozen=True, slots=True)
class _Field:
    number: int
    name: str
    kind: str
    vector: bool
    default: int


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = tomli.loads(resources.specs("operator-options.toml").read_text("utf-8"))
    return table


@cache
def _fields(kinds: tuple[int, int]) -> tuple[tuple[_Field, ...], tuple[_Field, ...]]:
    """The fields of both options tables of an operator."""
    first, second = (
        tuple(_field(number, text) for number, text in enumerate(_table()["options"].get(names[kind], ())) if text)
        if kind < len(names)
        else ()
        for kind, names in zip(kinds, _table()["unions"].values(), strict=True)
    )
    return first, second


def _field(number: int, text: str) -> _Field:
    head, _, default = text.partition(" = ")
    name, kind = head.split(" ")
    plain = kind.strip("[]")
    return _Field(number, name, plain, kind != plain, _default(plain, default))


def _default(kind: str, text: str) -> int:
    if kind == _TENSOR_TYPE:
        return TENSOR_TYPES.index(text.lower()) if text else 0
    if kind in _table()["enums"]:
        return int(_table()["enums"][kind].index(text)) if text else 0
    return {"": 0, "true": 1, "false": 0}.get(text) or int(text or 0)


def options(operator: Operator) -> tuple[Option, ...]:
    """The options of an operator, in the order of the schema; those of a custom operator are bytes of its own.

    Raises:
        FormatError: If the file is damaged there.
    """
    found = []
    for fields, table in zip(_fields(operator.kinds), (operator.options, operator.options2), strict=True):
        if table is not None:
            found += [_option(field, table) for field in fields]
    return tuple(found)


def _option(field: _Field, table: Table) -> Option:
    kind = "i8" if field.kind == _TENSOR_TYPE else _table()["enum_types"].get(field.kind, field.kind)
    value: Value
    if kind == "string":
        value = table.string(field.number) or ""
    elif field.vector:
        value = tuple(_named(field.kind, v) for v in table.scalars(field.number, kind))
    else:
        value = _named(field.kind, table.number(field.number, kind, field.default))
        if kind == "bool":
            value = bool(value)
    plain = value in _UNSAID if not field.default else value == _named(field.kind, field.default)
    if field.kind == _TENSOR_TYPE:
        plain = not table.position(field.number)
    elif field.kind in _table()["enums"]:
        plain = value in ("NONE", "DEFAULT")
    return Option(field.name, value, plain, field.vector and kind == "u8")


def _named(kind: str, value: float) -> int | float | str:
    if kind == _TENSOR_TYPE:
        words = TENSOR_TYPES
    elif kind in _table()["enums"]:
        words = tuple(_table()["enums"][kind])
    else:
        return value
    return words[int(value)] if 0 <= value < len(words) and words[int(value)] else int(value)


def calls(model: Model, operator: Operator) -> tuple[Call, ...]:
    """The subgraphs that an operator runs.

    Raises:
        FormatError: If it names one that is not there.
    """
    if model.codes[operator.code].custom:
        return ()
    found = []
    for fields, table in zip(_fields(operator.kinds), (operator.options, operator.options2), strict=True):
        for field in fields:
            role = _role(field.name)
            if role is None or table is None:
                continue
            if field.vector:
                numbers = table.integers(field.number, field.kind)
                found += [Call(f"{role} {i}", number) for i, number in enumerate(numbers)]
            else:
                found.append(Call(role, table.scalar(field.number, field.kind, field.default)))
    for call in found:
        if not 0 <= call.subgraph < len(model.subgraphs):
            name, count = model.codes[operator.code].name, len(model.subgraphs)
            raise FormatError(f"the file is damaged: {name} runs subgraph {call.subgraph}, and there are {count}")
    return tuple(found)


@cache
def _role(name: str) -> str | None:
    if name == "called_computations":
        return "computation"
    role, found, _ = f"_{name}".partition("_subgraph")
    return (role.removeprefix("_").removesuffix("_computation") or "body") if found else None
