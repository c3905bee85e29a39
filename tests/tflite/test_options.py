"""The table of operators' options, held against the code for the format that LiteRT's own converter carries."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli

from tflite_build import resources
from tflite_build.tflite.options import _default, _fields
from tflite_build.tflite.reader import TENSOR_TYPES

TABLE = tomli.loads(resources.specs("operator-options.toml").read_text("utf-8"))
_SLOTS = {
    "Bool": {"bool"},
    "Int8": {"i8"},
    "Uint8": {"u8"},
    "Int32": {"i32"},
    "Uint32": {"u32"},
    "Int64": {"i64"},
    "Float32": {"f32"},
}


@pytest.fixture(scope="module")
def schema(python_of: Callable[[str], Path]) -> str:
    python = python_of("core")
    (found,) = python.parent.parent.glob("lib/python*/site-packages/litert_converter/schema_py_generated.py")
    return found.read_text("utf-8")


def members(schema: str, enum: str) -> dict[str, int]:
    body = re.search(rf"^class {enum}\(object\):\n((?:    \w+ = \d+\n)+)", schema, re.MULTILINE)
    assert body, enum
    return {name: int(number) for name, number in re.findall(r"(\w+) = (\d+)", body[1])}


def test_the_members_of_unions_and_enums_have_their_numbers(schema: str) -> None:
    for key, union in (("builtin", "BuiltinOptions"), ("builtin_2", "BuiltinOptions2")):
        assert {name: i for i, name in enumerate(TABLE["unions"][key]) if name} == {
            name: i for name, i in members(schema, union).items() if name != "NONE"
        }
    for enum, words in TABLE["enums"].items():
        theirs = members(schema, enum)
        assert sorted(theirs.values()) == [i for i, word in enumerate(words) if word], enum
        assert all(next(n for n, i in theirs.items() if i == k).endswith(w) for k, w in enumerate(words) if w), enum
    assert list(members(schema, "TensorType")) == [name.upper() for name in TENSOR_TYPES]


def test_fields_have_their_slots_types_and_defaults(schema: str) -> None:
    """No option is read as another: each is where the converter puts it."""
    checked = 0
    for union, kinds in (("builtin", (1, 0)), ("builtin_2", (0, 1))):
        for number, name in enumerate(TABLE["unions"][union]):
            if name not in TABLE["options"]:
                continue
            first, second = _fields((number * kinds[0], number * kinds[1]))
            for field in (*first, *second):
                camel = "".join(part.capitalize() for part in field.name.split("_"))
                written = re.search(
                    rf"^def {name}Add{camel}\(.*\n +builder\.Prepend(\w+?)(?:Relative)?Slot\((\d+), .*?, ([\w.-]+)\)$",
                    schema,
                    re.MULTILINE | re.IGNORECASE,
                )
                assert written, (name, field.name)
                kind, slot, default = written.groups()
                assert int(slot) == field.number, (name, field.name)
                checked += 1
                if field.vector or field.kind == "string":
                    assert kind == "UOffsetT", (name, field.name)
                    continue
                own = TABLE["enum_types"].get(field.kind, "i8" if field.kind == "TensorType" else field.kind)
                assert own in _SLOTS[kind], (name, field.name)
                assert float({"True": 1, "False": 0}.get(default, default)) == field.default, (name, field.name)
    assert checked > 180


def test_defaults_in_words() -> None:
    assert [_default(*d) for d in (("bool", "true"), ("bool", ""), ("i32", "1"), ("TensorType", "INT32"))] == [
        1,
        0,
        1,
        2,
    ]
    assert _default("LSTMKernelType", "FULL") == 0
