"""Writes what is made from the types and committed: the JSON Schemas and the reference page.

Run `uv run scripts/generate.py` after a change of the types; with `--check` it only says whether they are fresh.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tflite_build.spec.schema import json_schema, reference, workspace_schema

ROOT = Path(__file__).resolve().parent.parent


def generated() -> dict[Path, str]:
    """Path -> what should stand there."""
    return {
        ROOT / "specs" / "model.schema.json": json.dumps(json_schema(), indent=2) + "\n",
        ROOT / "specs" / "workspace.schema.json": json.dumps(workspace_schema(), indent=2) + "\n",
        ROOT / "docs" / "reference.md": reference(),
    }


def main() -> int:
    """Write or check."""
    stale = [p for p, text in generated().items() if not p.exists() or p.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run scripts/generate.py")
        return 1 if stale else 0
    for path in stale:
        path.write_text(generated()[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
