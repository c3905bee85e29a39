"""The kinds of operators of a file: how often each is used, in which layers, what it needs, what restricts its use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import tomli

from tflite_build import resources
from tflite_build.tflite import runtimes, versions
from tflite_build.tflite.custom import STOCK
from tflite_build.tflite.reader import Model

from .graph import Graph, Node, is_dynamic
from .layers import Layers

Needs = Literal["builtin", "select", "custom", "stock"]


@dataclass(frozen=True, slots=True)
class OperatorUse:
    """A kind of operator.

    Attributes:
        needs: What runs it: "builtin", "select" (a TensorFlow operator), "custom", or "stock", a custom one that the
            runtime carries.
        version: The version that its uses need.
        since: The first releases that have it, by line of releases: "tflite", "litert"; "" where none is known.
        layers: Where it is used, each once.
        restrictions: What its use is restricted to, as sentences.
    """

    name: str
    needs: Needs
    count: int
    version: int
    since: dict[str, str]
    layers: tuple[str, ...]
    restrictions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Restriction:
    operators: tuple[str, ...]
    types: tuple[str, ...]
    dynamic: bool
    text: str


def operators(model: Model, graphs: Sequence[Graph], layers: Sequence[Layers]) -> tuple[OperatorUse, ...]:
    """All kinds, the most frequent first."""
    uses: dict[tuple[str, bool, bool], list[tuple[Node, Graph, str]]] = {}
    for graph, named in zip(graphs, layers, strict=True):
        for node in graph.nodes:
            uses.setdefault((node.name, node.custom, node.flex), []).append((node, graph, named.of_node[node.index]))
    derived = versions.derive(model)
    needed: dict[str, int] = {}
    for index, code in enumerate(model.codes):
        needed[code.name] = max(needed.get(code.name, 0), derived.get(index, code.version))
    since = {
        line: {need.operator: need.runtime for need in runtimes.needs(model, line).values()}
        for line in ("tflite", "litert")
    }
    found = []
    for (name, custom, flex), places in uses.items():
        restrictions = dict.fromkeys(r.text for node, graph, _ in places for r in _restricting(node, graph))
        found.append(
            OperatorUse(
                name,
                _needs(name, custom, flex),
                len(places),
                needed[name],
                {} if custom else {line: table.get(name, "") for line, table in since.items()},
                tuple(dict.fromkeys(layer for _, _, layer in places if layer)),
                tuple(restrictions),
            )
        )
    return tuple(sorted(found, key=lambda o: (-o.count, o.name)))


def _needs(name: str, custom: bool, flex: bool) -> Needs:
    if not custom:
        return "builtin"
    return "select" if flex else "stock" if name in STOCK else "custom"


@cache
def _table() -> dict[str, Any]:
    raw: dict[str, Any] = tomli.loads(resources.specs("restrictions.toml").read_text("utf-8"))
    return raw


@cache
def _restrictions() -> tuple[_Restriction, ...]:
    return tuple(
        _Restriction(
            tuple(row.get("operators", ())), tuple(row.get("types", ())), row.get("dynamic", False), row["text"]
        )
        for row in _table()["restriction"]
    )


def _restricting(node: Node, graph: Graph) -> list[_Restriction]:
    computed = [t for t in node.tensors() if not graph.is_constant(t)]
    types = {t.dtype for t in computed}
    dynamic = any(is_dynamic(t) for t in computed)
    return [
        row
        for row in _restrictions()
        if not node.custom
        and (not row.operators or node.name in row.operators)
        and (not row.types or types & set(row.types))
        and (not row.dynamic or dynamic)
    ]
