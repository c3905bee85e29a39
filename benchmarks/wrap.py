"""How long the code of apps takes, in Kotlin and in Swift: of one model, and of a hundred in one build; prints a table.

    uv run benchmarks/wrap.py [ROUNDS]

The models are a fixture with one number changed, so that each is another file. They are built; then the class of each gets
another name, which makes the code again and nothing else. Times are of whole processes. What the same models take in the
same round where their specs ask for no code, and have another comment, is taken off: the start of the tool, reading the
specs and finding all else done.
"""

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
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
# {word}
"""
ANDROID = '[android]\npackage = "com.example.{name}"\nclass_name = "Other{word}"\n'
IOS = '[ios]\nclass_name = "Other{word}"\n'
KINDS = {"none": SPEC, "android": SPEC + ANDROID, "ios": SPEC + IOS, "both": SPEC + ANDROID + IOS}
COUNTS = (1, 100)


def main() -> None:
    """Build, rename and build again, and print what the second build took."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("| models | android | ios | both, median seconds | slowest |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for count in COUNTS:
            folder = Path(name) / str(count)
            for kind in KINDS:
                _models(folder / kind, count)
                _build(folder / kind, kind, count)
            taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
            for _ in range(rounds):
                for kind, times in taken.items():
                    times.append(_build(folder / kind, kind, count))
            beyond = {k: [t - none for t, none in zip(taken[k], taken["none"], strict=True)] for k in KINDS}
            each = " | ".join(f"{statistics.median(beyond[k]):.2f}" for k in ("android", "ios", "both"))
            print(f"| {count} | {each} | {max(beyond['both']):.2f} |")


def _models(folder: Path, count: int) -> None:
    for number in range(count):
        content = bytearray(FIXTURE.read_bytes())
        content[content.rindex(b"\x3e") - 1] = number
        (folder / f"m{number}").mkdir(parents=True)
        (folder / f"m{number}" / "m.tflite").write_bytes(content)


def _build(folder: Path, kind: str, count: int) -> float:
    """The seconds of a build with new names, in a process whose modules are byte-compiled."""
    for number in range(count):
        text = KINDS[kind].format(name=f"m{number}", word=secrets.token_hex(8))  # which no store has yet
        (folder / f"m{number}" / "model.toml").write_text(text, "utf-8")
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tflite_build", "build", folder], check=True, capture_output=True, env=env)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
