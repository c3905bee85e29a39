"""Four files from a model, this tool beside a plain TensorFlow script: time and memory of whole processes.

uv run benchmarks/convert.py [one] [eight] [saved_model] [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tflite_build.store.store import cache_root
from tflite_build.toolchain import pins, provision

HERE = Path(__file__).resolve().parent
SAMPLES = 20
EIGHT = (
    "MobileNetV2",
    "MobileNetV2_050",
    "MobileNetV2_128",
    "MobileNet",
    "MobileNet_050",
    "MobileNetV3Small",
    "NASNetMobile",
    "EfficientNetB0",
)
SPEC = """spec = 1
[model]
name = "{name}"
[source]
format = "{format}"
path = "{path}"
{more}
[variant.float32]
[variant.float16]
quantize = "float16"
[variant.dynamic]
quantize = "dynamic-int8"
[variant.int8]
quantize = "int8"
[calibration]
data = "calibration.npz"
"""


def seconds(commands: list[list[str]], env: dict[str, str], log: Path) -> float:
    """The wall time of `commands`, one after the other."""
    begun = time.monotonic()
    for command in commands:
        with log.open("ab") as output:
            _check(command, subprocess.run(command, stdout=output, stderr=output, env=env).returncode, log)
    return time.monotonic() - begun


def megabytes(commands: list[list[str]], env: dict[str, str], log: Path) -> float:
    """The most memory that `commands` and all that they start hold at one instant.

    In a round of its own: looking takes processor time, the more the more processes there are.
    """
    peak = 0.0
    for command in commands:
        with log.open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, env=env)
            while process.poll() is None:
                peak = max(peak, pss(process.pid))
                time.sleep(0.02)
            _check(command, process.returncode, log)
    return peak


def _check(command: list[str], code: int, log: Path) -> None:
    if code != 0:
        sys.exit(f"{' '.join(command)} failed with {code}:\n{log.read_text()[-2000:]}")


def pss(pid: int) -> float:
    """MB of `pid` and everything that it started."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    total, queue = 0.0, [pid]
    while queue:
        one = queue.pop()
        queue += children.get(one, [])
        try:
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) / 1000
        except OSError:
            continue
    return total


def main() -> None:
    """Make the models, run the rounds, print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("jobs", nargs="*", default=[], choices=[[], "one", "eight", "saved_model"])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    jobs = arguments.jobs or ["one", "eight", "saved_model"]
    root = cache_root()
    python = {n: provision.ensure(pins.load(n), root, offline=False, report=print) for n in pins.names() if n != "flex"}
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "TFLITE_BUILD_CACHE")}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        log = work / "log"
        names = EIGHT if "eight" in jobs else ("MobileNetV2",)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
        subprocess.run([python["litert"], HERE / "models.py", "keras", work / "keras", *names], **quiet)
        if "saved_model" in jobs:
            subprocess.run([python["tensorflow"], HERE / "models.py", "saved_model", work / "saved"], **quiet)
        for size in (224, 128):
            data = np.random.default_rng(1).normal(size=(SAMPLES, size, size, 3)).astype(np.float32)
            np.savez(work / f"data{size}.npz", samples=data)
        print(f"{'job':<14}{'peer s':>9}{'ours s':>9}{'ratio':>8}{'peer MB':>10}{'ours MB':>10}{'share':>8}")
        for job in jobs:
            commands = theirs(job, work, python), ours(job, work, root)
            rounds = [tuple(seconds(c(), env, log) for c in commands) for _ in range(arguments.rounds)]
            memory = tuple(megabytes(c(), env, log) for c in commands)
            ratios = [a / b for a, b in rounds]
            middle = [statistics.median(column) for column in (*zip(*rounds, strict=True), ratios)]
            print(
                f"{job:<14}{middle[0]:>9.2f}{middle[1]:>9.2f}{middle[2]:>8.1f}"
                f"{memory[0]:>10.0f}{memory[1]:>10.0f}{memory[1] / memory[0]:>8.2f}"
                f"   ratios {min(ratios):.1f} to {max(ratios):.1f}",
                flush=True,
            )


def theirs(job: str, work: Path, python: dict[str, Path]) -> Callable[[], list[list[str]]]:
    """The peer's commands: a process for each model."""

    def commands() -> list[list[str]]:
        shutil.rmtree(work / "theirs", ignore_errors=True)
        return [
            [
                str(python["tensorflow"]),
                str(HERE / "baseline.py"),
                _kind(job),
                str(_source(job, work, name)),
                str(_samples(work, name)),
                str(work / "theirs" / name),
            ]
            for name in _models(job)
        ]

    return commands


def ours(job: str, work: Path, root: Path) -> Callable[[], list[list[str]]]:
    """This tool's command: one build of all models, with an empty store."""

    def commands() -> list[list[str]]:
        folder = work / "ours"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "cache").mkdir(parents=True)
        (folder / "cache" / "toolchains").symlink_to(root / "toolchains")
        for name in _models(job):
            project, source = folder / name, _source(job, work, name)
            project.mkdir()
            input_name = source.with_suffix(".input").read_text() if job == "saved_model" else own_input(source)
            np.savez(project / "calibration.npz", **{input_name: np.load(_samples(work, name))["samples"]})
            # Keras exports "serve" besides; the plain script's converter drops it without a word.
            more = 'signatures = ["serving_default"]' if job == "saved_model" else ""
            path = os.path.relpath(source, project)
            (project / "model.toml").write_text(SPEC.format(name=name, format=_kind(job), path=path, more=more))
        cache = str(folder / "cache")
        return [["env", f"TFLITE_BUILD_CACHE={cache}", sys.executable, "-m", "tflite_build", "build", str(folder)]]

    return commands


def _models(job: str) -> tuple[str, ...]:
    return EIGHT if job == "eight" else ("MobileNetV2",)


def _kind(job: str) -> str:
    return "saved_model" if job == "saved_model" else "keras"


def _source(job: str, work: Path, name: str) -> Path:
    return work / "saved" / "mobilenet" if job == "saved_model" else work / "keras" / f"{name}.keras"


def _samples(work: Path, name: str) -> Path:
    return work / ("data128.npz" if name.endswith("_128") else "data224.npz")


def own_input(keras_file: Path) -> str:
    """The name of a model's input."""
    import json
    import zipfile

    with zipfile.ZipFile(keras_file) as archive:
        config = json.loads(archive.read("config.json"))["config"]
    first = config["input_layers"]
    while isinstance(first, list) and isinstance(first[0], list):
        first = first[0]
    return str(first[0])


if __name__ == "__main__":
    main()
