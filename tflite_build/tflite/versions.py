"""The version of each operator that a file's types and attributes really need, whatever the file itself says.

Quantizers change types and leave versions behind, and a runtime that believes such a file computes nonsense. A file can
also claim more than it needs, and then no older runtime loads it: what counts is the larger of the two.

Source of the rules: GetBuiltinOperatorVersion in tflite/tools/versioning/op_version.cc and GetOpSignature in
op_signature.cc of LiteRT (2026), in their order; field numbers from schema.fbs. Two rules are this tool's own, where
those say less than the kernels need:
- Float operators with int4 weights have no rule there. A fully connected one with a scale for each channel needs what
  the int8 one needs (12), since older kernels read a single scale; convolutions need the version that first takes int4
  weights (7).
- int16 activations with int8 weights, which the rules there look for with int16 weights: 4, 5 and 7 of CONV_2D,
  DEPTHWISE_CONV_2D and FULLY_CONNECTED, the versions that brought these kernels; 8 and 11 with an int32 bias.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .reader import Model, Operator, Subgraph, Tensor


@dataclass(frozen=True, slots=True)
class _Use:
    """One use of an operator, as the rules look at it."""

    operator: Operator
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor | None, ...]

    def input(self, index: int) -> Tensor | None:
        """An input, or None for one that is absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    def output(self, index: int) -> Tensor | None:
        """An output, or None for one that is absent."""
        return self.outputs[index] if index < len(self.outputs) else None

    def type(self, index: int = 0) -> str:
        """The type of an input; "" for one that is absent."""
        tensor = self.input(index)
        return tensor.dtype if tensor else ""

    def out(self, index: int = 0) -> str:
        """The type of an output."""
        tensor = self.output(index)
        return tensor.dtype if tensor else ""

    def rank(self, index: int = 0) -> int:
        """The number of dimensions of an input."""
        tensor = self.input(index)
        return len(tensor.shape) if tensor else 0

    def option(self, number: int, kind: str = "u8", default: int = 0) -> int:
        """A field of the builtin options."""
        return self.operator.options.scalar(number, kind, default) if self.operator.options else default

    def is_(self, first: str, second: str, output: str) -> bool:
        """Whether the first two inputs and the output have these types."""
        return (self.type(0), self.type(1), self.out(0)) == (first, second, output)

    def int16(self) -> bool:
        """Whether the first input and output are int16."""
        return self.type(0) == "int16" and self.out(0) == "int16"

    def scales(self, index: int) -> tuple[float, ...]:
        """The scales of an input."""
        tensor = self.input(index)
        return tensor.quantization.scales if tensor and tensor.quantization else ()

    def per_channel(self, index: int, axis: int) -> bool:
        """Whether an input has a scale for each element of `axis`."""
        tensor = self.input(index)
        scales = self.scales(index)
        return bool(tensor and scales and len(tensor.shape) > axis and len(scales) == tensor.shape[axis])

    def broadcasts_high(self) -> bool:
        """Whether the first two inputs differ in shape and one has more than four dimensions."""
        first, second = self.input(0), self.input(1)
        if first is None or second is None:
            return False
        return first.shape != second.shape and max(map(self.rank, range(len(self.inputs)))) > 4


def _narrow_bias(u: _Use, option: int) -> bool:
    """Whether an int16 operator has an int32 bias instead of int64, by its option or by the tensor itself."""
    return bool(u.option(option, "i8")) or u.type(len(u.inputs) - 1) == "int32"


def _conv_2d(u: _Use) -> int:
    if u.is_("int16", "int8", "int16") and _narrow_bias(u, 6):
        return 8
    data, weights = u.input(0), u.input(1)
    if data and weights and len(data.shape) == len(weights.shape) == 4 and data.shape[3] != weights.shape[3]:
        return 6  # grouped
    if u.int16():
        return 4
    if u.is_("int8", "int8", "int8"):
        return 3
    if u.is_("int8", "int4", "int8") or u.is_("float32", "int4", "float32"):
        return 7
    if u.is_("float32", "int8", "float32"):
        return 5 if u.per_channel(1, 0) else 2
    return 1


def _depthwise_conv_2d(u: _Use) -> int:
    if u.int16():
        return 5
    if u.is_("float32", "int8", "float32"):
        return 6 if u.per_channel(1, 3) else 4
    if u.is_("int8", "int8", "int8"):
        return 3
    if u.is_("int8", "int4", "int8") or u.is_("float32", "int4", "float32"):
        return 7
    return 2 if u.option(5, "i32", 1) != 1 or u.option(6, "i32", 1) != 1 else 1


def _fully_connected(u: _Use) -> int:
    weights = u.input(1)
    if u.type(1) == "int2":
        return 14
    if u.is_("int16", "int4", "int16"):
        return 13
    if u.is_("float32", "int8", "float32") and u.per_channel(1, 0):
        return 12
    if u.is_("float32", "int4", "float32"):
        return 12
    if u.is_("int16", "int8", "int16") and _narrow_bias(u, 4):
        return 11
    if weights is not None and weights.sparse:
        return 8
    if u.int16():
        return 7
    if len(u.inputs) == 2:
        return 6
    if u.option(2):
        return 5
    if u.is_("int8", "int8", "int8"):
        return 4
    if u.is_("int8", "int4", "int8"):
        return 10
    if u.is_("float32", "int8", "float32"):
        return 9 if u.option(3) else 3
    return 2 if u.option(1, "i8") == 1 else 1


def _mul(u: _Use) -> int:
    quantized = bool(u.scales(0) and u.scales(1))
    if (u.type() == "int16" and not quantized) or u.type() == "uint32":
        return 7
    by_type = {"complex64": 6, "int64": 5, "int16": 4}.get(u.type())
    if by_type:
        return by_type
    made = u.output(0)
    output = made.quantization if made else None
    if quantized and output and output.scales and u.scales(0)[0] * u.scales(1)[0] >= output.scales[0]:
        return 3
    return 2 if u.type() == "int8" else 1


def _gather(u: _Use) -> int:
    if u.type() == "int4":
        return 7
    if u.type(1) == "int16":
        return 6
    if u.option(1, "i32"):
        return 5
    return {"int16": 4, "bool": 3, "int8": 2}.get(u.type(), 1)


def _transpose(u: _Use) -> int:
    if u.type() == "int4":
        return 7
    if u.rank() > 5:
        return 6
    if u.type() == "int16":
        return 5
    if u.rank() > 4:
        return 4
    return {"bool": 3, "int8": 2}.get(u.type(), 1)


def _transpose_conv(u: _Use) -> int:
    if u.is_("int16", "int8", "int16") and _narrow_bias(u, 4):
        return 5
    if u.option(3, "i8"):
        return 4
    if len(u.inputs) == 4 and u.input(3) is not None:
        return 3
    return 2 if u.type(1) == "int8" else 1


def _lstm(u: _Use) -> int:
    basic = u.option(3, "i8") == 1
    types = (u.type(0), u.type(2), u.out(0))
    if not basic and types == ("int16", "int8", "int16"):
        return 5
    if not basic and types == ("float32", "int8", "float32"):
        return 4 if u.option(4) else 3
    return 2 if basic else 1


def _sequence_lstm(u: _Use) -> int:
    types = (u.type(0), u.type(2), u.out(0))
    if types == ("int16", "int8", "int16"):
        return 5
    if u.option(5):
        return 4
    if types == ("float32", "int8", "float32"):
        return 3 if u.option(4) else 2
    return 1


def _hybrid_rnn(asymmetric: int) -> Callable[[_Use], int]:
    def rule(u: _Use) -> int:
        if u.type(1) == "int8" and u.out(0) == "float32":
            return 3 if u.option(asymmetric) else 2
        return 1

    return rule


def _svdf(u: _Use) -> int:
    if u.type() == "int8":
        return 3
    if u.is_("float32", "int8", "float32"):
        return 4 if u.option(2) else 2
    return 1


def _slice(u: _Use) -> int:
    if u.type() == "uint32":
        return 6
    if u.rank() > 4:
        return 5
    return {"int16": 4, "string": 3, "int8": 2}.get(u.type(), 1)


def _unpack(u: _Use) -> int:
    return {"int8": 2, "uint8": 2, "bool": 3}.get(u.type(), 4 if u.int16() else 1)


def _dequantize(u: _Use) -> int:
    if u.type() == "int8":
        return 5 if len(u.scales(0)) > 1 else 2
    small = {"float8_e4m3fn": 9, "float8_e5m2": 9, "uint4": 8, "int2": 7, "int4": 6}
    return {**small, "int16": 3, "float16": 3}.get(u.type(), 1)


def _quantize(u: _Use) -> int:
    if "int4" in (u.type(), u.out()):
        return 4
    made = u.output(0)
    if made and made.quantization and made.quantization.per_channel:
        return 3
    return 2 if u.out() == "int16" else 1


def _abs(u: _Use) -> int:
    if u.type() == "int16":
        return 3 if u.scales(0) else 4
    return {"int32": 5, "int8": 2, "uint8": 2}.get(u.type(), 1)


def _strided_slice(u: _Use) -> int:
    if u.option(5):
        return 8
    if u.type() == "uint32":
        return 7
    if u.option(2, "i32") or u.option(3, "i32"):
        return 6
    if u.type() == "string":
        return 5
    if u.rank() > 4:
        return 4
    return {"bool": 3, "int8": 2}.get(u.type(), 1)


def _resize(half_pixel: int, align: int | None) -> Callable[[_Use], int]:
    def rule(u: _Use) -> int:
        if u.type() == "int16":
            return 4
        if u.option(half_pixel) or (align is not None and u.option(align)):
            return 3
        return 2 if u.type() == "int8" else 1

    return rule


def _extremum(u: _Use) -> int:
    if u.int16():
        return 4
    if u.broadcasts_high():
        return 3
    return 2 if u.type() == "int8" else 1


def _pack(u: _Use) -> int:
    return {"int8": 2, "uint32": 4}.get(u.type(), 3 if u.int16() else 1)


def _batch_space(u: _Use) -> int:
    if u.type() == "int16":
        return 4
    if u.rank() != 4:
        return 3
    return 2 if u.type() == "int8" else 1


def _add(u: _Use) -> int:
    if u.type() == "int16" and not (u.scales(0) and u.scales(1)):
        return 5
    if u.type() == "int64":
        return 4
    if u.int16() and not u.option(1, default=1):
        return 3
    return 2 if u.type() == "int8" else 1


def _sub(u: _Use) -> int:
    if u.int16() and not u.option(1, default=1):
        return 5
    if u.type() == "int64":
        return 4
    if u.broadcasts_high():
        return 3
    return 2 if u.type() == "int8" else 1


def _gather_nd(u: _Use) -> int:
    if u.type() == "bool":
        return 5
    if u.type(1) == "int16":
        return 4
    return {"int16": 3, "string": 2}.get(u.type(), 1)


def _activation(u: _Use) -> int:
    return 3 if u.int16() else 2 if u.type() == "int8" else 1


def _fill(u: _Use) -> int:
    return {"float16": 4, "int8": 3, "int16": 3, "bool": 2, "string": 2}.get(u.type(1), 1)


def _batch_matmul(u: _Use) -> int:
    if u.is_("float32", "int8", "float32") and u.option(2):
        return 4
    return {"int16": 3, "int8": 2}.get(u.type(), 1)


def _pad(u: _Use) -> int:
    if u.type() == "bool":
        return 5
    if u.rank() > 4:
        return 4
    return {"int16": 3, "int8": 2}.get(u.type(), 1)


def _select(u: _Use) -> int:
    if u.type() == "uint32":
        return 4
    if 5 in (u.rank(0), u.rank(1), u.rank(2)):
        return 3
    return 2 if u.type() == "int8" else 1


def _topk(u: _Use) -> int:
    if "int16" in (u.type(0), u.type(1), u.out(1)):
        return 3
    return 2 if u.type() == "int8" else 1


def _dynamic_update_slice(u: _Use) -> int:
    if u.type() in ("int16", "float16"):
        return 4 if u.type() == "int16" else 3
    return 2 if u.type(2) == "int64" else 1


def _cast(u: _Use) -> int:
    either = {u.type(), u.out()}
    if either & {"float8_e4m3fn", "float8_e5m2"}:
        return 9
    if either & {"int2", "uint4"}:
        return 8
    if "bfloat16" in either:
        return 7
    if u.type() == "int4" and u.out() == "float32":
        return 6
    for names, version in (({"float64", "float16"}, 5), ({"uint16"}, 4), ({"int8"}, 3), ({"uint32"}, 2)):
        if either & names:
            return version
    return 1


def _embedding_lookup(u: _Use) -> int:
    if u.type(1) == "int2":
        return 5
    return 4 if u.type(1) == "int4" or u.per_channel(1, 0) else 1


def _by_type(index: int = 0, **versions: int) -> Callable[[_Use], int]:
    """A rule that looks at the type of one input alone."""
    return lambda u: versions.get(u.type(index), 1)


_INT8 = _by_type(int8=2)
_INT8_INT16 = _by_type(int8=2, int16=3)

_RULES: dict[str, Callable[[_Use], int]] = {
    "ABS": _abs,
    "ADD": _add,
    "ARG_MAX": _by_type(bool=3, int8=2),
    "ARG_MIN": _by_type(bool=3, int8=2),
    "AVERAGE_POOL_2D": _activation,
    "BATCH_MATMUL": _batch_matmul,
    "BATCH_TO_SPACE_ND": _batch_space,
    "BIDIRECTIONAL_SEQUENCE_LSTM": _hybrid_rnn(5),
    "BIDIRECTIONAL_SEQUENCE_RNN": _hybrid_rnn(3),
    "BROADCAST_TO": lambda u: 3 if u.type() in ("int8", "int16") else 2,
    "CAST": _cast,
    "CONCATENATION": _by_type(uint32=4, int16=3, int8=2),
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "DEPTH_TO_SPACE": _INT8,
    "DEQUANTIZE": _dequantize,
    "DIV": lambda u: 2 if u.broadcasts_high() else 1,
    "DYNAMIC_UPDATE_SLICE": _dynamic_update_slice,
    "EMBEDDING_LOOKUP": _embedding_lookup,
    "EQUAL": _by_type(int16=4, string=3, int8=2),
    "EXP": _by_type(int8=2, int16=2),
    "FAKE_QUANT": lambda u: 2 if u.option(3) else 1,
    "FILL": _fill,
    "FLOOR_DIV": _by_type(int16=3, int8=3, float32=2),
    "FLOOR_MOD": _by_type(int16=2, int8=2),
    "FULLY_CONNECTED": _fully_connected,
    "GATHER": _gather,
    "GATHER_ND": _gather_nd,
    "GELU": _by_type(int8=2, uint8=2),
    "GREATER": _INT8,
    "GREATER_EQUAL": _by_type(int16=3, int8=2),
    "L2_NORMALIZATION": lambda u: 2 if u.out() == "int8" else 1,
    "LEAKY_RELU": _by_type(int16=2),
    "LESS": _by_type(int16=3, int8=2),
    "LESS_EQUAL": _INT8,
    "LOG": _by_type(int8=2, int16=2),
    "LOGISTIC": _activation,
    "LOG_SOFTMAX": _INT8,
    "LSTM": _lstm,
    "MAXIMUM": _extremum,
    "MAX_POOL_2D": _activation,
    "MEAN": _INT8_INT16,
    "MINIMUM": _extremum,
    "MIRROR_PAD": _INT8_INT16,
    "MUL": _mul,
    "NOT_EQUAL": _by_type(string=3, int8=2),
    "PACK": _pack,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "RANGE": _by_type(int64=2),
    "REDUCE_MAX": _INT8_INT16,
    "REDUCE_MIN": _INT8_INT16,
    "REDUCE_PROD": _by_type(int8=2, int16=2),
    "RELU": _by_type(int16=3, int8=2, uint8=2),
    "RELU6": _INT8_INT16,
    "RESIZE_BILINEAR": _resize(3, None),
    "RESIZE_NEAREST_NEIGHBOR": _resize(1, 0),
    "REVERSE_V2": _by_type(int8=3, bool=2),
    "RNN": _hybrid_rnn(1),
    "RSQRT": _INT8_INT16,
    "SELECT": _select,
    "SELECT_V2": _by_type(uint32=2),
    "SIGN": _by_type(int32=2),
    "SLICE": _slice,
    "SOFTMAX": _INT8_INT16,
    "SPACE_TO_BATCH_ND": _batch_space,
    "SPACE_TO_DEPTH": _INT8,
    "SPARSE_TO_DENSE": _by_type(2, int8=3, uint8=3, int64=2),
    "SPLIT": _by_type(1, int16=4, int32=3, int8=2),
    "SPLIT_V": _INT8,
    "SQUARED_DIFFERENCE": _INT8,
    "SQUEEZE": _by_type(string=2),
    "STRIDED_SLICE": _strided_slice,
    "SUB": _sub,
    "SUM": _INT8,
    "SVDF": _svdf,
    "TANH": _activation,
    "TILE": _by_type(int8=3, string=2),
    "TOPK_V2": _topk,
    "TRANSPOSE": _transpose,
    "TRANSPOSE_CONV": _transpose_conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _sequence_lstm,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _hybrid_rnn(2),
    "UNPACK": _unpack,
    "WHERE": lambda u: 1 if u.type() == "bool" else 2,
}


def needed(model: Model) -> dict[int, int]:
    """Operator code by index -> the version that its uses need; builtin operators only."""
    found: dict[int, int] = {}
    for graph in model.subgraphs:
        for operator in graph.operators:
            code = model.codes[operator.code]
            if code.custom:
                continue
            rule = _RULES.get(code.name)
            version = rule(_use(graph, operator)) if rule and operator.inputs else 1
            found[operator.code] = max(found.get(operator.code, 1), version)
    return found


def traits(model: Model) -> dict[int, frozenset[str]]:
    """Operator code by index -> what of its uses no version tells, and only some runtimes compute right."""
    found: dict[int, frozenset[str]] = {}
    for graph in model.subgraphs:
        for operator in graph.operators:
            use = _use(graph, operator)
            if use.is_("float32", "int4", "float32"):
                names = {"hybrid-int4"} | ({"hybrid-int4-tensor"} if len(use.scales(1)) == 1 else set())
                found[operator.code] = found.get(operator.code, frozenset()) | names
    return found


def derive(model: Model) -> dict[int, int]:
    """Operator code by index -> the version that counts: what its uses need, or what the file claims if more."""
    return {index: max(version, model.codes[index].version) for index, version in needed(model).items()}


def _use(graph: Subgraph, operator: Operator) -> _Use:
    def tensors(indices: tuple[int, ...]) -> tuple[Tensor | None, ...]:
        return tuple(graph.tensors[i] if i >= 0 else None for i in indices)

    return _Use(operator, tensors(operator.inputs), tensors(operator.outputs))
