"""A .tflite file as objects that can be changed, and back: for edits that need new tensors or operators.

Buffers that lie behind the FlatBuffer, as litert-quantizer writes them, are brought inside: a new FlatBuffer has another
length, and their offsets would be wrong. Equal objects give equal bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


def unpacked(content: bytes) -> Any:
    """The `ModelT` of a file."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    raw = np.frombuffer(content, np.uint8)
    for buffer in model.buffers:
        if buffer.offset > 1:  # 0 and 1 mean: the bytes are inside
            buffer.data = raw[buffer.offset : buffer.offset + buffer.size]
            buffer.offset = buffer.size = 0
    return model


def with_names(content: bytes, names: Sequence[Sequence[str]]) -> bytes:
    """The file with other names of tensors, for each subgraph in their order."""
    model = unpacked(content)
    for subgraph, own in zip(model.subgraphs, names, strict=True):
        for tensor, name in zip(subgraph.tensors, own, strict=True):
            tensor.name = name.encode()
    return packed(model)


def packed(model: Any) -> bytes:
    """The file of a `ModelT`."""
    size = sum(b.data.nbytes for b in model.buffers if isinstance(b.data, np.ndarray))
    builder = flatbuffers.Builder(size + (1 << 16))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
