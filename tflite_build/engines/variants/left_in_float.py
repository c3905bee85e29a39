"""What a quantized file leaves in float32 though the spec did not ask for it: told, since nothing else shows it.

litert-quantizer passes over operators that have no form of the kind asked for. Knows files, and nothing of recipes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from tflite_build.engines.files.graph import Graph, Operator, Subgraph, Tensor
from tflite_build.engines.words import counted, quoted

from .keep_float import keeps

_INTEGER = ("int8", "int16x8")  # kinds that make the arithmetic integer too
# The kernel of a quantized DIV shifts by 32 bits and more where the quotient is far below a step, which gives the largest
# number in place of zero, and it ends the program where a divisor is rounded to zero.
COMPUTED_WRONGLY = ("DIV",)
_WEIGHTS = ("float16", "dynamic-int8", "dynamic-int4", "weight-only-int8", "weight-only-int4")
_WEIGHT_TYPES = ("float32", "float16", "int8", "int4")
_MOST = 0.5  # of the bytes of all weights: beyond it, float32 is what makes the file's size
_NO_INT4 = ("BATCH_MATMUL", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")  # and have a form in int8


def warnings(made: Graph, word: str, keep_float: Sequence[str], scopes: Set[str]) -> list[str]:
    """What to say of the file `made` for the kind `word`; nothing of what `keep_float` and `scopes` name."""
    if word in _INTEGER:
        left = _operators(made, keep_float, scopes)
        wrong = [kind for kind in left if kind in COMPUTED_WRONGLY]
        reasons = {
            "there is no {word} form": [kind for kind in left if kind not in wrong],
            "the runtime's {word} form is wrong near zero": wrong,
        }
        return [
            f"{quoted(kinds)} stay{'s' if len(kinds) == 1 else ''} float: {reason.format(word=word)}"
            for reason, kinds in reasons.items()
            if kinds
        ]
    return _weights(made, word, keep_float) if word in _WEIGHTS else []


def _operators(made: Graph, keep_float: Sequence[str], scopes: Set[str]) -> list[str]:
    """The kinds of operators that compute in float."""
    found = set()
    for index in made.main_subgraphs():
        subgraph = made.subgraphs[index]
        for operator in subgraph.operators:
            floats = any(subgraph.tensors[i].dtype == "float32" for i in operator.outputs if i >= 0)
            ends = operator.name in ("QUANTIZE", "DEQUANTIZE")
            if (
                floats
                and not ends
                and subgraph.scope(operator) not in scopes
                and not keeps(keep_float, operator.name, subgraph.scope(operator))
            ):
                found.add(operator.name)
    return sorted(found)


def _weights(made: Graph, word: str, keep_float: Sequence[str]) -> list[str]:
    """A line where most bytes of the weights are float32."""
    sizes: dict[int, int] = {}  # by where in the file the bytes are: several tensors may share them
    left: dict[int, str] = {}
    for subgraph, operator, tensor in _uses(made):
        sizes[tensor.offset] = tensor.data.size
        if tensor.dtype == "float32" and not keeps(keep_float, operator.name, subgraph.scope(operator)):
            left[tensor.offset] = operator.name
    share = sum(sizes[offset] for offset in left) / max(1, sum(sizes.values()))
    if share <= _MOST:
        return []
    kinds = sorted(set(left.values()))
    smaller = ""
    if word.endswith("int4") and any(kind in _NO_INT4 for kind in kinds):
        smaller = (
            f"; {word.removesuffix('4')}8 has one of {quoted(k for k in kinds if k in _NO_INT4)}, and may be smaller"
        )
    return [
        f"{len(left)} of {counted(len(sizes), 'weight')}, {share:.0%} of their bytes, "
        f"stay{'s' if len(left) == 1 else ''} float32: there is no {word} form of {quoted(kinds)}{smaller}"
    ]


def _uses(made: Graph) -> Iterator[tuple[Subgraph, Operator, Tensor]]:
    """Every operator with each weight that it reads: constants of at least two dimensions that are longer than 1.

    Biases, and the scales and offsets of normalizations, stay float in every kind and weigh little.
    """
    for subgraph, operator in made.operators():
        for index in operator.inputs:
            tensor = subgraph.tensors[index] if index >= 0 else None
            if tensor is None or not tensor.constant or tensor.dtype not in _WEIGHT_TYPES:
                continue
            if sum(length > 1 for length in tensor.shape) > 1:
                yield subgraph, operator, tensor
