"""The lock that a finished job makes: what it was made from, what was decided, what came out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tflite_build.actions import custom_operators
from tflite_build.planning import lock as lockfile
from tflite_build.planning.action import Graph, ProjectFile
from tflite_build.planning.lock import Lock
from tflite_build.spec.apps import APPS
from tflite_build.spec.linked import builds_runtime
from tflite_build.spec.types import ModelSpec
from tflite_build.store.digest import of_bytes

from .job import Job
from .result import ModelResult

_OF_A_MACHINE = {"library", "registerer", "interface"}  # what runs a file; no file depends on it


def made_lock(job: Job, made: ModelResult, old: Lock) -> Lock:
    """The new lock: what this build made and found; a build of some variants leaves what is still so of all else."""
    own = {name: decision for name, decision in job.resolved.decisions.items() if job.concerns(name)}
    new = Lock(
        spec=spec_digest(job.loaded.spec),
        sources=_sources(job),
        decisions=own,
        toolchains={s.tool.toolchain: job.tools.pins[s.tool.toolchain] for s in job.graph.steps if s.tool.toolchain},
        packages=job.lock.packages,
        requested=job.lock.requested,
        resolved_with=job.lock.resolved_with,
        outputs={
            **{variant.file.name: variant.sha256 for variant in made.variants},
            **{folder.name: folder.sha256 for folder in made.folders},
        },
        not_run={variant.file.name: variant.not_run for variant in made.variants if variant.not_run},
    )
    if not job.variants:
        return new
    names = {v.name for v in job.resolved.variants}
    sources = _named_sources(job.whole, job.loaded.folder)
    toolchains = {s.tool.toolchain for s in job.whole.steps}
    merged = Lock(
        spec=new.spec,
        sources={**{n: sha for n, sha in old.sources.items() if n in sources}, **new.sources},
        decisions={**{s: d for s, d in old.decisions.items() if s in job.resolved.decisions}, **new.decisions},
        toolchains={**{n: pins for n, pins in old.toolchains.items() if n in toolchains}, **new.toolchains},
        packages=new.packages,
        requested=new.requested,
        resolved_with=new.resolved_with,
        outputs={
            **{n: sha for n, sha in old.outputs.items() if n in {*map(job.file_name, names), *job.folders}},
            **new.outputs,
        },
        not_run={
            **{n: ops for n, ops in old.not_run.items() if n in set(map(job.file_name, names)) - new.outputs.keys()},
            **new.not_run,
        },
    )
    left = merged.outputs.keys() - new.outputs.keys()
    # Those that are left may be of another state of what they are made from, which nothing says any more.
    return merged if not left or lockfile.same_inputs(old, merged) else replace(merged, spec="")


def spec_digest(spec: ModelSpec) -> str:
    """The digest of what `spec` says as far as outputs depend on it: limits only say whether there are any."""
    limits: dict[Any, Any] = {
        "checks": True,
        "limits": True,
        "compatibility": {"gpu": True, "custom_ops": {"__all__": _OF_A_MACHINE}},
        "convert": {"tolerance"},
        "variant": {"__all__": {"checks"}},
    }
    # What builds a library of one's own hangs on it, and what an app calls.
    limits["runtime"] = (
        {"library"} if builds_runtime(spec) or any(getattr(spec, platform) is not None for platform in APPS) else True
    )
    value = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=limits)
    for table in ("convert", "compatibility"):  # that there was a limit in it is nothing, either
        if not value.get(table):
            value.pop(table, None)
    return of_bytes(json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")).sha256


def _sources(job: Job) -> dict[str, str]:
    """What of the user's was read: path from the spec's folder, or address -> SHA-256."""
    found: dict[str, str] = {}
    for step in job.graph.steps:
        done = job.done.get(step.id)
        if done is None:
            continue
        for name, given in step.inputs.items():
            if isinstance(given, ProjectFile) and not custom_operators.is_library(name):
                found[_shown(given.path, job.loaded.folder)] = done.action.inputs[name].partition("/")[0]
        found |= {shown: digest for shown, kind, digest in done.action.recorded if kind == "file" and digest}
        if step.kind == "fetch":
            found[str(step.params["url"])] = str(step.params["sha256"])
    return found


def _named_sources(graph: Graph, root: Path) -> set[str]:
    """The sources that steps of `graph` take by name. What user code reads besides is found anew by every build."""
    given = [i for step in graph.steps for n, i in step.inputs.items() if not custom_operators.is_library(n)]
    files = {_shown(i.path, root) for i in given if isinstance(i, ProjectFile)}
    return files | {str(step.params["url"]) for step in graph.steps if step.kind == "fetch"}


def _shown(path: Path, folder: Path) -> str:
    """`path` as model.toml writes it, whatever this machine calls the folders around it."""
    return path.relative_to(folder).as_posix()
