"""Numbers that a model makes of its open dimensions, such as how many rows it takes the mean of.

They differ from size to size and not from sample to sample, so that a range which calibration saw at its own sizes cuts
them off at others: such numbers, and what is computed with them, stay float.
"""

from __future__ import annotations

from tflite_build.engines.files.graph import Graph, Subgraph

_SOURCES = frozenset({"SHAPE", "RANK"})


def operators(graph: Graph) -> list[str]:
    """The scopes of the operators that make, take or give a floating-point number which only shapes decide.

    And of a sum that is divided by one: that grows with the size too.
    """
    scopes: dict[str, None] = {}
    for subgraph in graph.subgraphs:
        counts = _counts(subgraph)
        floats = {i for i in counts if subgraph.tensors[i].dtype == "float32"}
        sums = {i: operator for operator in subgraph.operators if operator.name == "SUM" for i in operator.outputs}
        for operator in subgraph.operators:
            if floats.intersection((*operator.inputs, *operator.outputs)):
                scopes[subgraph.scope(operator)] = None
                scopes |= {subgraph.scope(sums[i]): None for i in operator.inputs if i in sums}
    return list(scopes)


def _counts(subgraph: Subgraph) -> set[int]:
    """The tensors that follow from shapes and constants alone."""
    found: set[int] = set()
    computed = set(subgraph.inputs).union(*(operator.outputs for operator in subgraph.operators))
    for operator in subgraph.operators:
        given = computed.intersection(operator.inputs)
        if operator.name in _SOURCES or (given and found.issuperset(given)):
            found.update(operator.outputs)
    return found
