"""How long the code of apps takes: of one model, and of a hundred in one build; prints a table.

    uv run benchmarks/wrap.py [ROUNDS]

The models are a fixture with one number changed, so that each is another file. They are built; then the class of each gets
another name, which makes the code again and nothing else. Times are those of the steps, as the build's own report has them;
the first one of a process has jinja2's import and the compiling of templates in it, and of a hundred as many run at once as
there are processors.
"""

from __future__ import annotations

import json
import os
import secrets
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
class_name = "{class_name}"
"""
COUNTS = (1, 100)


def main() -> None:
    """Build, rename and build again, and print what the second build took."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(max(COUNTS)):
            content = bytearray(FIXTURE.read_bytes())
            content[content.rindex(b"\x3e") - 1] = number
            (folder / f"m{number}").mkdir()
            (folder / f"m{number}" / "m.tflite").write_bytes(content)
        taken: dict[int, list[float]] = {count: [] for count in COUNTS}
        _specs(folder, "First")
        _build(folder)
        for _ in range(rounds):
            for count, sums in taken.items():
                _specs(folder, f"Other{secrets.token_hex(8)}")  # which no store has yet
                sums.append(_build(folder if count > 1 else folder / "m0"))
    print("| models | seconds, median | slowest |\n|---|---|---|")
    for count, sums in taken.items():
        print(f"| {count} | {statistics.median(sums):.2f} | {max(sums):.2f} |")


def _specs(folder: Path, class_name: str) -> None:
    for number in range(max(COUNTS)):
        text = SPEC.format(name=f"m{number}", class_name=class_name)
        (folder / f"m{number}" / "model.toml").write_text(text, "utf-8")


def _build(target: Path) -> float:
    """The seconds of all wrap steps of a build, in a process whose modules are byte-compiled."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "tflite_build", "build", "--json", target]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    steps = [step for event in events if event["event"] == "model" for step in event["steps"]]
    return sum(float(step["seconds"]) for step in steps if step["id"] == "android")


if __name__ == "__main__":
    main()
