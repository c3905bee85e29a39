"""Words for people: lists, hints, numbers with their noun. Knows nothing of models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from tflite_build.errors import near_miss

_SHOWN = 8
_TYPES = {"i1": "bool", "bf16": "bfloat16"}


def quoted(words: Iterable[str], last: str = "and") -> str:
    """The words in quotes as a phrase: `'a', 'b' and 'c'`; a long list is cut and counted."""
    listed = [f"'{word}'" for word in words]
    if len(listed) > _SHOWN + 1:
        return ", ".join(listed[:_SHOWN]) + f" and {len(listed) - _SHOWN} more"
    if len(listed) < 2:
        return listed[0] if listed else "nothing"
    return ", ".join(listed[:-1]) + f" {last} " + listed[-1]


def near_or_all(word: str, allowed: Sequence[str]) -> str:
    """The near miss where there is one, and what else is allowed: a hint for an unknown name."""
    if len(allowed) == 1 and near_miss(word, allowed):
        return near_miss(word, allowed)
    there = f"there {'is' if len(allowed) == 1 else 'are'} {quoted(allowed)}" if allowed else "there are none"
    return " ".join(part for part in (near_miss(word, allowed), there) if part)


def counted(number: int, noun: str) -> str:
    """`1 sample`, `3 samples`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def type_name(mlir: str) -> str:
    """The name that numpy has for an element type of MLIR."""
    found = re.fullmatch(r"(ui|si|i|f)(\d+)", mlir)
    if mlir in _TYPES:
        return _TYPES[mlir]
    if found:
        return {"ui": "uint", "f": "float"}.get(found[1], "int") + found[2]
    return re.sub(r"complex<f(\d+)>", lambda m: f"complex{2 * int(m[1])}", mlir)


def element_types(signature: str) -> tuple[str, ...]:
    """The element types of the tensors in `signature`, as numpy names them: `(tensor<4xi8>) -> tensor<4xf32>`."""
    found = re.findall(r"tensor<(?:[\d?]+x)*([^<>]+(?:<\w+>)?)>", signature)
    return tuple(dict.fromkeys(type_name(mlir) for mlir in found))


def shape_text(shape: Iterable[int | str]) -> str:
    """A shape as people write it: `[1, n, 3]`."""
    return "[" + ", ".join(str(d) for d in shape) + "]"


def table(signature: str, alone: bool, name: str = "") -> str:
    """The dotted key of model.toml for an input: `input.image`, or `signature.NAME.input.image` where there are more."""
    parts = ["input"] if alone else ["signature", signature, "input"]
    return ".".join(
        part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part) for part in (*parts, name) if part
    )
