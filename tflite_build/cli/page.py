"""The evaluation as one self-contained HTML page: what stands in the template is decided here, all numbers as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from tflite_build import __version__, resources
from tflite_build.evaluation.drawing import Drawing, Drawn
from tflite_build.run.evaluating import Evaluation, FileEvaluation
from tflite_build.run.publish import Placement, check_named

from . import console
from .evaluated import count_text, share_text

_BARS = 24  # layers in a chart
_BOX = (150, 40)
_GAP = (26, 30)
_CHART = (620, 280, 70, 34)  # width, height, left, bottom
_LABEL = (70, 14)  # what a label of a point takes
_MARK = b'<meta name="generator" content="tflite-build evaluate">'


def check(file: Path) -> None:
    """Look at the place of a page before there is one.

    Raises:
        UsageError: If what stands there is no such page, such as the model itself.
        StoreError: If nothing can be written there.
    """
    check_named("--html", file, _MARK)


def write(evaluation: Evaluation, file: Path) -> None:
    """Write the page, whole or not at all.

    Raises:
        StoreError: If `file` cannot be written.
    """
    with Placement(named=True) as placement:
        placement.content(render(evaluation).encode("utf-8", "backslashreplace"), file)
        placement.commit()


def render(evaluation: Evaluation) -> str:
    """The page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates("evaluate")),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(
        evaluation=evaluation,
        tool=__version__,
        files=[_file(f) for f in evaluation.files],
        charts=[_bars(f) for f in evaluation.files],
        sizes=_sizes(evaluation.files),
        plot=_plot(evaluation.files),
        operators=_operators(evaluation.files[0]) if evaluation.files else [],
        graph=_graph(evaluation.drawing) if evaluation.drawing else None,
    )


def _file(f: FileEvaluation) -> dict[str, str]:
    held, first = f.figures.data, f.figures.signatures
    threads = {t.threads: t for t in f.timings}
    return {
        "variant": f.variant or "the file",
        "quantization": f.figures.quantization,
        "size": console.size(held.file),
        "parameters": f"{held.parameters:,}",
        "arena": console.size(max((s.arena for s in first), default=0)),
        "macs": count_text(max((s.compute.total for s in first), default=0)),
        "gpu": _coverage(f, "gpu"),
        "xnnpack": _coverage(f, "xnnpack"),
        "accuracy": "" if f.accuracy is None else f"{f.accuracy:.2%}",
        "cosine": "" if f.cosine is None else f"{f.cosine:.6f}",
        "time": ", ".join(f"{t.median * 1000:.3g} ms on {n}" for n, t in sorted(threads.items())),
    }


def _coverage(f: FileEvaluation, delegate: str) -> str:
    found = [getattr(s, delegate) for s in f.figures.signatures]
    return share_text((c.delegated, c.operators) for c in found)


def _sizes(files: Sequence[FileEvaluation]) -> list[dict[str, Any]]:
    most = max((f.figures.data.file for f in files), default=1)
    return [
        {
            "name": f.variant or "the file",
            "width": round(100 * f.figures.data.file / most, 2),
            "text": console.size(f.figures.data.file),
        }
        for f in files
    ]


def _bars(f: FileEvaluation) -> dict[str, Any]:
    """The bytes of weights by layer."""
    layers = sorted(f.figures.data.by_layer.items(), key=lambda row: -row[1])
    rows = [(name or "(no name)", size) for name, size in layers[:_BARS] if size]
    rest = sum(size for _, size in layers[_BARS:])
    rows += [(f"{len(layers) - _BARS} more", rest)] if rest else []
    most = max((size for _, size in rows), default=1)
    return {
        "variant": f.variant or "the file",
        "rows": [{"name": n, "width": round(100 * s / most, 2), "text": console.size(s)} for n, s in rows],
    }


def _plot(files: Sequence[FileEvaluation]) -> dict[str, Any] | None:
    """How good each variant is against its size: by accuracy where it was measured and tells them apart, else by cosine."""
    told = {f.accuracy for f in files if f.accuracy is not None}
    name = "accuracy" if len(told) > 1 else "cosine"
    values = [(f.variant, f.figures.data.file, f.accuracy if name == "accuracy" else f.cosine) for f in files]
    points = sorted((size, variant, value) for variant, size, value in values if value is not None)
    if len(points) < 2:
        return None
    width, height, left, bottom = _CHART
    top, right = 16, 90
    lowest, highest = min(v for *_, v in points), max(v for *_, v in points)
    margin = (highest - lowest) * 0.1 or max(abs(highest) * 0.001, 1e-6)
    lowest, highest = lowest - margin, highest + margin
    largest = points[-1][0] * 1.05

    def across(size: int) -> float:
        return round(left + (width - left - right) * size / largest, 1)

    def up(value: float) -> float:
        return round(height - bottom - (height - bottom - top) * (value - lowest) / (highest - lowest), 1)

    placed: list[tuple[float, float]] = []  # labels, which would else lie on each other
    shown = []
    for size, variant, value in points:
        x, y = across(size) + 8, up(value) + 4
        while any(abs(x - other) < _LABEL[0] and abs(y - line) < _LABEL[1] for other, line in placed):
            y -= _LABEL[1]
        placed.append((x, y))
        text = f"{variant}: {console.size(size)}, {name} {_value(name, value)}"
        shown.append({"name": variant, "x": across(size), "y": up(value), "label": (x, y), "text": text})
    ticks = [lowest + (highest - lowest) * i / 4 for i in range(5)]
    return {
        "name": name,
        "width": width,
        "height": height,
        "left": left,
        "right": width - right,
        "base": height - bottom,
        "largest": console.size(largest),
        "ticks": [{"y": up(tick), "text": _value(name, tick)} for tick in ticks],
        "points": shown,
    }


def _value(name: str, value: float) -> str:
    return f"{value:.2%}" if name == "accuracy" else f"{value:.6f}"


def _operators(f: FileEvaluation) -> list[dict[str, Any]]:
    totals: dict[str, int] = {}
    for signature in f.figures.signatures:
        for name, count in signature.compute.macs.items():
            totals[name] = totals.get(name, 0) + count
    return [
        {
            "name": o.name,
            "count": o.count,
            "macs": totals.get(o.name, 0),
            "macs_text": count_text(totals[o.name]) if totals.get(o.name) else "",
            "needs": o.needs,
            "since": ", ".join(f"{line} {version}" for line, version in o.since.items() if version),
            "layers": ", ".join(filter(None, o.layers)),
            "restrictions": "; ".join(map(str, o.restrictions)),
        }
        for o in f.figures.operators
    ]


def _graph(drawing: Drawing) -> dict[str, Any]:
    (width, height), (across, down) = _BOX, _GAP
    widest = max((n.width for n in drawing.nodes), default=1)
    whole = widest * (width + across)

    def left(n: Drawn) -> float:
        return (whole - n.width * (width + across)) / 2 + n.column * (width + across) + across / 2

    boxes: list[dict[str, Any]] = [
        {
            "x": round(left(n), 1),
            "y": n.row * (height + down) + 10,
            "kind": n.kind,
            "own": n.kind in ("input", "output"),
            "label": n.label if len(n.label) <= 22 else f"...{n.label[-19:]}",
            "title": "\n".join(
                filter(
                    None,
                    (
                        f"{n.kind} {n.label}".strip(),
                        f"{n.dtype} {list(n.shape)}",
                        f"weights {console.size(n.weights)}" if n.weights else "",
                        f"{count_text(n.macs)} multiply-accumulates" if n.macs else "",
                    ),
                )
            ),
        }
        for n in drawing.nodes
    ]
    lines = []
    for start, end in drawing.lines:
        a, b = boxes[start], boxes[end]
        x1, y1, x2, y2 = a["x"] + width / 2, a["y"] + height, b["x"] + width / 2, b["y"]
        lines.append(f"M{x1} {y1}C{x1} {y1 + down} {x2} {y2 - down} {x2} {y2}")
    rows = max((n.row for n in drawing.nodes), default=0) + 1
    return {
        "width": whole,
        "height": rows * (height + down) + 10,
        "box": {"width": width, "height": height},
        "boxes": boxes,
        "lines": lines,
        "left_out": drawing.left_out,
    }
