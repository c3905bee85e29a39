"""How long `inspect` and `diff` take for files of 100 MB, and in how much memory; prints a table.

    uv run benchmarks/inspect.py [ROUNDS]

The files are 200 dense layers of 500 kB, int8 with a scale for each channel or float32, written by the tests' own writer.
Whole processes; memory is the largest of a process, less that of the same command on a file of 4 kB and less the files
themselves, which are mapped.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import handmade as h  # noqa: E402

_LAYERS, _WIDTH = 200, 500
_FULLY_CONNECTED = 8  # of BuiltinOptions
_SMALL = ROOT / "tests" / "fixtures" / "tflite" / "int8.tflite"


def main() -> None:
    """Write the files, run the commands in turn, print what they took."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, dtype, seed in (("int8", "int8", 1), ("float32", "float32", 1), ("trained", "float32", 2)):
            (place / f"{name}.tflite").write_bytes(_model(dtype, seed))
        size = (place / "int8.tflite").stat().st_size
        print(f"{size / 1e6:.0f} MB\n")
        print("| command | seconds, median | slowest | memory above the mapped files |\n|---|---|---|---|")
        for words, files in (
            (("inspect",), ("int8",)),
            (("inspect", "--ops", "--tensors"), ("int8",)),
            (("inspect", "--json"), ("int8",)),
            (("diff",), ("int8", "int8")),
            (("diff",), ("float32", "trained")),
        ):
            _row(words, [place / f"{file}.tflite" for file in files], rounds, place / "note.json")


def _row(words: tuple[str, ...], files: list[Path], rounds: int, note: Path) -> None:
    usual = _run([*words, *(str(_SMALL) for _ in files)], note)[1]
    runs = [_run([*words, *map(str, files)], note) for _ in range(rounds)]
    seconds, memory = [s for s, _ in runs], max(m for _, m in runs) - usual - sum(f.stat().st_size for f in files)
    name = " ".join((*words, *(f.stem for f in files)))
    print(
        f"| `{name}` | {statistics.median(seconds):.2f} | {max(seconds):.2f} | {max(0, memory) / 1e6:.0f} MB |",
        flush=True,
    )


def _run(words: list[str], note: Path) -> tuple[float, int]:
    measured = ROOT / "tests" / "mutations_process.py"
    command = [sys.executable, "-m", "tflite_build", *words]
    subprocess.run([sys.executable, measured, note, *command], stdout=subprocess.DEVNULL)
    found = json.loads(note.read_text("utf-8"))
    return found["seconds"], found["memory"]


def _model(dtype: str, seed: int) -> bytes:
    """`_LAYERS` dense layers in a row, 100 MB in all."""
    rows = 1000 if dtype == "int8" else 250
    made = random.Random(seed)
    tensors = [h.tensor("input", dtype, [1, _WIDTH])]
    buffers, runs = [], []
    for layer in range(_LAYERS):
        scales = {2: h.floats(*[0.5] * rows), 3: h.longs(*[0] * rows), 6: h.i32(0)}
        more = {4: scales} if dtype == "int8" else None
        # Any exponents but the highest, so that floats are numbers.
        data = made.randbytes(rows * _WIDTH * (1 if dtype == "int8" else 4))
        buffers.append(data if dtype == "int8" else data.translate(bytes(b & 0x3F for b in range(256))))
        tensors += [
            h.tensor(f"layer_{layer}/kernel", dtype, [rows, _WIDTH], layer + 1, more),
            h.tensor(f"layer_{layer}/output", dtype, [1, rows]),
        ]
        runs.append(h.operator(0, [2 * layer, 2 * layer + 1, -1], [2 * layer + 2], h.options(_FULLY_CONNECTED, {})))
    graph = h.graph(tensors, runs, [0], [2 * _LAYERS])
    return h.written(h.model([h.code("FULLY_CONNECTED", 4)], [graph], buffers))


if __name__ == "__main__":
    main()
