"""Weights that float16 cannot hold: larger than its largest number, or so small that it keeps next to nothing of them.

One such weight would make the file give infinity or zero, so the operators that read it stay float32, and it is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tflite_build.engines.files.graph import Graph, Tensor

_LARGEST = float(np.finfo(np.float16).max)
_SMALLEST = 2.0**-18  # 64 of the smallest steps of float16 (2^-24): a weight below it has less than 7 bits left


@dataclass(frozen=True, slots=True)
class Unfit:
    """A weight that float16 cannot hold.

    Attributes:
        name: Of the tensor.
        largest: The value that is farthest from zero.
        scopes: The operators that read it.
    """

    name: str
    largest: float
    scopes: tuple[str, ...]

    @property
    def why(self) -> str:
        """What of it does not fit."""
        if abs(self.largest) > _LARGEST:
            return f"'{self.name}' reaches {self.largest:g}, and the largest number of float16 is {_LARGEST:g}"
        return f"'{self.name}' reaches {self.largest:g} at most, of which float16 keeps next to nothing"

    @property
    def warning(self) -> str:
        """What to say where the rest becomes float16."""
        return f"{self.why}; it stays float32"


def unfit(graph: Graph) -> list[Unfit]:
    """The constants of the float file that float16 cannot hold."""
    found = []
    for subgraph in graph.subgraphs:
        for index, tensor in enumerate(subgraph.tensors):
            largest = _largest(tensor)
            if largest and not _SMALLEST <= abs(largest) <= _LARGEST:
                scopes = tuple(subgraph.scope(o) for o in subgraph.operators if index in o.inputs)
                found.append(Unfit(tensor.name, largest, scopes))
    return found


def _largest(tensor: Tensor) -> float:
    """The finite value that is farthest from zero; 0 of what is no float32 constant."""
    if not tensor.constant or tensor.dtype != "float32":
        return 0.0
    values = tensor.numbers[np.isfinite(tensor.numbers)]
    return float(values[np.abs(values).argmax()]) if values.size else 0.0
