"""Which version of each builtin operator a runtime has, found by loading a file for each; prints TOML.

    uv run --no-project --with flatbuffers --with ai-edge-litert==1.4.0 scripts/probe_runtimes.py > litert-1.4.0.toml
    uv run --no-project --with flatbuffers --with tensorflow-cpu==2.16.2 scripts/probe_runtimes.py > tflite-2.16.2.toml
    python3 scripts/probe_runtimes.py .

The last one puts what was found in such files into specs/operators.toml and specs/runtimes/litert.toml; for the releases
before 2.12, which no current Python runs, the former keeps what the sources say. A runtime resolves the operator codes of
a file before it looks at anything else, so a file needs no operator that uses them.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SPECS = ROOT / "specs"
MOST = 20  # versions of an operator


def interpreter() -> Any:
    """The interpreter class of what is installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tflite_runtime.interpreter import Interpreter
        except ImportError:
            import tensorflow

            return tensorflow.lite.Interpreter
    return Interpreter


def file(code: int, version: int) -> bytes:
    """A .tflite file with one operator code and an empty graph (tensorflow/lite/schema/schema.fbs)."""
    import flatbuffers

    b = flatbuffers.Builder(256)
    b.StartObject(4)
    b.PrependInt8Slot(0, min(code, 127), 0)
    b.PrependInt32Slot(2, version, 1)
    b.PrependInt32Slot(3, code, 0)
    operator_code = b.EndObject()
    b.StartVector(4, 1, 4)
    b.PrependUOffsetTRelative(operator_code)
    codes = b.EndVector()
    b.StartVector(4, 0, 4)
    nothing = b.EndVector()
    b.StartObject(5)
    for slot in range(4):  # tensors, inputs, outputs, operators
        b.PrependUOffsetTRelativeSlot(slot, nothing, 0)
    subgraph = b.EndObject()
    b.StartVector(4, 1, 4)
    b.PrependUOffsetTRelative(subgraph)
    subgraphs = b.EndVector()
    b.StartObject(1)
    buffer = b.EndObject()
    b.StartVector(4, 1, 4)
    b.PrependUOffsetTRelative(buffer)
    buffers = b.EndVector()
    b.StartObject(8)
    b.PrependUint32Slot(0, 3, 0)
    b.PrependUOffsetTRelativeSlot(1, codes, 0)
    b.PrependUOffsetTRelativeSlot(2, subgraphs, 0)
    b.PrependUOffsetTRelativeSlot(4, buffers, 0)
    b.Finish(b.EndObject(), file_identifier=b"TFL3")
    return bytes(b.Output())


def probe() -> None:
    """Print a line for each operator of specs/operators.toml: the versions that load."""
    sys.path.insert(0, str(ROOT))
    from tflite_build.tflite.opcodes import BUILTIN_OPERATORS

    runtime = interpreter()
    for name in sorted(operators()):
        there = []
        for version in range(1, MOST):
            try:
                runtime(model_content=file(BUILTIN_OPERATORS.index(name), version))
            except Exception as error:
                if not re.search("Didn't find op|out of range", str(error)):
                    raise
            else:
                there.append(version)
        print(f"{name} = {there}")


def operators() -> dict[str, dict[str, str]]:
    """The table of the TFLite releases."""
    table: dict[str, dict[str, str]] = tomllib.loads((SPECS / "operators.toml").read_text("utf-8"))
    table.pop("repaired")
    return table


def collect(folder: Path) -> None:
    """Write the tables from the files in `folder`."""
    first: dict[str, dict[tuple[str, int], str]] = {"litert": {}, "tflite": {}}
    releases = {}
    for line, found in first.items():
        files = {file.stem.partition("-")[2]: file for file in folder.glob(f"{line}-*.toml")}
        releases[line] = sorted(files, key=numbers)
        for release in releases[line]:
            for name, versions in tomllib.loads(files[release].read_text("utf-8")).items():
                for version in versions:
                    found.setdefault((name, version), release)
    write(SPECS / "runtimes" / "litert.toml", rows(first["litert"]), releases["litert"])
    table = {(name, int(v)): release for name, of in operators().items() for v, release in of.items()}
    measured = {key: minor(release) for key, release in first["tflite"].items()}
    oldest, newest = (minor(release) for release in (releases["tflite"][0], releases["tflite"][-1]))
    for key, release in list(table.items()):
        known = release != "pending"
        if key in measured:
            if measured[key] != oldest or not known or numbers(release) > numbers(oldest):
                table[key] = measured[key]
        elif known and numbers(release) <= numbers(newest):
            if key in first["litert"]:
                table[key] = "2.22.0"  # of no release of TFLite; LiteRT went on
            else:
                del table[key]
    write(SPECS / "operators.toml", rows(table), [])


def numbers(release: str) -> tuple[int, ...]:
    """A release to compare with."""
    return tuple(map(int, release.split(".")))


def minor(release: str) -> str:
    """The first release of its minor version."""
    return ".".join([*release.split(".")[:2], "0"])


def rows(first: dict[tuple[str, int], str]) -> str:
    """A line for each operator: its versions, and the first release that has them."""
    by_name: dict[str, list[str]] = {}
    for (name, version), release in sorted(first.items()):
        by_name.setdefault(name, []).append(f'{version} = "{release}"')
    return "".join(f"{name} = {{ {', '.join(of)} }}\n" for name, of in by_name.items())


def write(file: Path, table: str, releases: Sequence[str]) -> None:
    """Replace the lines of operators in `file`, and keep its head and its last table."""
    lines = file.read_text("utf-8").splitlines()
    end = lines.index("[repaired]")
    while lines[end - 1].startswith("#"):
        end -= 1
    head = [line for line in lines[:end] if not re.match("[A-Z]", line)]
    head = [f"releases = {json.dumps(releases)}" if line.startswith("releases = ") else line for line in head]
    text = "\n".join(head).rstrip() + f"\n\n{table}\n" + "\n".join(lines[end:]) + "\n"
    file.write_text(text, "utf-8")


if __name__ == "__main__":
    collect(Path(sys.argv[1])) if len(sys.argv) > 1 else probe()
