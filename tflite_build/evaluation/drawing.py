"""Where each operator of a graph is drawn: layered, every operator below those that it takes from.

A plain layered layout (Sugiyama's first steps): rows by the longest way from an input, and within a row in the order of the
means of what stands above, so that lines cross little.
"""

from __future__ import annotations

from dataclasses import dataclass

from .compute import macs
from .graph import Graph, size
from .layers import Layers

_MOST = 3000  # operators; beyond it nobody reads a drawing


@dataclass(frozen=True, slots=True)
class Drawn:
    """An operator, input or output in its place.

    Attributes:
        kind: The operator's name; "input" or "output" for the graph's own.
        label: The layer, or the tensor's name.
        shape: Of what it gives.
        row, column: Its place, from 0; columns are counted from the left of the row.
        width: How many stand in its row.
    """

    kind: str
    label: str
    shape: tuple[int, ...]
    dtype: str
    weights: int
    macs: int
    row: int
    column: int
    width: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph, drawn.

    Attributes:
        nodes: In the order in which they run.
        lines: From node to node, by their numbers.
        left_out: How many operators are not drawn, since there are too many.
    """

    nodes: tuple[Drawn, ...]
    lines: tuple[tuple[int, int], ...]
    left_out: int = 0


def drawing(graph: Graph, layers: Layers) -> Drawing:
    """The drawing of a subgraph."""
    tensors = graph.tensors
    shown = graph.nodes[:_MOST]
    rows: list[int] = []
    nodes: list[tuple[str, str, tuple[int, ...], str, int, int]] = []
    lines: list[tuple[int, int]] = []
    made: dict[int, int] = {}  # tensor -> the node that gives it

    def add(kind: str, label: str, tensor: int, weights: int, operations: int, above: list[int]) -> int:
        shape, dtype = (tensors[tensor].shape, tensors[tensor].dtype) if tensor >= 0 else ((), "")
        nodes.append((kind, label, shape, dtype, weights, operations))
        rows.append(1 + max((rows[a] for a in above), default=-1))
        lines.extend((a, len(nodes) - 1) for a in dict.fromkeys(above))
        return len(nodes) - 1

    for index in graph.subgraph.inputs:
        made[index] = add("input", tensors[index].name, index, 0, 0, [])
    for node in shown:
        given = [t.index for t in node.inputs if t is not None]
        constants = [t for t in node.inputs if t is not None and graph.is_constant(t)]
        first = next((t.index for t in node.outputs if t is not None), -1)
        number = add(
            node.name,
            layers.of_node.get(node.index, ""),
            first,
            sum(map(size, constants)),
            macs(node),
            [made[i] for i in given if i in made],
        )
        made |= {t.index: number for t in node.outputs if t is not None}
    for index in graph.subgraph.outputs:
        if index in made:
            add("output", tensors[index].name, index, 0, 0, [made[index]])
    places = _columns(rows, lines)
    widths = {row: rows.count(row) for row in set(rows)}
    drawn = tuple(Drawn(*node, row, column, widths[row]) for node, row, column in zip(nodes, rows, places, strict=True))
    return Drawing(drawn, tuple(lines), len(graph.nodes) - len(shown))


def _columns(rows: list[int], lines: list[tuple[int, int]]) -> list[int]:
    above: dict[int, list[int]] = {}
    for start, end in lines:
        above.setdefault(end, []).append(start)
    by_row: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        by_row.setdefault(row, []).append(number)
    columns = [0] * len(rows)

    def mean(number: int) -> float:
        over = above.get(number, ())
        return sum(columns[n] for n in over) / len(over) if over else 0.0

    for row in sorted(by_row):
        for column, number in enumerate(sorted(by_row[row], key=lambda n: (mean(n), n))):
            columns[number] = column
    return columns
