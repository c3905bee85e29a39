"""`tflite-build` with engines that do nothing, to see what the tool itself costs for each action.

Started as `tflite-build` is; every step's process copies its input and answers at once.
"""

from __future__ import annotations

from tflite_build.cli import main
from tflite_build.run import code

HOST = """
import json, os, shutil, sys

INTERFACE = {"signatures": [{"name": "", "inputs": [], "outputs": []}]}
requests, replies = (os.fdopen(int(fd), mode) for fd, mode in zip(sys.argv[-2:], ("r", "w")))
for line in requests:
    message = json.loads(line)
    if "kind" not in message:
        continue
    out, kind = message["outputs"], message["kind"]
    if kind == "adopt":
        shutil.copyfile(message["inputs"]["model"], f"{out}/model.tflite")
        files = {"interface.json": INTERFACE}
    elif kind == "samples":
        os.mkdir(f"{out}/samples")
        files = {"samples/index.json": []}
    else:
        files = {"compare.json": {"signatures": []}}
        if message["params"]["keep_outputs"]:
            os.mkdir(f"{out}/outputs")
            files["outputs/index.json"] = []
    for name, value in files.items():
        with open(f"{out}/{name}", "w") as file:
            json.dump(value, file)
    replies.write('{"done": {}}\\n')
    replies.flush()
"""


def sources() -> dict[str, bytes]:
    """In place of the engines' code."""
    return {"__main__.py": HOST.encode()}


if __name__ == "__main__":
    code.sources = sources
    main()
