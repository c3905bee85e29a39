"""Write specs/operator-options.toml, what the options of operators are called and hold, from LiteRT's schema.fbs.

    uv run scripts/operator_options.py SCHEMA.fbs COMMIT

SCHEMA.fbs is tflite/converter/schema/schema.fbs of github.com/google-ai-edge/LiteRT as of COMMIT.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "specs" / "operator-options.toml"
SCALARS = {
    "bool": "bool",
    "byte": "i8",
    "ubyte": "u8",
    "ushort": "u16",
    "int": "i32",
    "int32": "i32",
    "uint": "u32",
    "long": "i64",
    "ulong": "u64",
    "float": "f32",
}


def main() -> None:
    """Read the schema named on the command line and write the table."""
    text = re.sub(r"//.*", "", Path(sys.argv[1]).read_text("utf-8"))
    bodies = {
        m[2]: (m[1], m[3], m[4])
        for m in re.finditer(r"(table|enum|union)\s+(\w+)\s*(?::\s*(\w+))?\s*\{([^}]*)\}", text)
    }
    members = (bodies[name][2].replace("(deprecated)", "") for name in ("BuiltinOptions", "BuiltinOptions2"))
    unions = [["", *re.findall(r"\w+", body)] for body in members]
    wanted = sorted({name for union in unions for name in union if name in bodies})
    used: set[str] = set()
    options = [f"{name} = [{', '.join(_fields(bodies[name][2], bodies, used))}]" for name in wanted]
    enums = sorted(used - {"TensorType"})
    lines = [
        "# What operators' options hold: the members of the two unions by number, and the fields of each in the order of",
        '# their slots, as "name type" or "name type = default". A type in brackets is a vector.',
        '# Members without fields are left out of [options]; a field that nothing uses any more is "".',
        "# Source: tflite/converter/schema/schema.fbs of github.com/google-ai-edge/LiteRT,",
        f"# commit {sys.argv[2]}, read by scripts/operator_options.py.",
        "",
        "[unions]",
        *(
            f"{name} = [{', '.join(_quoted(union))}]"
            for name, union in zip(("builtin", "builtin_2"), unions, strict=True)
        ),
        "",
        "[enums]",
        *(f"{name} = [{', '.join(_quoted(_by_number(name, bodies[name][2])))}]" for name in enums),
        "",
        "[enum_types]",
        *(f'{name} = "{SCALARS[bodies[name][1]]}"' for name in enums),
        "",
        "[options]",
        *(line for line in options if not line.endswith("[]")),
    ]
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")


def _quoted(words: list[str]) -> list[str]:
    return [f'"{word}"' for word in words]


def _by_number(name: str, body: str) -> list[str]:
    """The members of an enum by their numbers, "" where a number has none."""
    found: dict[int, str] = {}
    for member in re.finditer(r"(\w+)\s*(?:=\s*(\d+))?\s*(?:,|$)", body.strip()):
        found[int(member[2]) if member[2] else max(found, default=-1) + 1] = member[1]
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() + "_"
    found = {number: word.removeprefix(prefix) for number, word in found.items()}
    return [found.get(i, "") for i in range(max(found) + 1)]


def _fields(body: str, bodies: dict[str, tuple[str, str, str]], used: set[str]) -> list[str]:
    fields = []
    for name, open_, kind, default, more in re.findall(r"(\w+)\s*:\s*(\[?)(\w+)\]?\s*(?:=\s*([\w.-]+))?([^;]*);", body):
        if "deprecated" in more:  # which takes a slot, and nothing writes or reads it
            fields.append('""')
            continue
        if kind in SCALARS:
            known = SCALARS[kind]
        elif kind in bodies and bodies[kind][0] == "enum":
            used.add(kind)
            known = kind
        elif kind == "string":
            known = kind
        else:
            raise SystemExit(f"{name}: what is a {kind}?")
        fields.append(f'"{name} {"[" + known + "]" if open_ else known}{" = " + default if default else ""}"')
    return fields


if __name__ == "__main__":
    main()
