"""How `diff` looks: what differs, part by part, the coarsest first; of weights those that changed most stand first."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path

from tflite_build.errors import printable
from tflite_build.run.comparison import ModelDifference, OutputChange
from tflite_build.tflite.difference import Change

from . import console

_SHOWN = 40  # of a part
_LONGEST = 160
_PARTS = {
    "file": "file",
    "metadata": "metadata",
    "operators": "operators",
    "signatures": "signatures",
    "graphs": "graphs",
    "tensors": "tensors",
    "quantization": "quantization",
    "weights": "weights",
}


def show(found: ModelDifference) -> None:
    """Print `found`."""
    names = _path(found.one), _path(found.other)
    if found.same:
        console.line(f"{names[0]} and {names[1]} are the same, byte for byte")
    else:
        console.line(f"{names[0]} -> {names[1]}")
    for part, title in _PARTS.items():
        changes = [c for c in found.changes if c.part == part]
        if changes:
            console.line()
            console.line(title)
            (_weights if part == "weights" else _lines)(changes)
    if found.outputs is not None:
        console.line()
        console.line("outputs for the given data" + (" are the same" if all(o.same for o in found.outputs) else ""))
        console.table(
            ["output", "differ", "largest difference", "values up to"],
            [_output(o) for o in found.outputs],
            right=(2, 3),
            indent="  ",
        )


def _lines(changes: Sequence[Change]) -> None:
    for change in changes[:_SHOWN]:
        console.line(f"  {_cut(change.text)}")
    _more(len(changes))


def _weights(changes: Sequence[Change]) -> None:
    ordered = sorted(changes, key=_largest, reverse=True)
    console.table(
        ["tensor", "numbers", "differ", "largest change"],
        [_weight(c) for c in ordered[:_SHOWN]],
        right=(1, 2, 3),
        indent="  ",
    )
    _more(len(changes))


def _largest(change: Change) -> float:
    if change.values is None or change.values.largest is None:
        return inf
    return change.values.largest


def _weight(change: Change) -> list[str]:
    where = f"graph {change.graph}: " if change.text.startswith("graph ") else ""
    name = where + _cut(change.name, 60)
    values = change.values
    if values is None:
        return [name, f"{change.before} -> {change.after}", "", ""]
    largest = "unknown" if values.largest is None and values.changed else f"{values.largest or 0:.3g}"
    return [name, f"{values.count:,}", f"{values.changed:,}", largest + (" (real numbers)" if values.real else "")]


def _output(output: OutputChange) -> list[str]:
    name = output.name if output.name == output.other else f"{output.name or 'none'} -> {output.other or 'none'}"
    if output.before != output.after:
        return [_cut(name, 60), f"{_shape(output.before)} -> {_shape(output.after)}", "", ""]
    differ = f"{output.changed:,} of {output.count:,}"
    if output.spread is None:  # texts
        return [_cut(name, 60), differ, "", ""]
    largest = "unknown" if output.largest is None and output.changed else f"{output.largest or 0:.3g}"
    return [_cut(name, 60), differ, largest, f"{output.spread:.3g}"]


def _shape(shape: tuple[int, ...] | None) -> str:
    return "not there" if shape is None else f"[{', '.join(map(str, shape))}]"


def _more(count: int) -> None:
    if count > _SHOWN:
        console.line(f"  and {count - _SHOWN} more; --json lists all")


def _cut(text: str, most: int = _LONGEST) -> str:
    return printable(text if len(text) <= most else text[: most // 2] + "..." + text[-most // 2 :])


def _path(path: Path) -> str:
    return printable(str(path))
