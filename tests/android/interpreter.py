"""What the runtime's Python interpreter computes: run with the Python of the `core` toolchain.

    python interpreter.py MODEL < calls.json

`calls` is a list of calls of one interpreter, {"signature": key or null, "inputs": {name: nested list}}; inputs take
the types of their tensors, and shapes that differ are resized to. Prints a list of {name: nested list}. Without a
signature names are those of tensors.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main() -> None:
    interpreter = Interpreter(model_path=sys.argv[1])
    answers, ready = [], None
    for call in json.load(sys.stdin):
        if call["signature"] is not None:
            runner = interpreter.get_signature_runner(call["signature"])
            types = {name: detail["dtype"] for name, detail in runner.get_input_details().items()}
            found = runner(**{name: np.asarray(value, types[name]) for name, value in call["inputs"].items()})
        else:
            details = {detail["name"]: detail for detail in interpreter.get_input_details()}
            arrays = {name: np.asarray(value, details[name]["dtype"]) for name, value in call["inputs"].items()}
            if ready is None or any(ready[name] != array.shape for name, array in arrays.items()):
                for name, array in arrays.items():
                    interpreter.resize_tensor_input(details[name]["index"], array.shape)
                interpreter.allocate_tensors()
            ready = {name: array.shape for name, array in arrays.items()}
            for name, array in arrays.items():
                interpreter.set_tensor(details[name]["index"], array)
            interpreter.invoke()
            outputs = interpreter.get_output_details()
            found = {detail["name"]: interpreter.get_tensor(detail["index"]) for detail in outputs}
        answers.append({name: array.tolist() for name, array in found.items()})
        found = runner = None  # what refers to the interpreter's memory forbids to resize
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
