"""What LiteRT makes of .tflite files; run with the Python of toolchain `core`, each file in a process of its own.

PYTHON runtime_runs.py FOLDER: writes FOLDER/runs.json: by file name the outputs of the main graph for inputs of ones,
as lists, or {"error": the runtime's words}; a crash is {"error": "crashed with signal N"}.
"""

import json
import subprocess
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")


def run(path):
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_path=path)
        interpreter.allocate_tensors()
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], np.ones(detail["shape"], detail["dtype"]))
        interpreter.invoke()
        outputs = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    except (RuntimeError, ValueError) as error:
        return {"error": str(error)}
    return [[v.decode() if isinstance(v, bytes) else v for v in o.ravel().tolist()] for o in outputs]


if Path(sys.argv[1]).is_dir():
    folder = Path(sys.argv[1])
    found = {}
    for path in sorted(folder.glob("*.tflite")):
        done = subprocess.run([sys.executable, __file__, str(path)], capture_output=True, text=True)
        lines = done.stdout.splitlines()
        found[path.stem] = json.loads(lines[-1]) if lines else {"error": f"crashed with signal {-done.returncode}"}
    (folder / "runs.json").write_text(json.dumps(found))
else:
    print(json.dumps(run(sys.argv[1])))
