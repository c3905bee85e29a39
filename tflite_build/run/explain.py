"""Why a step runs: what of its manifest is not as it was in the model's last build.

The manifest is what the key of an action hashes, so nothing that matters can be missing here.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tflite_build.errors import BuildError
from tflite_build.planning.action import ProjectFile, Step

from .execute import EXISTS, MISSING, project_artifact, standing_digest
from .job import Job

_DIGITS = 8  # of a hash, for people
_LONGEST = 60  # of a value, for people
_ABSENT = object()


def remember(job: Job, folder: Path) -> None:
    """Keep the manifests of the steps that are done; of other steps of the model, what an earlier build kept.

    Args:
        job: A model that is published.
        folder: Where.
    """
    earlier = last(job)
    steps = {step.id: earlier[step.id] for step in job.whole.steps if step.id in earlier}
    steps |= {name: done.action.manifest() for name, done in job.done.items()}
    with contextlib.suppress(OSError):  # which changes no output
        job.store.results.remember_target(_target(job), steps, os.path.abspath(folder))  # noqa: PTH100


def last(job: Job) -> dict[str, Any]:
    """The manifests of the model's last build, by step."""
    return job.store.results.manifests(_target(job))


def last_folder(job: Job) -> Path | None:
    """Where the outputs of the model's last build went, as far as that is known."""
    folder = job.store.results.last_folder(_target(job))
    return Path(folder) if folder else None


def differences(job: Job, step: Step, before: Any) -> tuple[str, ...]:
    """What of `step` is known to differ from its manifest `before`, a phrase each.

    Args:
        job: The model, with what is done of it.
        step: One of its steps.
        before: As `last` gives it; None where the step was not part of the last build.
    """
    if not isinstance(before, dict):
        return ("it was not part of the last build",)
    try:
        return tuple(_differences(job, step, before))
    except (KeyError, TypeError, ValueError, AttributeError):  # of an older version of this tool
        return ("what the last build did is not known any more",)


def _differences(job: Job, step: Step, before: Mapping[str, Any]) -> Iterator[str]:
    if before["kind"] != step.kind:
        yield f"another kind of step: {before['kind']} -> {step.kind}"
    yield from _tool(step, before["tool"])
    yield from _parameters("", before["params"], json.loads(json.dumps(dict(step.params))))
    now = _known_inputs(job, step)
    for name, digest in before["inputs"].items():
        if name not in step.inputs:
            yield f"the input '{name}' is gone"
        elif name in now and now[name] != digest:
            yield f"{_input(job, step, name)} changed: {_short(digest)} -> {_short(now[name])}"
    for name in step.inputs:
        if name not in before["inputs"]:
            yield f"{_input(job, step, name)} is new"
    done = job.done.get(step.id)
    recorded = {(path, kind): digest for path, kind, digest in before["recorded"]}
    current = {(path, kind): digest for path, kind, digest in done.action.recorded} if done else {}
    for path, kind in recorded:
        current.setdefault((path, kind), standing_digest(job.store, job.loaded.folder, path, kind))
    for (path, kind), digest in sorted(current.items()):
        if (path, kind) not in recorded:
            yield f"its code now asks for '{path}'"
        elif digest != recorded[path, kind]:
            yield _recorded(path, kind, recorded[path, kind], digest)


def _tool(step: Step, before: Mapping[str, str]) -> Iterator[str]:
    tool = step.tool
    if before["toolchain"] != tool.toolchain:
        yield f"another toolchain: {before['toolchain'] or 'none'} -> {tool.toolchain or 'none'}"
        return
    pins, _, packages = tool.pins.partition("+")
    old_pins, _, old_packages = before["pins"].partition("+")
    if pins != old_pins:
        yield f"the pins of the toolchain '{tool.toolchain}' changed: {old_pins[:_DIGITS]} -> {pins[:_DIGITS]}"
    if packages != old_packages:
        yield "[toolchain] packages resolve to others"
    if before["code"] != tool.code:
        yield f"this tool's code for it changed: {before['code'][:_DIGITS]} -> {tool.code[:_DIGITS]}"


def _parameters(prefix: str, before: Any, now: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted(before.keys() | now.keys()):
            key = f"{prefix}.{name}" if prefix else name
            yield from _parameters(key, before.get(name, _ABSENT), now.get(name, _ABSENT))
    elif before != now:
        yield f"{prefix}: {_value(before)} -> {_value(now)}"


def _known_inputs(job: Job, step: Step) -> dict[str, str]:
    """The digests of the inputs that are there already."""
    found = {}
    for name, given in step.inputs.items():
        if isinstance(given, ProjectFile):
            with contextlib.suppress(OSError, BuildError):
                found[name] = str(project_artifact(job.store, given).digest)
        elif given.step in job.done:
            found[name] = str(job.done[given.step].result.outputs[given.name].digest)
    return found


def _input(job: Job, step: Step, name: str) -> str:
    given = step.inputs[name]
    if isinstance(given, ProjectFile):
        return f"'{os.path.relpath(given.path, job.loaded.folder)}'"
    return f"'{given.name}' of {given.step}"


def _recorded(path: str, kind: str, before: str, now: str) -> str:
    if now == MISSING:
        return f"'{path}', which its code asks for, is gone"
    if before == MISSING:
        return f"'{path}', which its code looked for in vain, is there now"
    if kind == "folder":
        return f"the names in '{path}', which its code lists, changed"
    if EXISTS in (before, now) or kind == "looks":
        return f"'{path}', which its code looks at, changed"
    return f"'{path}', which its code reads, changed: {before[:_DIGITS]} -> {now[:_DIGITS]}"


def _short(digest: str) -> str:
    return digest[:_DIGITS]


def _value(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _target(job: Job) -> str:
    return os.path.abspath(job.loaded.file)  # noqa: PTH100 - as it was named, without asking where links lead
