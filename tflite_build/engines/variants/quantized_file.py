"""What must be true of a file before it is quantized and of the file that a quantizer made: the same for all of them.

A quantizer that leaves everything float, or makes a weight that the runtime's kernels read wrongly, says nothing.
"""

from __future__ import annotations

from tflite_build.engines.contract import FailingOperator, Invalid, Refused
from tflite_build.engines.files import graph as graphs
from tflite_build.engines.files import handed_on
from tflite_build.engines.files.graph import Graph, Operator, Subgraph
from tflite_build.engines.words import quoted

_RESCALING = frozenset({"CAST", "CONCATENATION", "PACK"})  # kernels that look at scales, or are checked by the runtime
_KEY = "variant.X.quantize"


def check_source(graph: Graph) -> None:
    """Raise Invalid unless all of the weights and activations are float32."""
    quantized = [t.name for s in graph.subgraphs for t in s.tensors if t.quantized]
    if quantized:
        raise Invalid(
            f"the model is quantized already ({_some(quantized)})",
            _KEY,
            'a second quantization would lose more: use quantize = "from-source" to keep the one that is there',
        )
    half = [t.name for s in graph.subgraphs for t in s.tensors if t.constant and t.dtype == "float16"]
    if half:
        raise Invalid(
            f"the model's weights are float16 ({_some(half)}), and only float32 weights can be quantized",
            _KEY,
            'use the float32 file as the source, or quantize = "none" to take this one as it is',
        )


def check_custom(made: Graph, source: Graph) -> None:
    """Refused where a custom operator has other types than in the float file, which its kernel was written for."""
    wanted_all, given_all = ([o for o in graph.operators() if o[1].custom] for graph in (source, made))
    if [o.name for _, o in wanted_all] != [o.name for _, o in given_all]:
        return  # in another order nothing says which is which; `compare` has the last word
    for (own, before), (subgraph, after) in zip(wanted_all, given_all, strict=True):
        ends = zip((*before.inputs, *before.outputs), (*after.inputs, *after.outputs), strict=False)
        for wanted, given in ends:
            if wanted < 0 or given < 0:
                continue
            asked, found = own.tensors[wanted].dtype, subgraph.tensors[given].dtype
            if asked != found:
                raise Refused(
                    f"the quantizer gives the custom operator '{after.name}' {found} where its kernel takes {asked}",
                    [FailingOperator(after.name, "custom")],
                )


def check_made(content: bytes, word: str) -> Graph:
    """The graph of the file that was made for `word`; Refused if it is not what was asked for."""
    graph = graphs.read(content)
    if not is_quantized(graph):
        kinds = sorted({operator.name for _, operator in graph.operators()})
        lacking = f"there is no {word} form of {quoted(kinds)} in this model" if kinds else "the model has no operators"
        raise Refused(f"nothing in it is quantized: {lacking}")
    for subgraph, operator in graph.operators():
        _check_handed_on(subgraph, operator)
        if operator.name != "DEPTHWISE_CONV_2D" or len(operator.inputs) < 2:
            continue
        data, weights = (subgraph.tensors[i] for i in operator.inputs[:2])
        if data.dtype == "float32" and weights.dtype == "int8" and 1 == weights.scales.size < weights.shape[-1]:
            raise Refused(
                f"'{weights.name}' has one scale, and the runtime's kernel for DEPTHWISE_CONV_2D with float activations "
                "reads one for each channel"
            )
    return graph


def _check_handed_on(subgraph: Subgraph, operator: Operator) -> None:
    """Refused where integers are handed on unchanged to a tensor whose integers stand for other numbers.

    The runtime's kernels of these operators do not look at scales, and TensorFlow's quantizer gives SELECT several.
    """
    if operator.name in _RESCALING:
        return
    output = subgraph.tensors[operator.outputs[0]] if operator.outputs else None
    for index in handed_on.values(operator) or ():
        given = subgraph.tensors[index]
        if output is None or given.dtype != output.dtype or not (given.scales.size == output.scales.size == 1):
            continue
        if given.scales[0] != output.scales[0] or given.zero_points[0] != output.zero_points[0]:
            raise Refused(
                f"{operator.name} hands '{given.name}' of the scale {given.scales[0]:.6g} on to '{output.name}' of the "
                f"scale {output.scales[0]:.6g}, which makes other numbers of it",
                [FailingOperator(operator.name)],
            )


def is_quantized(graph: Graph) -> bool:
    """Whether any weight or activation is narrower than float32."""
    tensors = [t for s in graph.subgraphs for t in s.tensors]
    return any(t.quantized or (t.constant and t.dtype == "float16") for t in tensors)


def check_ends(made: Graph, source: Graph, io: str) -> None:
    """Raise Refused unless every float32 input and output of `source` has the type `io` in `made`."""
    signatures = {s.name: s for s in made.signatures}
    for own in source.signatures:
        found = signatures[own.name]
        for wanted, ends in ((own.inputs, found.inputs), (own.outputs, found.outputs)):
            for name, index in wanted.items():
                if name not in ends:
                    raise Refused(f"'{name}' is missing from the quantized file")
                before = source.subgraphs[own.subgraph].tensors[index].dtype
                now = made.subgraphs[found.subgraph].tensors[ends[name]].dtype
                if before == "float32" and now != io:
                    raise Refused(f"'{name}' is {now} where {io} is wanted")


def _some(names: list[str]) -> str:
    return f"'{names[0]}'" + (f" and {len(names) - 1} more tensors" if len(names) > 1 else "")
