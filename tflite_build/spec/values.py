"""The values that keys of specs may have, beyond what TOML itself knows: each with its words for what is wrong."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from tflite_build.tflite.runtimes import PLATFORMS, release


def wrong(message: str, key: str = "") -> PydanticCustomError:
    """A rule of a table that is broken, at one of its keys where one is to blame."""
    return PydanticCustomError("spec", "{message}", {"message": message, "key": key})


def as_tuple(value: Any) -> Any:
    """TOML's arrays as tuples."""
    return tuple(value) if isinstance(value, list) else value


LARGEST = 2**31 - 1
_WORD = "[A-Za-z_][A-Za-z0-9_]*"


def _dimension(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    word = isinstance(value, str) and re.fullmatch(_WORD, value)
    if number and value > LARGEST:
        raise wrong(f"a dimension is at most {LARGEST}, which is what a .tflite file can hold")
    if not (number or word):
        shown = f'"{value}"' if isinstance(value, str) else str(value).lower()
        raise wrong(f'a dimension is a number of at least 1, or a name such as "n" where it is dynamic, not {shown}')
    return value


def _pair(value: Any) -> Any:
    def number(v: Any) -> bool:
        return isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)

    if not (isinstance(value, list) and len(value) == 2 and all(map(number, value))):
        raise wrong("a range is two numbers, [lowest, highest]")
    return float(value[0]), float(value[1])


def _per_channel(low: float, high: float, kind: str, *, whole: bool = False) -> Any:
    """Reads one number, or a list of one for all channels or of one each."""

    def good(v: Any) -> bool:
        number = isinstance(v, int if whole else int | float) and not isinstance(v, bool)
        return number and math.isfinite(v) and low <= v <= high

    def read(value: Any) -> Any:
        values = value if isinstance(value, list) else [value]
        bad = [v for v in values if not good(v)]
        if not values or bad:
            found = f", not {bad[0]!r}" if bad else ""
            raise wrong(f"one {kind} for all channels or a list with one each is needed{found}")
        return tuple(v if whole else float(v) for v in values)

    return read


def _errors(value: Any) -> Any:
    def positive(v: Any) -> bool:
        return isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) and v > 0

    if value == {}:
        raise wrong("an empty table limits no output")
    bad = [v for v in (value.values() if isinstance(value, dict) else [value]) if not positive(v)]
    if bad:
        raise wrong(f"an error is a number above 0, or a table of output name to such numbers, not {bad[0]!r}")
    return {k: float(v) for k, v in value.items()} if isinstance(value, dict) else float(value)


def _select_ops(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, list) and all(isinstance(v, str) and v for v in value):
        return tuple(dict.fromkeys(name.removeprefix("Flex") for name in value))
    raise wrong('this is true, false, or a list of TensorFlow\'s names of operators, such as ["Lgamma"]')


def _oldest(value: Any) -> Any:
    if isinstance(value, dict) and not value:
        raise wrong(f"an empty table names no platform: {' or '.join(PLATFORMS)}")
    for platform, text in value.items() if isinstance(value, dict) else [("", value)]:
        if platform and platform not in PLATFORMS:
            raise wrong(f"'{platform}' is no platform: {' or '.join(PLATFORMS)}")
        if not isinstance(text, str):
            shown = "a table" if isinstance(text, dict) else "a list" if isinstance(text, list) else str(text).lower()
            text = str(text) if isinstance(text, int | float) and not isinstance(text, bool) else shown
        try:
            release(text)
        except ValueError as error:
            raise wrong(str(error)) from None
    return value


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=64)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=255)]
Operator = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.>:/-]*$", max_length=255)]
RelativePath = Annotated[str, StringConstraints(min_length=1)]
Entry = Annotated[str, StringConstraints(pattern=r"^[^:]+\.py:[A-Za-z_][A-Za-z0-9_.]*$")]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6})? ?(MB|GB)$")]
Size = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6})? ?(B|[kK]B|MB|GB)$")]
Abi = Literal["arm64-v8a", "armeabi-v7a", "x86", "x86_64"]
Api = Literal["auto", "compiled-model", "interpreter"]
RuntimeTarget = Literal["standard", "play-services", "custom"]
Targets = Annotated[
    tuple[RuntimeTarget, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else as_tuple(value)),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(get_args(RuntimeTarget))},
                {"type": "array", "items": {"enum": list(get_args(RuntimeTarget))}, "minItems": 1},
            ]
        }
    ),
]
Accelerators = Annotated[
    tuple[Literal["npu", "gpu", "cpu"], ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else as_tuple(value)),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["npu", "gpu", "cpu"]},
                {"type": "array", "items": {"enum": ["npu", "gpu", "cpu"]}, "minItems": 1},
            ]
        }
    ),
]
SelectOps = Annotated[
    bool | tuple[str, ...],
    BeforeValidator(lambda value: _select_ops(value)),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}]}),
]
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
_OLDEST = {"type": "string", "pattern": r"^(litert|tflite) [0-9]+\.[0-9]+(\.[0-9]+)?$"}
Errors = Annotated[
    float | dict[str, float],
    BeforeValidator(lambda value: _errors(value)),
    WithJsonSchema({"anyOf": [_POSITIVE, {"type": "object", "additionalProperties": _POSITIVE}]}),
]
Oldest = Annotated[
    str | dict[str, str],
    BeforeValidator(lambda value: _oldest(value)),
    WithJsonSchema(
        {
            "anyOf": [
                _OLDEST,
                {"type": "object", "properties": dict.fromkeys(PLATFORMS, _OLDEST), "additionalProperties": False},
            ]
        }
    ),
]
Engine = Literal["auto", "litert", "tensorflow"]
Tolerance = Annotated[float, Field(gt=0, le=1)]
Cosine = Annotated[float, Field(ge=-1, le=1)]
Seconds = Annotated[int, Field(ge=1, le=10_000_000)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Dimension = Annotated[
    int | str,
    BeforeValidator(lambda value: _dimension(value)),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": LARGEST}, {"type": "string", "pattern": f"^{_WORD}$"}]}
    ),
]
Dtype = Literal["float32", "float16", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"]
Paths = Annotated[tuple[RelativePath, ...], BeforeValidator(as_tuple)]
_PATH = {"type": "string", "minLength": 1}
Libraries = Annotated[
    tuple[RelativePath, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else as_tuple(value)),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [_PATH, {"type": "array", "items": _PATH, "minItems": 1}]}),
]
Strings = Annotated[tuple[Annotated[str, StringConstraints(min_length=1)], ...], BeforeValidator(as_tuple)]
Shape = Annotated[tuple[Dimension, ...], BeforeValidator(as_tuple)]
Sizes = Annotated[tuple[Annotated[int, Field(ge=1, le=LARGEST)], ...], BeforeValidator(as_tuple), Field(min_length=1)]
Range = Annotated[tuple[float, float], BeforeValidator(lambda value: _pair(value))]


def _one_or_each(item: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


Means = Annotated[
    tuple[float, ...], BeforeValidator(_per_channel(-1e30, 1e30, "number")), _one_or_each({"type": "number"})
]
Deviations = Annotated[
    tuple[float, ...], BeforeValidator(_per_channel(1e-30, 1e30, "number above 0")), _one_or_each(_POSITIVE)
]
Pixels = Annotated[
    tuple[int, ...],
    BeforeValidator(_per_channel(0, 255, "whole number from 0 to 255", whole=True)),
    _one_or_each({"type": "integer", "minimum": 0, "maximum": 255}),
]


def is_data(path: str | None) -> None:
    """Data is an .npz file or a folder, which one can tell from the path: a folder with a dot in its name ends in `/`."""
    if path and not path.endswith(("/", ".npz")) and "." in path.replace("\\", "/").rpartition("/")[2].lstrip("."):
        raise wrong(f"'data' is an .npz file or a folder of pictures or sounds, not '{path}'", "data")
