"""What `keep_float` patterns mean: `op:KIND` is all operators of a kind, all else a regular expression on their scopes.

A scope is what litert-quantizer finds the rules for an operator by: the names of its outputs (`Subgraph.scope`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_KIND = "op:"


def of_kind(kind: str) -> str:
    """The pattern of all operators of `kind`."""
    return f"{_KIND}{kind}"


def kind_of(pattern: str) -> str | None:
    """The kind that `pattern` names; None where it is a regular expression."""
    return pattern.removeprefix(_KIND) if pattern.startswith(_KIND) else None


def matches(pattern: str, kind: str, scope: str) -> bool:
    """Whether `pattern` names an operator of `kind` with `scope`."""
    named = kind_of(pattern)
    return kind == named if named is not None else re.search(pattern, scope) is not None


def keeps(patterns: Sequence[str], kind: str, scope: str) -> bool:
    """Whether any of `patterns` names it."""
    return any(matches(pattern, kind, scope) for pattern in patterns)
