"""Small float .tflite models from a JSON description on stdin; run by a Python that has ai-edge-litert and flatbuffers.

    {"PATH": {"signatures": [{"name", "input": [1, 8, 8, 2], "layers": [["conv", 4, 3, "relu6"], ...]}], "seed": 1}}

With "shared" all signatures draw the same weights, and equal ones are in the file once.

No converter has a part in it, so that tests can ask for exactly the operators that they are about.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

Shape = Sequence[int]
_ACTIVATIONS = {"": 0, "relu": 1, "relu6": 3, "tanh": 4}


class Graph:
    """One subgraph under construction."""

    def __init__(
        self, model: Any, random: np.random.Generator, prefix: str, shared: dict[bytes, int] | None = None
    ) -> None:
        self.model, self.random, self.prefix, self.shared = model, random, prefix, shared
        self.graph = schema.SubGraphT()
        self.graph.name, self.graph.tensors, self.graph.operators = prefix.encode(), [], []
        self.current, self.shape = -1, (0,)
        self.given: list[tuple[str, int]] = []

    def tensor(self, name: str, shape: Shape, value: Any = None, dtype: str = "FLOAT32") -> int:
        made = schema.TensorT()
        made.name, made.shape = f"{self.prefix}/{name}".encode(), np.array(shape, np.int32)
        made.type = getattr(schema.TensorType, dtype)
        if value is not None:
            data = np.ascontiguousarray(value).tobytes()
            made.buffer = (self.shared or {}).get(data, 0)
            if not made.buffer:
                buffer = schema.BufferT()
                buffer.data = np.frombuffer(data, np.uint8)
                made.buffer = len(self.model.buffers)
                self.model.buffers.append(buffer)
            if self.shared is not None:
                self.shared[data] = made.buffer
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def weights(self, name: str, shape: Shape, scale: float = 0.4) -> int:
        return self.tensor(name, shape, self.random.normal(0, scale, shape).astype(np.float32))

    def ints(self, name: str, values: Sequence[int]) -> int:
        return self.tensor(name, [len(values)], np.array(values, np.int32), "INT32")

    def operator(self, kind: str, inputs: Sequence[int], shape: Shape, options: Any = None, word: str = "") -> None:
        code = getattr(schema.BuiltinOperator, kind)
        codes = self.model.operatorCodes
        if code not in [c.builtinCode for c in codes]:
            made = schema.OperatorCodeT()
            made.builtinCode, made.version = code, 1
            made.deprecatedBuiltinCode = min(code, 127)
            codes.append(made)
        operator = schema.OperatorT()
        operator.opcodeIndex = [c.builtinCode for c in codes].index(code)
        output = self.tensor(f"{word or kind.lower()}_{len(self.graph.operators)}", shape)
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            operator.builtinOptions, operator.builtinOptionsType = options, getattr(schema.BuiltinOptions, name)
        self.graph.operators.append(operator)
        self.current, self.shape = output, tuple(shape)


def _options(kind: str, **values: Any) -> Any:
    made = getattr(schema, f"{kind}T")()
    for name, value in values.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return made


def _conv(g: Graph, channels: int, size: int, activation: str = "", stride: int = 1) -> None:
    batch, height, width, depth = g.shape
    number = len(g.graph.operators)
    inputs = [
        g.current,
        g.weights(f"kernel_{number}", (channels, size, size, depth)),
        g.weights(f"b_{number}", (channels,)),
    ]
    options = _options(
        "Conv2DOptions", padding=0, strideW=stride, strideH=stride, fusedActivationFunction=_ACTIVATIONS[activation]
    )
    g.operator("CONV_2D", inputs, (batch, -(-height // stride), -(-width // stride), channels), options, "conv")


def _depthwise(g: Graph, size: int, activation: str = "", stride: int = 1) -> None:
    batch, height, width, depth = g.shape
    number = len(g.graph.operators)
    inputs = [g.current, g.weights(f"kernel_{number}", (1, size, size, depth)), g.weights(f"b_{number}", (depth,))]
    options = _options(
        "DepthwiseConv2DOptions",
        padding=0,
        strideW=stride,
        strideH=stride,
        depthMultiplier=1,
        fusedActivationFunction=_ACTIVATIONS[activation],
    )
    g.operator(
        "DEPTHWISE_CONV_2D", inputs, (batch, -(-height // stride), -(-width // stride), depth), options, "depthwise"
    )


def _dense(g: Graph, units: int, activation: str = "") -> None:
    number = len(g.graph.operators)
    inputs = [g.current, g.weights(f"kernel_{number}", (units, g.shape[-1])), g.weights(f"b_{number}", (units,))]
    options = _options("FullyConnectedOptions", fusedActivationFunction=_ACTIVATIONS[activation])
    g.operator("FULLY_CONNECTED", inputs, (g.shape[0], units), options, "dense")


def _mean(g: Graph) -> None:
    axes = g.ints(f"axes_{len(g.graph.operators)}", [1, 2])
    g.operator("MEAN", [g.current, axes], (g.shape[0], g.shape[-1]), _options("ReducerOptions", keepDims=False))


def _softmax(g: Graph) -> None:
    g.operator("SOFTMAX", [g.current], g.shape, _options("SoftmaxOptions", beta=1.0))


def _unary(kind: str) -> Callable[[Graph], None]:
    return lambda g: g.operator(kind, [g.current], g.shape)


def _add(g: Graph) -> None:
    """The current value and the one before the last operator, as in a residual block."""
    before = int(g.graph.operators[-1].inputs[0])
    g.operator("ADD", [before, g.current], g.shape, _options("AddOptions", fusedActivationFunction=0))


def _minus(g: Graph, name: str) -> None:
    """Less another input, of the same shape."""
    given = g.tensor(name, g.shape)
    g.given.append((name, given))
    g.operator("SUB", [g.current, given], g.shape, _options("SubOptions", fusedActivationFunction=0))


def _scale(g: Graph, factor: float, activation: str = "") -> None:
    number = g.tensor(f"factor_{len(g.graph.operators)}", (1,), np.full(1, factor, np.float32))
    options = _options("MulOptions", fusedActivationFunction=_ACTIVATIONS[activation])
    g.operator("MUL", [g.current, number], g.shape, options, "scale")


def _shift(g: Graph, amount: float) -> None:
    number = g.tensor(f"amount_{len(g.graph.operators)}", (1,), np.full(1, amount, np.float32))
    g.operator("ADD", [g.current, number], g.shape, _options("AddOptions", fusedActivationFunction=0), "shift")


def _max_pool(g: Graph) -> None:
    batch, height, width, depth = g.shape
    options = _options("Pool2DOptions", padding=0, strideW=2, strideH=2, filterWidth=2, filterHeight=2)
    g.operator("MAX_POOL_2D", [g.current], (batch, -(-height // 2), -(-width // 2), depth), options)


def _pad(g: Graph) -> None:
    batch, height, width, depth = g.shape
    sides = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
    by = g.tensor(f"by_{len(g.graph.operators)}", sides.shape, sides, "INT32")
    g.operator("PAD", [g.current, by], (batch, height + 2, width + 2, depth), _options("PadOptions"))


def _svdf(g: Graph, units: int, activation: str = "") -> None:
    """A filter with a memory: TensorFlow's quantizer knows it, litert-quantizer does not."""
    number = len(g.graph.operators)
    feature = g.weights(f"kernel_{number}", (units, g.shape[-1]))
    time = g.weights(f"time_{number}", (units, 5))
    state = g.tensor(f"state_{number}", (g.shape[0], 5 * units))
    g.graph.tensors[state].isVariable = True
    options = _options("SVDFOptions", rank=1, fusedActivationFunction=_ACTIVATIONS[activation])
    g.operator("SVDF", [g.current, feature, time, -1, state], (g.shape[0], units), options)


def _rfft(g: Graph, length: int) -> None:
    """The spectrum of each row; a two-dimensional transform whose first length is 1 is that."""
    wide = (*g.shape[:-1], 1, g.shape[-1])
    shape = g.ints(f"wide_{len(g.graph.operators)}", wide)
    g.operator("RESHAPE", [g.current, shape], wide, _options("ReshapeOptions", newShape=list(wide)))
    lengths = g.ints(f"lengths_{len(g.graph.operators)}", [1, length])
    g.operator("RFFT2D", [g.current, lengths], (*g.shape[:-1], 1, length // 2 + 1), _options("Rfft2dOptions"))
    g.graph.tensors[g.current].type = schema.TensorType.COMPLEX64


def _constant(g: Graph) -> None:
    """An output that depends on no input: the value times zero, plus a number."""
    zero = g.tensor("zero", (1,), np.zeros(1, np.float32))
    g.operator("MUL", [g.current, zero], g.shape, _options("MulOptions", fusedActivationFunction=0))
    number = g.tensor("number", (1,), np.full(1, 2.5, np.float32))
    g.operator("ADD", [g.current, number], g.shape, _options("AddOptions", fusedActivationFunction=0))


_LAYERS: dict[str, Callable[..., None]] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "dense": _dense,
    "mean": _mean,
    "softmax": _softmax,
    "tanh": _unary("TANH"),
    "logistic": _unary("LOGISTIC"),
    "relu": _unary("RELU"),
    "log": _unary("LOG"),
    "add": _add,
    "minus": _minus,
    "scale": _scale,
    "shift": _shift,
    "max_pool": _max_pool,
    "pad": _pad,
    "svdf": _svdf,
    "rfft": _rfft,
    "constant": _constant,
}


def _port(name: str, tensor: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name.encode(), tensor
    return made


def build(description: dict[str, Any]) -> bytes:
    """The bytes of a model."""
    random = np.random.default_rng(description.get("seed", 0))
    shared: dict[bytes, int] | None = {} if description.get("shared") else None
    model = schema.ModelT()
    model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []
    model.subgraphs, model.signatureDefs = [], []
    for number, signature in enumerate(description["signatures"]):
        if shared is not None:
            random = np.random.default_rng(description.get("seed", 0))
        g = Graph(model, random, signature.get("prefix", signature["name"]), shared)
        g.shape = tuple(signature["input"])
        g.current = g.tensor("input", g.shape)
        g.given.append(("x", g.current))
        for word, *arguments in signature["layers"]:
            _LAYERS[word](g, *arguments)
        g.graph.inputs = np.array([index for _, index in g.given], np.int32)
        g.graph.outputs = np.array([g.current], np.int32)
        model.subgraphs.append(g.graph)
        definition = schema.SignatureDefT()
        definition.signatureKey, definition.subgraphIndex = signature["name"].encode(), number
        definition.inputs = [_port(name, index) for name, index in g.given]
        definition.outputs = [_port("y", g.current)]
        model.signatureDefs.append(definition)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


if __name__ == "__main__":
    for path, description in json.load(sys.stdin).items():
        Path(path).write_bytes(build(description))
