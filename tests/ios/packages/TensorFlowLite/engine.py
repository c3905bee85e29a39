"""Computes for the stand-in of TensorFlowLiteSwift: run with the Python of the `core` toolchain.

Calls come from stdin, and answers go to stdout: two big-endian 32-bit sizes, then a JSON object and bytes of these sizes.
The first call opens a file; what the others do to a tensor they do to one of a subgraph, as the C API does it. An
answer is {"ok": false} where the C API would say that it failed.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

Call = dict[str, Any]
Answer = tuple[Call, bytes]
OK: Answer = {"ok": True}, b""
FAILED: Answer = {"ok": False}, b""


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    sys.stderr = os.fdopen(os.dup(2), "w")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)  # what the runtime logs is no answer
    calls = sys.stdin.buffer
    engine = Engine()
    while (head := calls.read(8)) != b"":
        size, content_size = struct.unpack(">II", head)
        call = json.loads(calls.read(size))
        answer, content = engine.answer(call, calls.read(content_size))
        _write(answers, answer, content)
    os._exit(0)  # takes no time to free what is gone anyway


def _write(answers: BinaryIO, answer: Call, content: bytes) -> None:
    encoded = json.dumps(answer).encode()
    answers.write(struct.pack(">II", len(encoded), len(content)) + encoded + content)
    answers.flush()


class Engine:
    """One interpreter."""

    def __init__(self) -> None:
        self._interpreter: Any = None
        self._wrapper: Any = None  # which has the steps of the C API one by one, for all subgraphs

    def answer(self, call: Call, content: bytes) -> Answer:
        if call["name"] == "open":
            return self._open(call, content)
        steps: dict[str, Callable[[Call, bytes], Answer]] = {
            "tensor": self._tensor,
            "resize": self._resize,
            "allocate": self._allocate,
            "set": self._set,
            "invoke": self._invoke,
        }
        return steps[call["name"]](call, content)

    def _open(self, call: Call, content: bytes) -> Answer:
        source = {"model_path": call["path"]} if call["path"] else {"model_content": content or b"empty"}
        # The C API has no delegate by default, unlike Python.
        resolver = OpResolverType.BUILTIN if call["xnnpack"] else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        try:
            self._interpreter = Interpreter(
                **source, num_threads=call["threads"], experimental_op_resolver_type=resolver
            )
        except ValueError as error:
            # What is no file of the runtime is refused before there is an interpreter that could miss operators.
            return {"ok": False, "isModel": "Didn't find op" in str(error)}, b""
        self._wrapper = self._interpreter._interpreter
        signatures = [
            {
                "key": key,
                "subgraph": self._wrapper.GetSubgraphIndexFromSignature(key),
                "inputs": ports["inputs"],
                "outputs": ports["outputs"],
            }
            for key, ports in self._wrapper.GetSignatureDefs().items()
        ]
        inputs, outputs = self._wrapper.InputIndices().tolist(), self._wrapper.OutputIndices().tolist()
        return {"ok": True, "inputs": inputs, "outputs": outputs, "signatures": signatures}, b""

    def _tensor(self, call: Call, _: bytes) -> Answer:
        index, subgraph = call["index"], call["subgraph"]
        shape = self._wrapper.TensorSize(index, subgraph).tolist()
        dtype = np.dtype(self._wrapper.TensorType(index, subgraph))
        scale, zero_point = self._wrapper.TensorQuantization(index, subgraph)
        try:
            content = self._wrapper.GetTensor(index, subgraph).tobytes() if call["withData"] else b""
        except ValueError:  # there is no memory yet
            content = b""
        answer = {
            "ok": True,
            "tensor": self._wrapper.TensorName(index, subgraph),
            "type": dtype.name,
            "shape": shape,
            "byteCount": int(np.prod(shape, dtype=np.int64)) * dtype.itemsize,
            "scale": float(scale),
            "zeroPoint": int(zero_point),
        }
        return answer, content

    def _resize(self, call: Call, _: bytes) -> Answer:
        shape = np.array(call["shape"], np.int32)
        return _tried(lambda: self._wrapper.ResizeInputTensor(call["index"], shape, call["strict"], call["subgraph"]))

    def _allocate(self, call: Call, _: bytes) -> Answer:
        return _tried(lambda: self._wrapper.AllocateTensors(call["subgraph"]))

    def _set(self, call: Call, content: bytes) -> Answer:
        index, subgraph = call["index"], call["subgraph"]
        dtype, shape = self._wrapper.TensorType(index, subgraph), self._wrapper.TensorSize(index, subgraph)
        return _tried(lambda: self._wrapper.SetTensor(index, np.frombuffer(content, dtype).reshape(shape), subgraph))

    def _invoke(self, call: Call, _: bytes) -> Answer:
        return _tried(lambda: self._wrapper.Invoke(call["subgraph"]))


def _tried(step: Callable[[], object]) -> Answer:
    try:
        step()
    except (RuntimeError, ValueError):
        return FAILED
    return OK


if __name__ == "__main__":
    main()
