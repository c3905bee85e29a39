"""report.json of a model's folder: what was built, from which spec, for people and for the next build."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tflite_build.engines.user_code.listing import REPORT

from .job import Job
from .result import ModelResult


@dataclass(frozen=True, slots=True)
class Report:
    """What a folder's report says; nothing where there is no whole one.

    Attributes:
        spec: The spec that was built; None where it is there no more, or nobody knows.
        variants: Their rows, by name.
        folders: The files of generated folders: folder -> path in it -> SHA-256.
        digests: The digests of these folders.
        checks: The rows of the limits.
    """

    spec: Path | None = None
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    folders: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[Mapping[str, Any], ...] = ()


def read(folder: Path) -> Report:
    """The report in `folder`."""
    try:
        value = json.loads((folder / REPORT).read_text("utf-8"))
        return Report(
            _spec(folder, value),
            {v["name"]: {**v, "sha256": str(v["sha256"]), "size": int(v["size"])} for v in value["variants"]},
            {
                str(f["name"]): {str(path): str(sha256) for path, sha256 in f["files"].items()}
                for f in value.get("folders", ())
            },
            {str(f["name"]): str(f["sha256"]) for f in value.get("folders", ())},
            tuple({**check, "variant": check["variant"]} for check in value.get("checks", ())),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Report()


def _spec(folder: Path, value: Mapping[str, Any]) -> Path | None:
    try:
        spec = (folder / value["spec"]).resolve()
        return spec if spec.is_file() else None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None


def text(job: Job, model: ModelResult, before: Report) -> str:
    """The report of `model`; of what this build did not make, what `before` says."""
    value = model.to_json(places=False)
    value["spec"] = os.path.relpath(spec_of(job), model.folder.resolve())
    made = {v["name"]: v for v in value["variants"]}
    kept = [v.name for v in job.resolved.variants if v.name in before.variants and v.name not in made]
    value["variants"] = [
        made.get(v.name) or before.variants[v.name] for v in job.resolved.variants if v.name in made or v.name in kept
    ]
    value["checks"] += [check for check in before.checks if check["variant"] in kept]
    order = [v["name"] for v in value["variants"]]
    value["checks"].sort(key=lambda check: order.index(check["variant"]))
    known = {f["name"] for f in value["folders"]}
    value["folders"] += [
        {"name": name, "sha256": before.digests[name], "files": dict(files)}
        for name, files in before.folders.items()
        if name not in known and name in job.folders
    ]
    return json.dumps(value, indent=2) + "\n"


def spec_of(job: Job) -> Path:
    """The spec of `job`, as reports name it."""
    return job.loaded.file.resolve()
