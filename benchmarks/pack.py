"""How long it takes to pack metadata, labels and new names into a model of 500 MB, against `cp` of it; prints a table.

    uv run benchmarks/pack.py [ROUNDS]

`cp` is a whole process. `pack` is the step as a build runs it, in the tool's own process; "with imports" is a process that
does nothing else, from its start. In turn, the copy removed after each, the file in the page cache. Memory is the largest
anonymous memory of the packing process: what is beside the mapped file.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT / "tests")  # and not this folder, whose inspect.py is another one than Python's

_LAYERS, _WIDTH, _ROWS = 100, 1000, 1250
_FULLY_CONNECTED = 8  # of BuiltinOptions
_SPEC = """\
spec = 1
[model]
name = "large"
version = "1"
[source]
format = "tflite"
path = "m.tflite"
[input.picture]
from = "input"
description = "what the camera sees"
[output.classes]
from = "output"
content = "classes"
labels = "labels.txt"
"""


def main() -> None:
    """Write the model, copy and pack it in turn, print what that took."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        model, out, note = place / "m.tflite", place / "out", place / "note.json"
        model.write_bytes(_model())
        (place / "model.toml").write_text(_SPEC, "utf-8")
        (place / "labels.txt").write_text("".join(f"class {i}\n" for i in range(_ROWS)), "utf-8")
        (place / "params.json").write_text(json.dumps(_params(place)), "utf-8")
        commands = {
            "cp": [shutil.which("cp") or "cp", str(model), str(out / "model.tflite")],
            "pack": [sys.executable, __file__, "--once", str(place)],
        }
        taken: dict[str, list[float]] = {"cp": [], "pack": [], "pack, with imports": []}
        memory = 0
        for _ in range(rounds + 1):
            for name, command in commands.items():
                out.mkdir()
                seconds = _run(command, note)
                if name == "pack":
                    taken["pack, with imports"].append(seconds)
                    seconds, used = json.loads((place / "took.json").read_text("utf-8"))
                    memory = max(memory, used)
                taken[name].append(seconds)
                shutil.rmtree(out)
        print(f"{model.stat().st_size / 1e6:.0f} MB\n")
        print("| | seconds, median | slowest | against `cp`, median of rounds |\n|---|---|---|---|")
        for name, runs in taken.items():
            ratio = statistics.median(a / b for a, b in zip(runs[1:], taken["cp"][1:], strict=True))
            print(f"| {name} | {statistics.median(runs[1:]):.2f} | {max(runs[1:]):.2f} | {ratio:.2f} |")
        print(f"\nmemory beside the mapped file: {memory / 1e6:.0f} MB")


def _params(folder: Path) -> dict[str, object]:
    """What a build gives the step."""
    from tflite_build.actions import described
    from tflite_build.planning.lock import Lock
    from tflite_build.planning.resolve import resolve
    from tflite_build.spec.load import load

    loaded = load(folder / "model.toml")
    said = described.of(loaded.spec)
    assert said is not None
    return {"names": resolve(loaded, Lock(), ()).names.to_json(), "metadata": said.to_json()}


def _once(folder: Path) -> None:
    from tflite_build.actions import pack
    from tflite_build.engines.contract import Request

    params = json.loads((folder / "params.json").read_text("utf-8"))
    inputs = {"model": folder / "m.tflite", "file:labels.txt": folder / "labels.txt"}
    begun = time.perf_counter()
    pack.run(Request("pack", params, inputs, folder / "out"))
    took = time.perf_counter() - begun
    status = Path("/proc/self/status").read_text("ascii")
    anonymous = next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:"))
    (folder / "took.json").write_text(json.dumps([took, 1024 * int(anonymous)]), "utf-8")


def _run(command: list[str], note: Path) -> float:
    time.sleep(0.5)  # for what the last one left to be written
    subprocess.run([sys.executable, ROOT / "tests" / "mutations_process.py", note, *command], check=True)
    found = json.loads(note.read_text("utf-8"))
    assert found["code"] == 0
    return float(found["seconds"])


def _model() -> bytes:
    """Dense layers in a row, float32, with a signature."""
    import handmade as h

    made = random.Random(1)
    tensors, buffers, runs = [h.tensor("input", "float32", [1, _WIDTH])], [], []
    for layer in range(_LAYERS):
        buffers.append(made.randbytes(4 * _WIDTH * _ROWS))
        tensors += [h.tensor(f"w{layer}", "float32", [_ROWS, _WIDTH], layer + 1)]
        tensors += [h.tensor(f"y{layer}", "float32", [1, _ROWS])]
        runs.append(h.operator(0, [0, 2 * layer + 1, -1], [2 * layer + 2], h.options(_FULLY_CONNECTED, {})))
    last = len(tensors) - 1
    signature = {
        0: [{0: "input", 1: h.u32(0)}],
        1: [{0: "output", 1: h.u32(last)}],
        2: "serving_default",
        4: h.u32(0),
    }
    graph = h.graph(tensors, runs, [0], [last])
    return h.written(h.model([h.code("FULLY_CONNECTED")], [graph], buffers, {7: [signature]}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--once"]:
        _once(Path(sys.argv[2]))
    else:
        main()
