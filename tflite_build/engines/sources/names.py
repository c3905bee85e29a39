"""Names for what a source leaves without one, or names twice. Knows nothing of frameworks."""

from __future__ import annotations

from collections.abc import Iterable


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
