"""Which files go along with which, in whatever language they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def closed(names: Iterable[str], needs: Mapping[str, Iterable[str]]) -> list[str]:
    """`names` and all that they need, and what that needs in turn, sorted."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs[name]
    return sorted(found)
