"""How long `watch` takes from an edit of examples/digits to its result; prints a table.

    uv run benchmarks/watch.py [ROUNDS]

The clock runs from before a file is written until the last line of the build is read. The edits are of kinds that people
make again and again: how one variant is quantized, and one label of the test data.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Watch a copy of the example, edit it, print what it took."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "digits"
        shutil.copytree(ROOT / "examples" / "digits", work, ignore=shutil.ignore_patterns("build"))
        process = subprocess.Popen(
            [sys.executable, "-m", "tflite_build", "watch", "--offline"], cwd=work, stdout=subprocess.PIPE, text=True
        )
        try:
            _until(process, "watching")
            time.sleep(3)  # until its processes are warm
            print("| edit | seconds, median | slowest | memory of all processes, at the end |\n|---|---|---|---|")
            for name, edit in (("`quantize` settings of int8", _setting), ("a label of the test data", _label)):
                times = [_measured(process, edit, work, number) for number in range(rounds)]
                memory = f"{_memory(process.pid):.0f} MB"
                print(f"| {name} | {statistics.median(times):.2f} | {max(times):.2f} | {memory} |", flush=True)
        finally:
            process.terminate()
            process.wait()


def _measured(process: subprocess.Popen[str], edit: Callable[[Path, int], None], work: Path, number: int) -> float:
    time.sleep(1)
    begun = time.perf_counter()
    edit(work, number)
    _until(process, "steps run")
    return time.perf_counter() - begun


def _setting(work: Path, number: int) -> None:
    """Another pattern each time, so that nothing is remembered."""
    spec = work / "model.toml"
    lines = [line for line in spec.read_text("utf-8").splitlines() if not line.startswith("keep_float")]
    lines.insert(lines.index("[variant.int8]") + 1, f'keep_float = ["op:SOFTMAX", ".*dense/.*(?#{number})"]')
    spec.write_text("\n".join(lines) + "\n", "utf-8")


def _label(work: Path, number: int) -> None:
    with np.load(work / "test.npz") as file:
        arrays = dict(file)
    labels = arrays["labels"] = arrays["labels"].copy()
    labels[number % 3] = (labels[number % 3] + 1) % 10  # of few samples, or the limit of [checks] is missed
    np.savez(work / "new.npz", **arrays)
    (work / "new.npz").replace(work / "test.npz")


def _until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("failed:"):
            break
        if words in line:
            return
    raise SystemExit("watch ended")


def _memory(pid: int) -> float:
    """PSS of a process and its children, in MB."""
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    total = 0
    for one in [str(pid), *children]:
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024 / 1e6


if __name__ == "__main__":
    main()
