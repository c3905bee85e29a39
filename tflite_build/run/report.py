"""report.json of a model's folder: what was built, from which spec, for people and for the next build."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tflite_build.engines.user_code.listing import REPORT

from .job import Job
from .result import ModelResult


def variants(folder: Path) -> dict[str, Any]:
    """The variants of the report in `folder`, by name; nothing where there is no whole one."""
    try:
        variants = json.loads((folder / REPORT).read_text("utf-8"))["variants"]
        return {
            v["name"]: {"sha256": str(v["sha256"]), "size": int(v["size"]), "accuracy": v["accuracy"], "row": v}
            for v in variants
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def text(job: Job, model: ModelResult, before: Mapping[str, Any]) -> str:
    """The report of `model`; of variants that this build did not make, what `variants` gave before."""
    value = model.to_json(places=False)
    value["spec"] = os.path.relpath(spec_of(job), model.folder.resolve())
    made = {v["name"]: v for v in value["variants"]}
    value["variants"] = [
        made.get(v.name) or before[v.name]["row"] for v in job.resolved.variants if v.name in made or v.name in before
    ]
    return json.dumps(value, indent=2) + "\n"


def spec_of(job: Job) -> Path:
    """The spec of `job`, as `owner` gives it."""
    return job.loaded.file.resolve()


def owner(folder: Path) -> Path | None:
    """The spec that the outputs in `folder` were built from; None where there is none any more, or nobody knows."""
    try:
        spec = (folder / json.loads((folder / REPORT).read_text("utf-8"))["spec"]).resolve()
        return spec if spec.is_file() else None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
