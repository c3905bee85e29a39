"""What a team may write once, in tflite-build.toml, for every model.toml below it: types, and how the two are put together.

Only what makes sense without knowing the model is here: no path (each would have to say what it starts from), no name,
no variant. Each table is one of model.toml with some of its keys, and none of them has a value unless it is written.
"""

from __future__ import annotations

from typing import Any

from .base import SpecModel
from .values import Amount, Cosine, Engine, RelativePath, Seconds, Strings, Tolerance


class WorkspaceConvert(SpecModel):
    """Defaults for [convert]."""

    engine: Engine | None = None
    """Who converts, of sources that are converted."""
    tolerance: Tolerance | None = None
    """How far an output of a float file may be from the source's, as a share of that output's range."""


class WorkspaceChecks(SpecModel):
    """Defaults for [checks]."""

    min_cosine: Cosine | None = None
    """The lowest cosine similarity of a variant's outputs."""


class WorkspaceLimits(SpecModel):
    """Defaults for [limits]."""

    timeout: Seconds | None = None
    """Seconds after which an action counts as hanging and is stopped."""
    memory: Amount | None = None
    """The most memory that an action may take, such as `"4 GB"`."""


class WorkspaceToolchain(SpecModel):
    """Defaults for [toolchain]."""

    packages: Strings | None = None
    """Packages that the user's code imports, such as `einops==0.8.1`. Those of a model.toml stand instead of them."""


class WorkspaceBuild(SpecModel):
    """How models are built; model.toml has no such table."""

    out_dir: RelativePath | None = None
    """Where build folders go, from the folder of tflite-build.toml; `--out-dir` goes before it. Default: `build` beside
    each model.toml."""


class WorkspaceSpec(SpecModel):
    """The whole of tflite-build.toml. It may be empty."""

    convert: WorkspaceConvert = WorkspaceConvert()
    """Defaults for [convert]."""
    checks: WorkspaceChecks = WorkspaceChecks()
    """Defaults for [checks]."""
    limits: WorkspaceLimits = WorkspaceLimits()
    """Defaults for [limits]."""
    toolchain: WorkspaceToolchain = WorkspaceToolchain()
    """Defaults for [toolchain]."""
    build: WorkspaceBuild = WorkspaceBuild()
    """How models are built."""


def with_defaults(data: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """What a model.toml says, with the keys that only the workspace has.

    Args:
        data: The TOML values of model.toml.
        defaults: Those of a valid tflite-build.toml.
    """
    merged = dict(data)
    source = data.get("source")
    for table, given in defaults.items():
        own = data.get(table, {})
        if table == "build" or not isinstance(own, dict):  # the latter is a mistake that the types tell
            continue
        keys = {k: v for k, v in given.items() if k not in own}
        if table == "convert" and isinstance(source, dict) and source.get("format") == "tflite":
            keys.pop("engine", None)  # nothing is converted there
        if keys:
            merged[table] = {**own, **keys}
    return merged
