"""What is written below each key in the types of specs. Read from their source only where it is shown: it takes a while."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from types import ModuleType

from pydantic import BaseModel


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """The description of each field of `model`, by the field's name; the line breaks are those of the source."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base.__module__.startswith(f"{__package__}."):
            found |= _written(sys.modules[base.__module__])[base.__name__]
    return found


@cache
def _written(module: ModuleType) -> dict[str, dict[str, str]]:
    """By class and field: the text that follows a field."""
    return {
        node.name: {
            field.target.id: inspect.cleandoc(text.value.value)
            for field, text in zip(node.body, node.body[1:], strict=False)
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
        }
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.ClassDef)
    }
