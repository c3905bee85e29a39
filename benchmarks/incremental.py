"""Builds with little or nothing to do, this tool beside ninja, doit and DVC: whole processes, in turn.

uv run --with doit --with ninja --with dvc benchmarks/incremental.py [--models 1000] [--rounds 7]

Every model has a source and four steps or more, each making a file from the one before. DVC is asked for one model alone:
with 1,000 it takes minutes. Each figure is the median of the rounds, and how many times that of `python -c pass` it is.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIXTURE = HERE.parent / "tests" / "fixtures" / "tflite" / "float32.tflite"
SPEC = """spec = 1
[model]
name = "{name}"
[source]
format = "tflite"
path = "source"
[variant.float32]
"""
DODO = """
from pathlib import Path

def copy(dependencies, targets):
    Path(targets[0]).write_bytes(Path(dependencies[0]).read_bytes())

def task_copy():
    for folder in sorted(p.parent for p in Path(__file__).parent.rglob("source")):
        for before, after in zip(["source", "a", "b", "c"], "abcd"):
            yield {"name": f"{folder.name}:{after}", "actions": [copy],
                   "file_dep": [folder / before], "targets": [folder / after]}
"""
STAGES = list(zip(["source", "a", "b", "c"], "abcd", strict=True))


def workspace(root: Path, tool: str, models: int) -> Path:
    """A folder with `models` models as `tool` wants to have them described."""
    rules = ["rule copy", "  command = cp $in $out"]
    for number in range(models):
        folder = root / f"group{number // 100}" / f"m{number}"
        folder.mkdir(parents=True)
        source = bytearray(FIXTURE.read_bytes())
        source[source.index(b"MLIR Converted.") : source.index(b"MLIR Converted.") + 8] = f"{number:8d}".encode()
        (folder / "source").write_bytes(source)
        place = folder.relative_to(root)
        rules += [f"build {place / after}: copy {place / before}" for before, after in STAGES]
        if tool.startswith("tflite-build"):
            (folder / "model.toml").write_text(SPEC.format(name=f"m{number}"))
        if tool == "dvc":
            stages = "".join(
                f"  {after}:\n    cmd: cp {before} {after}\n    deps: [{before}]\n    outs: [{after}]\n"
                for before, after in STAGES
            )
            (folder / "dvc.yaml").write_text(f"stages:\n{stages}")
    if tool == "doit":
        (root / "dodo.py").write_text(DODO)
    if tool == "ninja":
        (root / "build.ninja").write_text("\n".join(rules) + "\n")
    if tool == "dvc":
        subprocess.run(["git", "init", "-q", root], check=True)
        subprocess.run(["dvc", "init", "-q"], cwd=root, check=True)
    return root


COMMANDS: Mapping[str, list[str]] = {
    "ninja": ["ninja", "--quiet"],
    "doit": ["doit", "--verbosity", "0"],
    "dvc": ["dvc", "repro", "-q", "-R", "."],
    "tflite-build": ["tflite-build", "build"],
}
TRIVIAL = [sys.executable, str(HERE / "trivial_engine.py"), "build"]
PASS = [sys.executable, "-c", "pass"]


@dataclass(frozen=True)
class Cost:
    """What a whole process took: seconds by the clock and of the processors, and MiB at its peak, children included."""

    wall: float
    processor: float
    memory: float


def timed(command: list[str], folder: Path, env: Mapping[str, str]) -> Cost:
    """Run one whole process."""
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=dict(env), stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        taken = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{command} failed:\n{said.read().decode()[-2000:]}")
    return Cost(taken, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def row(name: str, rounds: int, jobs: Mapping[str, Callable[[], Cost]]) -> None:
    """Run `jobs` in turn, and print their medians as a row."""
    found: dict[str, list[Cost]] = {tool: [] for tool in jobs}
    for _ in range(rounds):
        for tool, job in jobs.items():
            found[tool].append(job())
    medians = {tool: statistics.median(cost.wall for cost in costs) for tool, costs in found.items()}
    for tool in COMMANDS:
        if tool in medians:
            ratio = medians[tool] / medians["pass"]
            memory = max(cost.memory for cost in found[tool])
            print(f"| {name} | {tool} | {medians[tool] * 1000:.0f} ms | {ratio:.1f} | {memory:.0f} MiB |", flush=True)


def main() -> None:
    """Make the workspaces, run the rounds, print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    models, rounds = arguments.models, arguments.rounds
    compileall.compile_dir(str(HERE.parent / "tflite_build"), quiet=2)
    there = [tool for tool in COMMANDS if shutil.which(tool)]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        cache = Path(env.get("TFLITE_BUILD_CACHE", Path.home() / ".cache" / "tflite-build"))
        (work / "cache").mkdir()
        (work / "cache" / "toolchains").symlink_to(cache / "toolchains")
        env["TFLITE_BUILD_CACHE"] = str(work / "cache")
        print("| | tool | median | times `python -c pass` | peak |\n|---|---|---|---|---|")
        for count in (1, models):
            tools = [tool for tool in there if count == 1 or tool != "dvc"]
            places = {tool: workspace(work / f"{tool}-{count}", tool, count) for tool in tools}
            for tool, place in places.items():
                timed(COMMANDS[tool], place, env)
            time.sleep(0.2)  # for the clocks of the file system
            empty = {"pass": lambda: timed(PASS, work, env)}
            jobs = {t: (lambda t=t, p=p: timed(COMMANDS[t], p, env)) for t, p in places.items()}
            row(f"nothing to do, {count}", rounds, {**empty, **jobs})
            jobs = {t: (lambda t=t, p=p: edited(t, p, env)) for t, p in places.items()}
            row(f"one changed, {count}", rounds, {**empty, **jobs})
        place = workspace(work / "cold", "tflite-build", models)
        cold = timed(TRIVIAL, place, env)
        each = [seconds / (5 * models) * 1000 for seconds in (cold.wall, cold.processor)]  # five steps a model
        cost = f"{each[0]:.2f} ms an action, {each[1]:.2f} ms of processor time | {cold.memory:.0f} MiB"
        print(f"| {models} cold, engines that do nothing | tflite-build | {cold.wall:.1f} s | {cost} |")
        shutil.rmtree(place)


_edits = 0


def edited(tool: str, place: Path, env: Mapping[str, str]) -> Cost:
    """Change one model (of this tool a line of its spec that no step reads), and build."""
    global _edits
    _edits += 1
    folder = sorted(place.glob("group*/m*"))[len(list(place.glob("group*/m*"))) // 2]
    file = folder / ("model.toml" if tool == "tflite-build" else "source")
    file.write_bytes(file.read_bytes() + f"# {_edits}\n".encode())
    return timed(COMMANDS[tool], place, env)


if __name__ == "__main__":
    main()
