"""Small models of pictures, sounds and texts, as MediaPipe's tasks take them, written field by field."""

from __future__ import annotations

import struct

from handmade import Fields, Scalar, code, graph, i8, model, operator, options, tensor, u8, written

_FULLY_CONNECTED, _SOFTMAX, _ADD, _REDUCER, _CAST, _ABS = 8, 9, 11, 27, 37, 78  # of BuiltinOptions


def _floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def _integers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def _softmax(code_: int, taken: int, given: int) -> Fields:
    return operator(code_, [taken], [given], options(_SOFTMAX, {0: Scalar("f", 1.0)}))


def picture(scores: bool = False) -> bytes:
    """[1, 8, 8, 3] -> which of red, green and blue there is most of: the softmax of four times each one's mean.

    Args:
        scores: Whether what that is the softmax of is an output, too.
    """
    tensors = [
        tensor("image", "float32", [1, 8, 8, 3]),
        tensor("axes", "int32", [2], 1),
        tensor("means", "float32", [1, 3]),
        tensor("weights", "float32", [3, 3], 2),
        tensor("scores", "float32", [1, 3]),
        tensor("probabilities", "float32", [1, 3]),
    ]
    operators = [
        operator(0, [0, 1], [2], options(_REDUCER, {})),
        operator(1, [2, 3, -1], [4], options(_FULLY_CONNECTED, {})),
        _softmax(2, 4, 5),
    ]
    codes = [code("MEAN"), code("FULLY_CONNECTED"), code("SOFTMAX")]
    stored = [_integers(1, 2), _floats(4, 0, 0, 0, 4, 0, 0, 0, 4)]
    return written(model(codes, [graph(tensors, operators, [0], [5, 4] if scores else [5])], stored))


def parts() -> bytes:
    """[1, 8, 8, 3] -> which of red, green and blue there is most of at each pixel: twice its values, as scores."""
    tensors = [tensor("image", "float32", [1, 8, 8, 3]), tensor("mask", "float32", [1, 8, 8, 3])]
    return written(model([code("ADD")], [graph(tensors, [operator(0, [0, 0], [1], options(_ADD, {}))], [0], [1])]))


def sound() -> bytes:
    """[1, 800] -> quiet or loud: the softmax of what its mean absolute value says."""
    tensors = [
        tensor("samples", "float32", [1, 800]),
        tensor("absolute", "float32", [1, 800]),
        tensor("axes", "int32", [1], 1),
        tensor("mean", "float32", [1, 1]),
        tensor("weights", "float32", [2, 1], 2),
        tensor("bias", "float32", [2], 3),
        tensor("scores", "float32", [1, 2]),
        tensor("probabilities", "float32", [1, 2]),
    ]
    operators = [
        operator(0, [0], [1], options(_ABS, {})),
        operator(1, [1, 2], [3], options(_REDUCER, {0: u8(1)})),
        operator(2, [3, 4, 5], [6], options(_FULLY_CONNECTED, {})),
        _softmax(3, 6, 7),
    ]
    codes = [code("ABS"), code("MEAN"), code("FULLY_CONNECTED"), code("SOFTMAX")]
    stored = [_integers(1), _floats(-20, 20), _floats(4, -4)]
    return written(model(codes, [graph(tensors, operators, [0], [7])], stored))


def text(inputs: tuple[str, ...]) -> bytes:
    """int32 [1, 16] of each of `inputs` -> low or high: the softmax of what the mean of the first one says."""
    count = len(inputs)
    names = [tensor(name, "int32", [1, 16]) for name in inputs]
    tensors = [
        *names,
        *(tensor(f"{name}_real", "float32", [1, 16]) for name in inputs),
        tensor("axes", "int32", [1], 1),
        tensor("mean", "float32", [1, 1]),
        tensor("weights", "float32", [2, 1], 2),
        tensor("bias", "float32", [2], 3),
        tensor("scores", "float32", [1, 2]),
        tensor("probabilities", "float32", [1, 2]),
    ]
    axes = 2 * count
    casts = [operator(0, [i], [count + i], options(_CAST, {0: i8(2), 1: i8(0)})) for i in range(count)]
    operators = [
        *casts,
        operator(1, [count, axes], [axes + 1], options(_REDUCER, {0: u8(1)})),
        operator(2, [axes + 1, axes + 2, axes + 3], [axes + 4], options(_FULLY_CONNECTED, {})),
        _softmax(3, axes + 4, axes + 5),
    ]
    codes = [code("CAST"), code("MEAN"), code("FULLY_CONNECTED"), code("SOFTMAX")]
    stored = [_integers(1), _floats(-1, 1), _floats(1, -1)]
    return written(model(codes, [graph(tensors, operators, list(range(count)), [axes + 5])], stored))
