"""Integer operators whose output has so fine a scale beside their input that the runtime does not take them.

XNNPACK computes sums of products in steps of (input scale x weight scale) and brings them to the output's: it refuses a
file in which one of its steps is 256 of the output's or more (`requantization_scale` in its sources). Knows made files.
"""

from __future__ import annotations

from dataclasses import dataclass

from tflite_build.engines.files.graph import Graph, Operator, Subgraph

_PRODUCTS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL"})
_TURNED = "TRANSPOSE_CONV"  # its first input is a shape
_LIMIT = 256.0


@dataclass(frozen=True, slots=True)
class Coarse:
    """An operator out of proportion.

    Attributes:
        ratio: How many steps of the output one step of the sums is.
        tensor: The name of its output.
        given: The name and the scale of its input.
    """

    scope: str
    kind: str
    ratio: float
    tensor: str
    given: tuple[str, float]

    @property
    def warning(self) -> str:
        """What to say where it stays float."""
        name, scale = self.given
        return (
            f"'{self.tensor}' ({self.kind}) stays float: its input '{name}' has the scale {scale:.3g}, so that one step of "
            f"its sums is {self.ratio:.4g} of its output, and the runtime takes less than {_LIMIT:g}"
        )


def operators(made: Graph) -> list[Coarse]:
    """The operators of a quantized file that the runtime does not take for their scales."""
    return [
        coarse
        for subgraph in made.subgraphs
        for operator in subgraph.operators
        if (coarse := _coarse(subgraph, operator)) is not None
    ]


def _coarse(subgraph: Subgraph, operator: Operator) -> Coarse | None:
    if operator.name in _PRODUCTS:
        data, weights = operator.inputs[:2]
    elif operator.name == _TURNED:
        weights, data = operator.inputs[1:3]
    else:
        return None
    given, factor, output = (subgraph.tensors[i] for i in (data, weights, operator.outputs[0]))
    if not (given.quantized and factor.quantized and output.quantized):
        return None
    ratio = float(given.scales.max()) * float(factor.scales.max()) / float(output.scales.min())
    if ratio < _LIMIT:
        return None
    return Coarse(subgraph.scope(operator), operator.name, ratio, output.name, (given.name, float(given.scales.max())))
