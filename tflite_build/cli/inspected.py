"""How `inspect` looks: what callers see first, then operators, sizes, and all tensors that carry quantization.

With `--ops`, `--tensors` or `--metadata` those alone, each whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tflite_build.engines.words import counted
from tflite_build.errors import printable
from tflite_build.tflite import metadata
from tflite_build.tflite.metadata import (
    AssociatedFile,
    AudioProperties,
    BertTokenizer,
    BoundingBoxProperties,
    Content,
    ImageProperties,
    Normalization,
    ProcessUnit,
    RegexTokenizer,
    ScoreCalibration,
    ScoreThreshold,
    SentencePieceTokenizer,
    SubgraphMetadata,
    TensorGroup,
    TensorMetadata,
)
from tflite_build.tflite.reader import Quantization, SignatureTensor, Sparsity, Tensor
from tflite_build.tflite.summary import OperatorSummary, OperatorUse, Summary

from . import console

_SHOWN = 40
_DEEPEST = 20  # subgraphs within subgraphs
_SCHEMA = 3  # the only version of the format that runtimes take


@dataclass(frozen=True, slots=True)
class Parts:
    """What is asked for besides the overview; it is left out where anything is."""

    operators: bool = False
    tensors: bool = False
    metadata: bool = False


def show(path: Path, summary: Summary, parts: Parts) -> None:
    """Print `summary`."""
    size = console.size(summary.size)
    console.line(f"{printable(str(path))}: {size}, {summary.quantization}, {summary.parameters:,} parameters")
    wanted: list[tuple[bool, Callable[[Summary], None]]] = [
        (parts.operators, _operators),
        (parts.tensors, _tensors),
        (parts.metadata, _metadata),
    ]
    chosen = [part for asked, part in wanted if asked]
    for part in chosen or [_overview]:
        part(summary)


def _overview(summary: Summary) -> None:
    if summary.description:
        console.line(f"  {_cut(summary.description, 200)}")
    if summary.schema != _SCHEMA:
        console.line(f"  schema version {summary.schema}, which no runtime takes: they take {_SCHEMA}")
    console.line(f"  oldest runtime: {_runtime(summary)}")
    if summary.min_runtime_version and summary.min_runtime_version != summary.oldest_runtime:
        console.line(f"  the file itself claims {_short(summary.min_runtime_version)}")
    console.line()
    for signature in summary.signatures:
        console.line(
            f"signature {_short(signature.name)}" if summary.has_signatures else "no signature; the main graph"
        )
        rows = [_tensor_row(kind, t) for kind, ts in (("in", signature.inputs), ("out", signature.outputs)) for t in ts]
        console.table([], rows, indent="  ")
        console.line()
    if len(summary.graphs) > 1 or any(o.calls for o in summary.graphs[0].operators):
        console.line(f"graphs: {len(summary.graphs)}")
        for line in _tree(summary):
            console.line(f"  {line}")
        console.line()
    kinds = len(summary.operators)
    console.line(f"operators: {sum(o.count for o in summary.operators)} of {kinds} kind{'' if kinds == 1 else 's'}")
    if kinds:
        console.table(
            ["operator", "count", "version", "since tflite"],
            [_operator_row(o) for o in summary.operators],
            right=(1, 2),
            indent="  ",
        )
    console.line()
    console.line("size")
    console.table(
        [],
        [[part, console.size(size), f"{size / summary.size:.1%}"] for part, size in summary.parts.items()],
        right=(1, 2),
        indent="  ",
    )
    _external(summary)
    quantized = [t for graph in summary.tensors for t in graph if t.quantization is not None]
    if quantized:
        console.line()
        console.line(f"quantized tensors: {len(quantized)}")
        console.table(
            ["tensor", "type", "shape", "scale", "zero point"],
            [[_short(t.name), t.dtype, _shape(t), *_quantization(t.quantization)] for t in quantized[:_SHOWN]],
            indent="  ",
        )
        if len(quantized) > _SHOWN:
            console.line(f"  and {len(quantized) - _SHOWN} more; --tensors lists all")


def _tree(summary: Summary) -> Iterator[str]:
    """Each subgraph under the operator that runs it; those that nothing runs stand at the left."""
    called = {c.subgraph for g in summary.graphs for o in g.operators for c in o.calls}
    roots = [i for i in range(len(summary.graphs)) if i == 0 or i not in called]
    shown: set[int] = set()
    while True:
        for root in roots:
            yield from _branch(summary, root, "", (), shown)
        left = [i for i in range(len(summary.graphs)) if i not in shown]
        if not left:
            return
        roots = left[:1]  # only a circle of subgraphs that nothing else runs leaves any


def _branch(summary: Summary, index: int, role: str, above: tuple[int, ...], shown: set[int]) -> Iterator[str]:
    graph = summary.graphs[index]
    indent = "    " * len(above)
    name = f" {_short(graph.name)}" if graph.name else ""
    head = f"{indent}{f'{role}: ' if role else ''}graph {index}{name}"
    if index in above:
        yield f"{head} (runs itself, which no runtime does)"
        return
    if index in shown:
        yield f"{head} (above)"
        return
    shown.add(index)
    yield f"{head}: {counted(len(graph.operators), 'operator')}, {counted(len(summary.tensors[index]), 'tensor')}"
    if len(above) == _DEEPEST:
        yield f"{indent}  ..."
        return
    for number, operator in enumerate(graph.operators):
        if operator.calls:
            yield f"{indent}  operator {number}, {operator.name}"
        for call in operator.calls:
            yield from _branch(summary, call.subgraph, call.role, (*above, index), shown)


def _operators(summary: Summary) -> None:
    for index, graph in enumerate(summary.graphs):
        console.line()
        console.line(f"{_graph_title(summary, index)}: {counted(len(graph.operators), 'operator')}")
        if graph.operators:
            rows = [_use_row(number, operator) for number, operator in enumerate(graph.operators)]
            console.table(["", "operator", "version", "takes", "gives", "options"], rows, right=(0, 2), indent="  ")
    console.line()
    console.line("What they take and give are tensors of their graph, which --tensors lists.")


def _use_row(number: int, operator: OperatorUse) -> list[str]:
    said = [printable(o.text) for o in operator.options if not o.plain and "subgraph" not in o.name]
    said += [f"{call.role}: graph {call.subgraph}" for call in operator.calls]
    said += [f"{operator.custom_options} bytes of its own"] if operator.custom_options else []
    return [
        str(number),
        _short(operator.name),
        str(operator.version),
        _indices(operator.inputs),
        _indices(operator.outputs),
        _cut(", ".join(said), 120),
    ]


def _indices(indices: tuple[int, ...]) -> str:
    more = f" and {len(indices) - 12} more" if len(indices) > 12 else ""
    return " ".join("-" if i < 0 else str(i) for i in indices[:12]) + more


def _tensors(summary: Summary) -> None:
    for index, (graph, sizes) in enumerate(zip(summary.tensors, summary.stored, strict=True)):
        console.line()
        console.line(f"{_graph_title(summary, index)}: {counted(len(graph), 'tensor')}")
        rows = [_whole_row(tensor, size, summary) for tensor, size in zip(graph, sizes, strict=True)]
        if rows:
            head = ["", "tensor", "type", "shape", "stored", "scale", "zero point", ""]
            console.table(head, rows, right=(0, 4), indent="  ")
    _external(summary)


def _whole_row(tensor: Tensor, size: int, summary: Summary) -> list[str]:
    notes = ["variable"] if tensor.is_variable else []
    notes += [_sparse(tensor.sparsity)] if tensor.sparsity else []
    notes += [f"in {_short(e.file)}" for e in summary.external if tensor.external and e.id == tensor.external][:1]
    stored = console.size(size) if size else ""
    scale, zero = _quantization(tensor.quantization)
    return [
        str(tensor.index), _short(tensor.name), tensor.dtype, _shape(tensor), stored, scale, zero, ", ".join(notes)
    ]  # fmt: skip


def _sparse(sparsity: Sparsity) -> str:
    blocks = f", blocks of {counted(len(sparsity.blocks), 'dimension')}" if sparsity.blocks else ""
    return f"sparse{blocks}"


def _metadata(summary: Summary) -> None:
    console.line()
    console.line(f"metadata: {len(summary.metadata)}")
    rows = [[_short(name), console.size(size), summary.texts.get(name, "")] for name, size in summary.metadata]
    console.table([], rows, right=(1,), indent="  ")
    said = summary.described
    if said is not None:
        console.line()
        console.line("what the model says of itself")
        texts = [
            ("name", said.name),
            ("description", said.description),
            ("version", said.version),
            ("author", said.author),
            ("license", said.license),
            ("parser needed", said.min_parser_version),
        ]
        rows = [[name, _cut(text, 100)] for name, text in texts if text]
        rows += [["file", "\n".join(_file(file))] for file in said.files]
        console.table([], rows, indent="  ")
        for graph in said.subgraphs:
            _described_graph("graph", graph)
            for name, further in metadata.signatures(graph).items():
                _described_graph(f"signature {_short(name)}", further)
    if summary.packed:
        console.line()
        console.line(f"files packed with it: {len(summary.packed)}")
        console.table([], [[_short(n), console.size(s)] for n, s in summary.packed], right=(1,), indent="  ")


def _described_graph(title: str, graph: SubgraphMetadata) -> None:
    console.line()
    console.line(" ".join([title, *filter(None, [_short(graph.name)])]))
    rows = [["description", _cut(graph.description, 100)]] if graph.description else []
    rows += [["file", "\n".join(_file(file))] for file in graph.files]
    sides = (
        ("in", graph.inputs, graph.input_process_units, graph.input_groups),
        ("out", graph.outputs, graph.output_process_units, graph.output_groups),
    )
    for kind, tensors, units, groups in sides:
        rows += [[kind, "\n".join(_described(t))] for t in tensors]
        rows += [[f"all {kind}", "\n".join(_unit(u))] for u in units]
        rows += [[f"{kind} group", _group(g)] for g in groups]
    rows += [["custom", f"{_short(c.name) or 'no name'}, {console.size(len(c.data))}"] for c in graph.custom]
    console.table([], rows, indent="  ")


def _described(tensor: TensorMetadata) -> Iterator[str]:
    yield ", ".join(text for text in (_short(tensor.name), _content(tensor.content)) if text) or "no name"
    if tensor.description:
        yield f"  {_cut(tensor.description, 100)}"
    if tensor.dimension_names:
        yield f"  dimensions {_cut(', '.join(tensor.dimension_names), 100)}"
    for unit in tensor.process_units:
        yield from (f"  {line}" for line in _unit(unit))
    if tensor.stats:
        for what, values in (("from", tensor.stats.min), ("to", tensor.stats.max)):
            if values:
                yield f"  {what} {_numbers(values)}"
    for file in tensor.files:
        yield from (f"  {line}" for line in _file(file))


def _content(content: Content | None) -> str:
    if content is None:
        return ""
    match content.properties:
        case ImageProperties(color_space, size):
            what = f"image{'' if color_space == 'unknown' else f' {color_space}'}"
            what += f" of {size.width} x {size.height}" if size else ""
        case AudioProperties(rate, channels):
            what = f"audio {rate} Hz, {counted(channels, 'channel')}"
        case BoundingBoxProperties(index, type_, coordinates):
            order = f" in the order {_indices(index)}" if index else ""
            what = f"boxes by {type_}{order}, {coordinates}"
        case None:
            what = ""
        case _:
            what = "feature"
    return f"{what} in dimensions {content.range.min} to {content.range.max}".strip() if content.range else what


def _unit(unit: ProcessUnit) -> Iterator[str]:
    files: tuple[AssociatedFile, ...] = metadata.files_of(unit)
    match unit.options:
        case Normalization(mean, std):
            yield f"mean {_numbers(mean)}"
            yield f"std {_numbers(std)}"
        case ScoreCalibration(transformation, default):
            yield f"scores calibrated by {transformation}, {default:.6g} without parameters"
        case ScoreThreshold(threshold):
            yield f"scores from {threshold:.6g}"
        case BertTokenizer():
            yield "BERT tokenizer"
        case SentencePieceTokenizer():
            yield "SentencePiece tokenizer"
        case RegexTokenizer(pattern, _):
            yield f"regex tokenizer {_cut(pattern, 80)}"
        case None:
            yield "a unit of an unknown kind"
    for file in files:
        yield from (f"  {line}" for line in _file(file))


def _group(group: TensorGroup) -> str:
    return f"{_short(group.name) or 'no name'}: {_cut(', '.join(group.tensor_names), 100)}"


def _numbers(values: tuple[float, ...]) -> str:
    more = f" and {len(values) - 8} more" if len(values) > 8 else ""
    return ", ".join(f"{v:.6g}" for v in values[:8]) + more


def _file(file: AssociatedFile) -> Iterator[str]:
    said = ["" if file.type == "unknown" else file.type, file.locale, file.version and f"version {file.version}"]
    about = _cut(", ".join(filter(None, said)), 100)
    yield f"{_short(file.name)}{f' ({about})' if about else ''}"
    if file.description:
        yield f"  {_cut(file.description, 100)}"


def _external(summary: Summary) -> None:
    if not summary.external:
        return
    files: dict[str, int] = {}
    for buffer in summary.external:
        files[buffer.file] = files.get(buffer.file, 0) + buffer.size
    console.line()
    console.line(f"values in other files: {len(files)}")
    console.table([], [[_short(name), console.size(size)] for name, size in files.items()], right=(1,), indent="  ")


def _graph_title(summary: Summary, index: int) -> str:
    name = summary.graphs[index].name
    return f"graph {index}{f' {_short(name)}' if name else ''}"


def _runtime(summary: Summary) -> str:
    names = ", ".join(f"{n.operator} version {n.version}" for n in summary.demanding[:4])
    if not summary.oldest_runtime:
        return f"unknown, because of {names}"
    if summary.oldest_runtime == "pending":
        return f"none released yet has {names}"
    return f"tflite {summary.oldest_runtime}" + (f" (for {names})" if names else "")


def _tensor_row(kind: str, named: SignatureTensor) -> list[str]:
    scale, zero = _quantization(named.tensor.quantization)
    quantized = f"scale {scale}, zero point {zero}" if scale else ""
    return [kind, _short(named.name), named.tensor.dtype, _shape(named.tensor), quantized]


def _operator_row(operator: OperatorSummary) -> list[str]:
    claimed = f" (file says {operator.written})" if operator.written != operator.version else ""
    since = {"": "unknown", "select": "select TensorFlow operators", "custom": "custom operator"}
    return [
        _short(operator.name),
        str(operator.count),
        f"{operator.version}{claimed}",
        since.get(operator.runtime, operator.runtime),
    ]


def _shape(tensor: Tensor) -> str:
    return "[" + ", ".join("?" if d < 0 else str(d) for d in tensor.shape) + "]"


def _quantization(q: Quantization | None) -> tuple[str, str]:
    if q is None:
        return "", ""
    if q.blockwise:
        return f"by blocks of {q.block}" if q.block else "by block", ""
    if q.per_channel:
        return f"{len(q.scales)} along axis {q.axis}", "0" if not any(q.zero_points) else "several"
    return f"{q.scales[0]:.6g}", str(q.zero_points[0] if q.zero_points else 0)


def _short(name: str, most: int = 60) -> str:
    shown = name if len(name) <= most else "..." + name[-(most - 3) :]
    return printable(shown)


def _cut(text: str, most: int) -> str:
    return printable(text if len(text) <= most else text[: most - 3] + "...")
