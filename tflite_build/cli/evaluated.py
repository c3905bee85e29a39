"""How an evaluation looks: the verdict first, then what does not convert, then the figures."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from tflite_build.engines.words import counted
from tflite_build.errors import printable
from tflite_build.evaluation.delegates import Coverage
from tflite_build.evaluation.figures import Figures
from tflite_build.evaluation.verdict import Obstacle, Verdict
from tflite_build.run.evaluating import Evaluation, FileEvaluation
from tflite_build.run.timing import Timing

from . import console

_SHOWN = 12  # rows of a table; --json has them all
_WIDE = 96
_NEEDS = {
    "select": "select TF ops",
    "custom": "a custom operator",
    "stock": "the stock runtime",
    "version": "another version",
    "shape": "other shapes",
}
# What to do where no table knows better.
_WAYS = {
    "select": "allow it with `select_tf_ops` in [compatibility], or write it with builtin operators",
    "custom": "give the runtime a kernel of your own ([compatibility.custom_ops.NAME]), or write it with builtin operators",
    "stock": "take another runtime than that of Play services, or write it with builtin operators",
    "version": "wait for a release, or write it in another way",
}


def show(evaluation: Evaluation) -> None:
    """Print `evaluation`."""
    console.line(f"{printable(evaluation.name)}  ({console.relative(evaluation.source)})")
    console.line()
    _verdict(evaluation.verdict)
    _obstacles(evaluation.obstacles, "does not convert" if not evaluation.converts else "not every runtime has")
    if evaluation.files:
        _files(evaluation.files)
        first = evaluation.files[0].figures
        _signatures(first)
        _operators(first)
        _layers(first)
        _delegates(evaluation)
        _complexity(first)
    for note in evaluation.notes:
        console.line(f"note: {printable(note)}")


def short(verdict: Verdict, obstacles: Sequence[Obstacle]) -> list[str]:
    """The verdict in a few lines, for a build that fails."""
    advised = [(o, o.change) for o in _unlike(obstacles) if o.change is not None]
    return [f"verdict: {printable(line)}" for line in verdict.lines()] + [
        f"help: {_blamed(o)}: instead of {change.construct}: {printable(change.instead)}" for o, change in advised
    ]


def _verdict(verdict: Verdict) -> None:
    rows = []
    for runtime in verdict.runtimes:
        ways = runtime.ways or ()
        cells = [f"{w.title}" + (f": {printable(w.what)}" if w.what else "") for w in ways] or ["no way is known"]
        rows.append([runtime.runtime, _wrapped("\n".join(cells))])
    console.table(["runtime", "the model goes"], rows, indent="  ")
    if verdict.accelerators:
        console.line()
        console.table(
            ["accelerator", "variant", "why"],
            [
                [a.accelerator, a.variant or "none", _wrapped("\n".join(filter(None, (a.why, a.but))))]
                for a in verdict.accelerators
            ],
            indent="  ",
        )
    console.line()


def _obstacles(obstacles: Sequence[Obstacle], title: str) -> None:
    if not obstacles:
        return
    console.line(title)
    rows = []
    for o in obstacles:
        needs = _NEEDS.get(o.needs, "has no form")
        advice = f"{o.change.instead} ({o.change.why})" if o.change else _WAYS.get(o.needs, f"not known: {o.message}")
        advice = f"{o.message}\n{advice}" if o.change and not o.operator else advice
        rows.append(
            [o.engine or "-", printable(o.operator) or "-", printable(o.source) or "-", needs, _wrapped(advice)]
        )
    console.table(["engine", "operator", "from", "needs", "what to do"], rows[:_SHOWN], indent="  ")
    _more(len(rows))
    console.line()


def _files(files: Sequence[FileEvaluation]) -> None:
    rows = []
    for file in files:
        held = file.figures.data
        rows.append(
            [
                printable(file.variant) or file.figures.quantization,
                console.size(held.file),
                f"{held.parameters:,}",
                console.size(max((s.arena for s in file.figures.signatures), default=0)),
                count_text(max((s.compute.total for s in file.figures.signatures), default=0)),
                share_text((s.gpu.delegated, s.gpu.operators) for s in file.figures.signatures),
                share_text((s.xnnpack.delegated, s.xnnpack.operators) for s in file.figures.signatures),
                *_times(file.timings),
            ]
        )
    timed = next((f.timings for f in files if f.timings), ())
    threads = list(dict.fromkeys(t.threads for t in timed))
    head = ["variant", "file", "parameters", "peak memory", "MACs", "GPU", "XNNPACK"]
    head += [f"{n} thread{'s' if n > 1 else ''}" for n in threads]
    filled = [row + ["-"] * (len(head) - len(row)) for row in rows]
    console.table(head, filled, right=range(1, len(head)), indent="  ")
    if any(len(f.figures.signatures) > 1 for f in files):
        console.line(
            "  peak memory, MACs and times: of the signature with the most; GPU and XNNPACK: of all signatures"
        )
    for why in dict.fromkeys(f.not_timed for f in files if f.not_timed):
        console.line(f"  not measured: {printable(why)}")
    made = {file.quantize for file in files}
    estimates = ", ".join(
        f"{form} about {console.size(size)}" for form, size in files[0].figures.smaller.items() if form not in made
    )
    if estimates:
        console.line(f"  smaller, estimated from its weights and their scales: {estimates}")
    console.line()


def _signatures(found: Figures) -> None:
    rows = [
        [
            printable(s.name) or "(main graph)",
            console.size(found.data.inputs.get(s.name, 0)),
            console.size(found.data.outputs.get(s.name, 0)),
            console.size(s.arena),
            console.size(s.persistent),
            str(s.depth),
            count_text(s.compute.total),
        ]
        for s in found.signatures
    ]
    head = ["signature", "inputs", "outputs", "peak memory", "kept", "depth", "MACs"]
    console.table(head, rows, right=range(1, len(head)), indent="  ")
    loops = max((s.compute.open_loops for s in found.signatures), default=0)
    if loops:
        what = "a loop counts" if loops == 1 else f"{loops} loops count"
        console.line(f"  MACs: {what} as one step, since the file does not say how many there are")
    console.line()


def _operators(found: Figures) -> None:
    rows = []
    for use in found.operators[:_SHOWN]:
        macs = sum(s.compute.macs.get(use.name, 0) for s in found.signatures)
        since = ", ".join(f"{line} {release or 'unknown'}" for line, release in use.since.items())
        shown = [printable(layer) for layer in use.layers[:2]] + (["..."] if len(use.layers) > 2 else [])
        needs = {"select": "select TF op", "custom": "custom", "stock": "custom, in the runtime"}
        rows.append(
            [
                printable(use.name),
                str(use.count),
                count_text(macs) if macs else "",
                needs.get(use.needs, "restricted" if use.restrictions else "builtin"),
                since,
                ", ".join(shown),
            ]
        )
    console.table(["operator", "count", "MACs", "is", "since", "layers"], rows, right=(1, 2), indent="  ")
    _more(len(found.operators))
    restricted: dict[str, list[str]] = {}
    for use in found.operators:
        for restriction in use.restrictions:
            restricted.setdefault(restriction, []).append(printable(use.name))
    for restriction, names in restricted.items():
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        console.line(_indented(f"{', '.join(names[:4])}{more}: {restriction}"))
    console.line()


def _layers(found: Figures) -> None:
    """The layers with the most bytes, beside what they compute."""
    macs: dict[str, int] = {}
    for signature in found.signatures:
        for layer, count in signature.compute.by_layer.items():
            macs[layer] = macs.get(layer, 0) + count
    names = sorted({*found.data.by_layer, *macs}, key=lambda n: (-found.data.by_layer.get(n, 0), -macs.get(n, 0), n))
    if not names:
        return
    rows = [
        [
            printable(n) or "(no name)",
            console.size(found.data.by_layer.get(n, 0)),
            count_text(macs[n]) if n in macs else "",
        ]
        for n in names[:_SHOWN]
    ]
    console.table(["layer", "weights", "MACs"], rows, right=(1, 2), indent="  ")
    _more(len(names))
    console.line()


def _delegates(evaluation: Evaluation) -> None:
    """What delegates do not get, of each file where it differs from those before it."""
    shown: dict[tuple[str, str], list[Coverage]] = {}
    for file in evaluation.files:
        several = len(file.figures.signatures) > 1
        of_file = f" of the {printable(file.variant)} file" if len(evaluation.files) > 1 else ""
        for s in file.figures.signatures:
            for name, coverage in (("GPU", s.gpu), ("XNNPACK", s.xnnpack)):
                before = shown.setdefault((s.name, name), [])
                if not coverage.whole and coverage not in before:
                    _coverage(f"{name}{f' of {printable(s.name)}' if several else ''}{of_file}", coverage)
                before.append(coverage)
    changes = list(dict.fromkeys(a.change for a in evaluation.advice))
    for change in changes:
        console.line(f"for the GPU: instead of {change.construct}: {change.instead} ({change.why})")
    if changes:
        console.line()


def _coverage(title: str, coverage: Coverage) -> None:
    could = f"; it could take {coverage.taken}, in pieces of {', '.join(map(str, coverage.pieces))}"
    counts = f"{coverage.delegated} of {counted(coverage.operators, 'operator')}"
    console.line(f"{title}: {counts}{could if coverage.pieces else ''}")
    if coverage.cuts:
        console.line(f"  cut at {', '.join(map(printable, coverage.cuts[:6]))}")
    layers: dict[tuple[str, str], list[str]] = {}
    for n in coverage.not_taken:
        layers.setdefault((n.operator, n.reason), []).append(n.layer)
    rows = [
        [op, str(len(where)), reason, ", ".join(dict.fromkeys(filter(None, map(printable, where[:2]))))]
        for (op, reason), where in layers.items()
    ]
    console.table(["not taken", "count", "why", "layers"], rows[:_SHOWN], right=(1,), indent="  ")
    _more(len(rows))
    console.line()


def _complexity(found: Figures) -> None:
    c = found.complexity
    parts = [f"{counted(c.operators, 'operator')} of {counted(c.kinds, 'kind')}", counted(c.tensors, "tensor")]
    parts.append(counted(c.signatures, "signature"))
    if c.subgraphs > 1:
        parts.append(f"{c.subgraphs} subgraphs")
    if c.control_flow:
        parts.append(f"control flow: {', '.join(dict.fromkeys(c.control_flow))}")
    if c.variables:
        parts.append(counted(c.variables, "variable"))
    if c.dynamic_inputs:
        parts.append(f"open shapes of {', '.join(map(printable, c.dynamic_inputs))}")
    console.line("complexity: " + "; ".join(parts))
    largest = [f"{printable(_short(a.layer))} {list(a.shape)} {console.size(a.size)}" for a in found.data.largest[:3]]
    if largest:
        console.line("largest tensors: " + ", ".join(largest))


def _times(timings: Sequence[Timing]) -> list[str]:
    """For each number of threads what the slowest signature takes: the median, and from the fastest to the slowest."""
    cells = []
    for threads in dict.fromkeys(t.threads for t in timings):
        t = max((t for t in timings if t.threads == threads), key=lambda t: t.median)
        cells.append(f"{_milliseconds(t.median)} ({_milliseconds(t.fastest)} to {_milliseconds(t.slowest)})")
    return cells


def _milliseconds(seconds: float) -> str:
    value = seconds * 1e3
    return f"{value:.3f} ms" if value < 1 else f"{value:.1f} ms"


def share_text(pairs: Iterable[tuple[int, int]]) -> str:
    """How many of how many, summed up over pairs of these."""
    listed = list(pairs)
    taken, total = sum(t for t, _ in listed), sum(n for _, n in listed)
    return "all" if taken == total else f"{taken} of {total}"


def count_text(value: float) -> str:
    """A number of many digits with three or four of them, such as 12.3 M."""
    for unit in ("", " k", " M"):
        if value < 1000:
            return f"{value:.0f}" if not unit else f"{value:.1f}{unit}"
        value /= 1000
    return f"{value:.2f} G"


def _unlike(obstacles: Sequence[Obstacle]) -> list[Obstacle]:
    """One for each change that is proposed."""
    return list({o.change: o for o in reversed(obstacles)}.values())[::-1]


def _blamed(o: Obstacle) -> str:
    named = o.source and o.source.rpartition("/")[2] != o.operator
    return printable(o.operator or "the model") + (f" in '{printable(o.source)}'" if named else "")


def _short(name: str) -> str:
    return name if len(name) <= 50 else "..." + name[-47:]


def _indented(text: str) -> str:
    return textwrap.fill(text, _WIDE + 20, initial_indent="  ", subsequent_indent="    ")


def _wrapped(text: str) -> str:
    return "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, _WIDE, subsequent_indent="  "))


def _more(count: int) -> None:
    if count > _SHOWN:
        console.line(f"  and {count - _SHOWN} more; --json lists all")
