"""What a delegate gets of a graph: which operators it takes, in how many pieces, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotTaken:
    """An operator that stays with the runtime's own kernels, and why."""

    operator: str
    layer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a delegate gets.

    Attributes:
        source: The table's source.
        operators: How many there are.
        taken: How many the delegate can take.
        delegated: How many it gets in the end, where it only gets so many pieces.
        pieces: The number of operators in each of its pieces, in the order in which they run.
        cuts: The operators, by name and layer, that the graph is cut at: the first of each piece that is not delegated.
        not_taken: Why the others are not taken.
    """

    source: str
    operators: int
    taken: int
    delegated: int
    pieces: tuple[int, ...]
    cuts: tuple[str, ...]
    not_taken: tuple[NotTaken, ...]

    @property
    def whole(self) -> bool:
        """Whether it gets every operator."""
        return self.delegated == self.operators > 0
