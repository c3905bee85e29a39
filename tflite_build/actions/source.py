"""Where a model comes from: for each format the file that is its input, and what its lowering is told.

Knows no engine: which step lowers a format is said in `lower`, and which runs it for reference in `reference`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tflite_build.engines.contract import DEFAULT_SIGNATURE
from tflite_build.planning.action import Input, OutputOf, ProjectFile
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.sources import FunctionSource, JaxSource, KerasSource, SavedModelSource, Source, TfliteSource

from . import fetch


def model_input(model: Resolved) -> Input | None:
    """The model file or folder as an input; None where the user's code makes the model."""
    source = model.loaded.spec.source
    if isinstance(source, FunctionSource | JaxSource):
        return None
    if source.url:
        return OutputOf(fetch.ID, fetch.member_name(source.url, source.path))
    if source.path is None:
        return None
    return ProjectFile(model.loaded.folder / source.path, tree=isinstance(source, SavedModelSource))


def user_code(source: Source) -> bool:
    """Whether the user's Python runs while the source is read."""
    match source:
        case KerasSource():
            return bool(source.entry or source.imports)
        case FunctionSource() | JaxSource():
            return True
        case SavedModelSource() | TfliteSource():
            return False


def lower_params(source: Source) -> dict[str, Any]:
    """What the lowering step of a format is told besides the declared inputs."""
    match source:
        case KerasSource():
            return {
                "path": _shown(source),
                "entry": source.entry,
                "weights": source.weights,
                "imports": list(source.imports),
                "files": [*source.files, *([source.weights] if source.weights else [])],
                "allow_code": source.allow_code,
            }
        case FunctionSource() | JaxSource():
            entries = {name: s.entry for name, s in source.signature.items()}
            if source.entry:
                entries = {DEFAULT_SIGNATURE: source.entry}
            return {"signatures": {n: {"entry": e} for n, e in entries.items()}, "files": list(source.files)}
        case SavedModelSource() | TfliteSource():
            return {}


def _shown(source: KerasSource) -> str | None:
    """What messages call the model file."""
    if source.url and not source.path:
        return fetch.member_name(source.url, None)
    return source.path and Path(source.path).as_posix()
