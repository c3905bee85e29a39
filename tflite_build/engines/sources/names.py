"""Names for what a source leaves without one, or names twice. Knows nothing of frameworks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def unique(names: Iterable[str]) -> list[str]:
    """The names in order, each later duplicate with the first free `_1`, `_2` ... behind it."""
    wanted = list(names)
    taken = set(wanted)
    seen: set[str] = set()
    result = []
    for name in wanted:
        new = name
        number = 0
        while new in seen or (new != name and new in taken):
            number += 1
            new = f"{name}_{number}"
        seen.add(new)
        result.append(new)
    return result


def output_name(path: Sequence[Any]) -> str:
    """What an output is called after the way to it in what a function returns: keys, fields and places in sequences.

    `boxes` for ("boxes",), `boxes_0` for ("boxes", 0), `output_0` for (0,) and `output` for the result itself.
    """
    named = bool(path) and isinstance(path[0], str)
    return "_".join(str(part) for part in (path if named else ["output", *path]))
