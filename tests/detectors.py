"""Small files as detectors of pictures are, written field by field."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np
from handmade import Fields, code, graph, i8, i32, model, operator, options, signature, tensor, u8, written

_POOL, _FULLY_CONNECTED = 5, 8  # of BuiltinOptions
_CUSTOM = 32  # of BuiltinOperator
# As TensorFlow's converter writes them, a FlexBuffer: 6 detections, 1 class of each, IoU 0.5, no least score, 3 classes.
OPTIONS = bytes.fromhex(
    "6d61785f646574656374696f6e73006d61785f636c61737365735f7065725f646574656374696f6e006e756d5f636c6173736573006e6d735f"
    "73636f72655f7468726573686f6c64006e6d735f696f755f7468726573686f6c6400795f7363616c6500785f7363616c6500685f7363616c65"
    "00775f7363616c65007573655f726567756c61725f6e6d73000a217e8e465b681720313a00000c000000010000000a0000000000a040010000"
    "00060000000000003f0000000003000000000000000000a04000002041000020410e06060e0e06060e0e0e322601"
)
OUTPUTS = ("where", "what", "sure", "many")
_CELLS = [((row + 0.5) / 4, (column + 0.5) / 4) for row in range(4) for column in range(4)]


def picture(order: Sequence[int] = (0, 1, 2, 3)) -> bytes:
    """[1, 32, 32, 3] -> which of red, green and blue things there are: each of 16 parts of the picture may be one.

    It ends in the custom operator of TensorFlow's object detection, whose outputs have the shapes that converters write
    for them: none. The file has them in this order.
    """
    anchors = np.array([(y, x, 0.3, 0.4) for y, x in _CELLS], "<f4")
    of_places = np.random.default_rng(5).normal(size=(4, 3)).astype("<f4")
    stored = [
        struct.pack("<3i", 1, 16, 3),
        of_places.tobytes(),
        (np.eye(3, dtype="<f4") * 4).tobytes(),
        anchors.tobytes(),
    ]
    tensors = [
        tensor("image", "float32", [1, 32, 32, 3]),
        tensor("cells", "float32", [1, 4, 4, 3]),
        tensor("shape", "int32", [3], 1),
        tensor("rows", "float32", [1, 16, 3]),
        tensor("of_places", "float32", [4, 3], 2),
        tensor("places", "float32", [1, 16, 4]),
        tensor("of_logits", "float32", [3, 3], 3),
        tensor("logits", "float32", [1, 16, 3]),
        tensor("scores", "float32", [1, 16, 3]),
        tensor("anchors", "float32", [16, 4], 4),
        *(tensor(name, "float32", []) for name in OUTPUTS),
    ]
    keeps_rows = options(_FULLY_CONNECTED, {2: u8(1)})
    pool = options(_POOL, {0: i8(1), 1: i32(8), 2: i32(8), 3: i32(8), 4: i32(8)})
    outputs = [10, 11, 12, 13]
    operators = [
        operator(0, [0], [1], pool),
        operator(1, [1, 2], [3]),
        operator(2, [3, 4, -1], [5], keeps_rows),
        operator(2, [3, 6, -1], [7], keeps_rows),
        operator(3, [7], [8]),
        operator(4, [5, 8, 9], outputs, {5: OPTIONS}),
    ]
    own: Fields = {0: i8(_CUSTOM), 1: "TFLite_Detection_PostProcess", 2: i32(1), 3: i32(_CUSTOM)}
    codes = [*map(code, ("AVERAGE_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "LOGISTIC")), own]
    signatures = [signature("serving_default", 0, {"image": 0}, dict(zip(OUTPUTS, outputs, strict=True)))]
    own_order = [outputs[place] for place in order]
    return written(model(codes, [graph(tensors, operators, [0], own_order)], stored, {7: signatures}))


def outputs(pictures: Sequence[str], shapes: Mapping[str, tuple[str, tuple[int, ...]]]) -> bytes:
    """Pictures of [1, 8, 8, 3] -> zeros, by name: of a type and a shape."""
    names, count = list(shapes), len(pictures)
    tensors = [tensor(name, "float32", [1, 8, 8, 3]) for name in pictures]
    stored, operators = [], []
    for name, (dtype, shape) in shapes.items():
        stored += [bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize), struct.pack(f"<{len(shape)}i", *shape)]
        first = len(tensors)
        tensors += [
            tensor(f"{name}_values", dtype, shape, len(stored) - 1),
            tensor(f"{name}_shape", "int32", [len(shape)], len(stored)),
            tensor(name, dtype, shape),
        ]
        operators.append(operator(0, [first, first + 1], [first + 2]))
    places = [count + 3 * i + 2 for i in range(len(names))]
    own = graph(tensors, operators, list(range(count)), places)
    given = {name: i for i, name in enumerate(pictures)}
    signatures = [signature("serving_default", 0, given, dict(zip(names, places, strict=True)))]
    return written(model([code("RESHAPE")], [own], stored, {7: signatures}))
