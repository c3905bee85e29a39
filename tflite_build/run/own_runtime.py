"""A library of one's own for several models: the union of what each of them needs, as its build has written it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tflite_build.actions import runtime
from tflite_build.errors import BuildError, Problem, SpecError, UsageError
from tflite_build.spec.linked import builds_runtime

from . import report
from .driver import Target, out_folder
from .publish import Placement, sha256_of


def write(targets: Sequence[Target], output: Path, out_dir: Path | None) -> tuple[Path, ...]:
    """Write what builds a library for all of `targets` that want one into `output`; the files.

    Args:
        targets: Models that are built.
        output: The folder; it is made.
        out_dir: Where their build folders are; default: `build` beside each model.toml.

    Raises:
        UsageError: If none of the models wants a library of its own.
        BuildError: If one of them is not built, or its folder was edited.
        SpecError: If they do not go together.
        StoreError: If `output` cannot be written.
    """
    wanted = [target for target in targets if builds_runtime(target.loaded.spec)]
    if not wanted:
        raise UsageError(
            Problem("none of these models wants a library of its own", hint='say `target = "custom"` in its [runtime]')
        )
    listed = {}
    sources = {}
    for target in wanted:
        folder = out_folder(target.loaded, out_dir)
        place = Path(os.path.relpath(folder.resolve(), output.resolve())).as_posix()
        listed[place] = _listed(target, folder)
        sources[place] = _sources(target, folder, listed[place])
    try:
        contents = runtime.union(output.resolve().name, listed, sources)
    except ValueError as error:
        places = ", ".join(str(target.loaded.file) for target in wanted)
        raise SpecError(Problem(f"no one library is for all of {places}: {error}")) from None
    with Placement() as placement:
        for name, content in contents.items():
            placement.content(content, output / name)
        placement.commit()
    return tuple(output / name for name in contents)


def _sources(target: Target, folder: Path, listed: dict[str, Any]) -> dict[str, bytes]:
    """The sources of its custom operators as its build has copied them: file name -> content."""
    found = {}
    made = report.read(folder).folders[runtime.FILES]
    for name in {file for files in listed.get("sources", {}).values() for file in files}:
        place = folder / runtime.FILES / name
        if sha256_of(place) != made.get(name):
            message = f"the source '{name}' of a custom operator was edited or removed since the build of its model"
            raise BuildError(Problem(message, target.loaded.place("compatibility.custom_ops"), "build it again"))
        found[name] = place.read_bytes()
    return found


def _listed(target: Target, folder: Path) -> dict[str, Any]:
    """What the model's own `operators.json` says."""
    files = report.read(folder).folders.get(runtime.FILES, {})
    place = folder / runtime.FILES / runtime.OPERATORS
    if not files or sha256_of(place) != files.get(runtime.OPERATORS):
        name = target.loaded.spec.model.name
        why = "was edited or removed since" if files else "does not have it yet"
        message = f"what '{name}' needs of a runtime is not known: its build {why}"
        raise BuildError(Problem(message, target.loaded.place("runtime"), "build it first"))
    value: dict[str, Any] = json.loads(place.read_text("utf-8"))
    return value
