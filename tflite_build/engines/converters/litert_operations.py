"""Finding the operations of a module that is to change, and putting others in their place.

Knows nothing of what any operation means.
"""

from __future__ import annotations

from typing import Any

from litert_converter.mlir import ir


def named(module: Any, name: str) -> list[Any]:
    """All operations called `name`, those of inner regions first. A list, since what is walked must not change."""
    found: list[Any] = []

    def look(operation: Any) -> Any:
        if operation.name == name:
            found.append(operation)
        return ir.WalkResult.ADVANCE

    module.operation.walk(look, ir.WalkOrder.POST_ORDER)
    return found


def replace(old: Any, new: Any) -> None:
    """Let everything that reads a result of `old` read that of `new`, and remove `old`."""
    for result, other in zip(old.results, new.results, strict=True):
        result.replace_all_uses_with(other)
    old.erase()
