"""How long the code of apps takes: of one model, and of a hundred in one build; prints a table.

    uv run benchmarks/wrap.py [ROUNDS]

The models are a fixture with one number changed, so that each is another file. Times are those of the step itself, as the
build's own report has them; the first one has jinja2's import and the compiling of templates in it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "tests" / "fixtures" / "tflite" / "float32.tflite"
SPEC = """spec = 1
[model]
name = "{name}"
[source]
format = "tflite"
path = "m.tflite"
[output.probabilities]
content = "classes"
[android]
package = "com.example.{name}"
"""


def main() -> None:
    """Build, and print what the steps took."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    found: dict[int, list[float]] = {1: [], 100: []}
    for number in range(rounds):
        for count, sums in found.items():
            sums.append(_sum(count, number))
    print("| models | seconds, median | slowest |\n|---|---|---|")
    for count, sums in found.items():
        print(f"| {count} | {statistics.median(sums):.2f} | {max(sums):.2f} |")


def _sum(count: int, seed: int) -> float:
    """The seconds of all wrap steps of a build of `count` new models."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            own = Path(folder) / f"m{number}"
            own.mkdir()
            content = bytearray(FIXTURE.read_bytes())
            at = content.rindex(b"\x3e")
            content[at - 1], content[at - 2] = number, (content[at - 2] + seed + 1) % 256
            (own / "m.tflite").write_bytes(content)
            (own / "model.toml").write_text(SPEC.format(name=f"m{number}"), "utf-8")
        command = [sys.executable, "-m", "tflite_build", "build", "--json", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    steps = [step for event in events if event["event"] == "model" for step in event["steps"]]
    return sum(float(step["seconds"]) for step in steps if step["id"] == "android")


if __name__ == "__main__":
    main()
