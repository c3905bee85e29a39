"""Computes for the stand-in of the interpreter: run with the Python of the `core` toolchain.

    python engine.py MODEL

Calls and answers are in the format of Java's DataOutputStream: see standins/testbed/PythonEngine.kt.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import Any, BinaryIO

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the runtime prints is no answer
    interpreter = Interpreter(model_path=sys.argv[1])
    interpreter.allocate_tensors()
    calls = sys.stdin.buffer
    while (head := calls.read(2)) != b"":
        signature = calls.read(struct.unpack(">H", head)[0]).decode()
        inputs = {}
        for _ in range(_int(calls)):
            name = calls.read(struct.unpack(">H", calls.read(2))[0]).decode()
            shape = [_int(calls) for _ in range(_int(calls))]
            inputs[name] = (shape, calls.read(_int(calls)))
        outputs = _by_signature(interpreter, signature, inputs) if signature else _by_tensors(interpreter, inputs)
        answers.write(struct.pack(">i", len(outputs)))
        for name, array in outputs.items():
            encoded, content = name.encode(), array.tobytes()
            answers.write(struct.pack(">H", len(encoded)) + encoded)
            answers.write(struct.pack(f">{2 + array.ndim}i", array.ndim, *array.shape, len(content)) + content)
        answers.flush()


Given = dict[str, tuple[list[int], bytes]]


def _by_signature(interpreter: Any, signature: str, inputs: Given) -> dict[str, Any]:
    runner = interpreter.get_signature_runner(signature)
    types = {name: detail["dtype"] for name, detail in runner.get_input_details().items()}
    return dict(runner(**{name: _array(types[name], *given) for name, given in inputs.items()}))


def _by_tensors(interpreter: Any, inputs: Given) -> dict[str, Any]:
    details = {detail["name"]: detail for detail in interpreter.get_input_details()}
    if any(details[name]["shape"].tolist() != shape for name, (shape, _) in inputs.items()):
        for name, (shape, _) in inputs.items():
            interpreter.resize_tensor_input(details[name]["index"], shape)
        interpreter.allocate_tensors()
    for name, given in inputs.items():
        interpreter.set_tensor(details[name]["index"], _array(details[name]["dtype"], *given))
    interpreter.invoke()
    return {detail["name"]: interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()}


def _array(dtype: Any, shape: list[int], content: bytes) -> Any:
    return np.frombuffer(content, dtype).reshape(shape)


def _int(stream: BinaryIO) -> int:
    return int(struct.unpack(">i", stream.read(4))[0])


if __name__ == "__main__":
    main()
