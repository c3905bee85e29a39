"""Whether an operator is what a table of a delegate asks for: the keys that specs/gpu.toml and specs/xnnpack.toml share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import tomli

from tflite_build import resources
from tflite_build.errors import one_of
from tflite_build.tflite.options import Value
from tflite_build.tflite.reader import Tensor

from .graph import Graph, Node, is_dynamic

WINDOW = (("filter_width", "stride_w"), ("filter_height", "stride_h"))  # the options of pooling
_FLOATS = ("float32", "float16")


@dataclass(frozen=True, slots=True)
class Row:
    """What has to hold for an operator; the tables say what each key means."""

    version: int = 0
    only_litert: bool = False
    inputs: tuple[int, ...] = ()
    runtime: tuple[int, ...] = ()
    given: tuple[str, ...] = ()
    outputs: int = 0
    activation: bool = False
    options: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    not_options: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    ranks: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_versions: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()
    static: tuple[int, ...] = ()
    needed: tuple[int, ...] = ()
    axes: int = -1
    check: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What a delegate takes.

    Attributes:
        computed: Types of tensors that are computed; any where there are none.
        more: Further ones for the inputs and outputs of some operators.
        pieces: How many pieces of a graph it gets at most; 0 for all.
    """

    source: str
    rank: int
    pieces: int
    computed: tuple[str, ...]
    more: Mapping[str, Mapping[str, tuple[str, ...]]]
    activations: tuple[str, ...]
    operators: Mapping[str, Row]
    custom: Mapping[str, Row]


@cache
def table(name: str) -> Table:
    """The table in specs/NAME.toml."""
    raw: dict[str, Any] = tomli.loads(resources.specs(f"{name}.toml").read_text("utf-8"))
    return Table(
        raw["source"],
        raw["rank"],
        raw.get("pieces", 0),
        tuple(raw.get("computed", ())),
        {name: {side: tuple(types) for side, types in more.items()} for name, more in raw.get("more", {}).items()},
        tuple(raw["activations"]),
        {name: _row(row) for name, row in raw["operators"].items()},
        {name: _row(row) for name, row in raw["custom"].items()},
    )


def _row(raw: Mapping[str, Any]) -> Row:
    def frozen(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(value)
        return {k: frozen(v) for k, v in value.items()} if isinstance(value, dict) else value

    return Row(**{key: frozen(value) for key, value in raw.items()})


Check = Callable[[Node, Graph], str]


def refusal(
    node: Node, graph: Graph, wanted: Table, checks: Mapping[str, Check], stored: Collection[int] | None = None
) -> str:
    """Why an operator is not taken, as a phrase; "" where it is.

    Args:
        node: The operator.
        graph: Its graph.
        wanted: The delegate's table.
        checks: The rules that a table names by `check`.
        stored: The tensors, by index, that count as stored in the file; default: those that are.
    """
    row = wanted.custom.get(node.name) if node.custom else wanted.operators.get(node.name)
    if row is None:
        custom = "a TensorFlow operator (select TF op)" if node.flex else "a custom operator"
        return custom if node.custom else "not an operator of this delegate"
    held = graph.constants if stored is None else stored
    return (
        _counts(node, row, held)
        or _kinds(node, row, held)
        or _tensors(node, row, wanted, held)
        or _options(node, row, wanted)
        or (checks[row.check](node, graph) if row.check else "")
    )


def _counts(node: Node, row: Row, held: Collection[int]) -> str:
    there = [t for t in node.inputs if t is not None]
    constants = sum(t.index in held for t in there)
    computed = len(there) - constants
    if row.only_litert:
        return "only the GPU accelerator of LiteRT's CompiledModel takes it"
    if row.version and node.version > row.version:
        return f"it is version {node.version}, newer than {row.version}"
    if node.version in row.not_versions:
        return f"it is version {node.version}"
    if row.inputs and len(node.inputs) not in row.inputs:
        return f"it has {len(node.inputs)} inputs, not {_or(row.inputs)}"
    if row.runtime and computed not in row.runtime:
        return f"{computed} of its inputs are computed, not {_or(row.runtime)}"
    if row.given and f"{computed}+{constants}" not in row.given:
        wanted = " or ".join(f"{a} and {b}" for a, _, b in (g.partition("+") for g in row.given))
        return f"{computed} of its inputs are computed and {constants} stored, not {wanted}"
    if row.outputs and len(node.outputs) != row.outputs:
        return f"it has {len(node.outputs)} outputs, not {row.outputs}"
    for place in row.needed:
        if node.input(place) is None:
            return f"it has no input {place}" if place != 2 else "it has no bias"
    for place in row.static:
        tensor = node.input(place)
        if tensor is not None and tensor.index not in held:
            return f"input {place} is computed, not stored in the file"
    return ""


def _kinds(node: Node, row: Row, held: Collection[int]) -> str:
    if not row.kinds:
        return ""
    data = [t for t in node.inputs if t is not None and t.dtype not in ("int32", "int64")]
    output = node.output()
    if output is None or not data:
        return f"it gives {output.dtype if output else 'nothing'}"
    computed = {t.dtype for t in data if t.index not in held} | {output.dtype}
    weights = {t.dtype for t in data if t.index in held}
    if computed <= set(_FLOATS):
        kind = "float" if weights <= set(_FLOATS) else "dynamic"
    else:
        kind = "int8" if computed == {"int8"} else "uint8" if computed == {"uint8"} else ""
    if kind in row.kinds:
        return ""
    return f"it computes in {_or(sorted(computed))}" + (
        f" with {_or(sorted(weights))} weights" if kind == "dynamic" else ""
    )


def _tensors(node: Node, row: Row, wanted: Table, held: Collection[int]) -> str:
    for tensor in node.tensors():
        if len(tensor.shape) > wanted.rank:
            return f"a tensor has {len(tensor.shape)} dimensions, more than {wanted.rank}"
    for place, ranks in row.ranks.items():
        given = node.input(int(place))
        if given is not None and len(given.shape) not in ranks:
            return f"input {place} has {len(given.shape)} dimensions, not {_or(ranks)}"
    for place, types in row.types.items():
        found = _at(node, place)
        if found is not None and found.dtype not in types:
            return f"{_place(place)} is {found.dtype}, not {_or(types)}"
    for place, types in row.not_types.items():
        found = _at(node, place)
        if found is not None and found.dtype in types:
            return f"{_place(place)} is {found.dtype}"
    if row.axes >= 0:
        axes = node.input(row.axes)
        if axes is None or axes.index not in held or axes.dtype != "int32":
            return "its axes are not stored as int32"
    return _computed(node, wanted, held)


def _computed(node: Node, wanted: Table, held: Collection[int]) -> str:
    if not wanted.computed:
        return ""
    for side, tensors in (("inputs", node.inputs), ("outputs", node.outputs)):
        allowed = (*wanted.computed, *wanted.more.get(node.name, {}).get(side, ()))
        for tensor in tensors:
            if tensor is None or tensor.index in held:
                continue
            if tensor.dtype not in allowed:
                return f"it {'takes' if side == 'inputs' else 'gives'} {tensor.dtype}"
            if is_dynamic(tensor):
                return "its shape is dynamic"
    return ""


def _options(node: Node, row: Row, wanted: Table) -> str:
    activation = node.options.get("fused_activation_function", "NONE")
    if row.activation and activation not in wanted.activations:
        return f"{activation} is fused into it"
    for name, values in row.options.items():
        if name in node.options and node.options[name] not in values:
            return f"{name} is {_shown(node.options[name])}, not {_or(values)}"
    for name, values in row.not_options.items():
        if name in node.options and node.options[name] in values:
            return f"{name} is {_shown(node.options[name])}"
    return ""


def _at(node: Node, place: str) -> Tensor | None:
    return node.output() if place == "out" else node.input(int(place))


def _place(place: str) -> str:
    return "its output" if place == "out" else f"input {place}"


def _or(values: Collection[object]) -> str:
    return one_of(map(_shown, values))


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def window(node: Node, _: Graph) -> str:
    """A pooling window that has a size and a stride."""
    if any(node.number(size) <= 0 or node.number(stride) <= 0 for size, stride in WINDOW):
        return "its window has no size"
    return ""
