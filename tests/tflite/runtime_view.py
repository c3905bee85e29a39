"""What LiteRT itself sees in .tflite files; run by test_format.py with the Python of toolchain `core`.

PYTHON runtime_view.py FOLDER: describes FOLDER/*.tflite in FOLDER/view.json: signatures, tensors, operators, versions
as LiteRT's own converter writes them on export, and the outputs for inputs of a fixed seed.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from litert_converter import converter_api_ext as converter
from litert_converter import model_utils_ext, schema_py_generated
from litert_converter.mlir import ir

warnings.simplefilter("ignore")


def written_versions(data):
    model = schema_py_generated.ModelT.InitFromPackedBuf(data, 0)
    return [[max(c.builtinCode, c.deprecatedBuiltinCode), c.version] for c in model.operatorCodes]


def exported_versions(data):
    context = ir.Context()
    context.enable_multithreading(False)
    converter.prepare_mlir_context(context)
    module = model_utils_ext.flatbuffer_to_mlir(data, context)
    return written_versions(bytes(converter.export_flatbuffer_to_bytes(module.operation)))


def tensor(detail):
    q = detail["quantization_parameters"]
    shape = detail["shape_signature"] if len(detail["shape_signature"]) else detail["shape"]
    return {
        "name": detail["name"],
        "index": int(detail["index"]),
        "shape": [int(d) for d in shape],
        "dtype": np.dtype(detail["dtype"]).name,
        "scales": [float(s) for s in q["scales"]],
        "zero_points": [int(z) for z in q["zero_points"]],
    }


def run(interpreter, name):
    runner = interpreter.get_signature_runner(name)
    rng = np.random.default_rng(3)
    inputs = {}
    for key, detail in sorted(runner.get_input_details().items(), key=lambda item: item[1]["index"]):
        shape = [2 if d < 0 else d for d in (detail["shape_signature"] if len(detail["shape_signature"]) else [])]
        values = rng.normal(0, 20, shape)
        inputs[key] = values.astype(detail["dtype"])
    return [np.asarray(v).ravel().tolist() for _, v in sorted(outputs(runner, inputs))]


def outputs(runner, inputs):
    indices = {key: detail["index"] for key, detail in runner.get_output_details().items()}
    return [(indices[key], value) for key, value in runner(**inputs).items()]


def view(path):
    data = path.read_bytes()
    found = {"versions": written_versions(data), "exported": exported_versions(data)}
    try:
        interpreter = Interpreter(model_path=str(path))
        found["operators"] = [d["op_name"] for d in interpreter._get_ops_details() if d["op_name"] != "DELEGATE"]
        found["tensors"] = [tensor(d) for d in interpreter.get_tensor_details()]
        found["inputs"] = [d["index"] for d in interpreter.get_input_details()]
        found["outputs"] = [d["index"] for d in interpreter.get_output_details()]
        signatures = {}
        results = {}
        for name in interpreter.get_signature_list():
            runner = interpreter.get_signature_runner(name)
            sides = (runner.get_input_details(), runner.get_output_details())
            signatures[name] = [{key: tensor(d) for key, d in side.items()} for side in sides]
            results[name] = run(interpreter, name)
        found |= {"signatures": signatures, "results": results}
    except (RuntimeError, ValueError) as error:
        found["error"] = str(error)
    return found


folder = Path(sys.argv[1])
found = {path.name: view(path) for path in sorted(folder.glob("*.tflite"))}
(folder / "view.json").write_text(json.dumps(found))
