"""From a model.toml on disk to a `LoadedSpec`, or to all of its problems at once, each with its line.

The defaults of its workspace are put under it. Judges the files, and whether those that they name exist. Knows nothing of
engines, caches or what the words lead to.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from tflite_build.errors import Place, Problem, SpecError
from tflite_build.workspace import workspace_of

from . import rules
from .apps import APPS, App
from .document import Document, line_of, parsed, read, validated
from .types import SPEC_VERSION, ModelSpec
from .workspace import WorkspaceSpec, with_defaults


@dataclass(frozen=True, slots=True)
class LoadedWorkspace:
    """A valid tflite-build.toml."""

    spec: WorkspaceSpec
    document: Document = field(repr=False)

    @property
    def file(self) -> Path:
        """Where it stands."""
        return self.document.file

    @property
    def out_dir(self) -> Path | None:
        """Where build folders go; None for beside each model.toml."""
        chosen = self.spec.build.out_dir
        return None if chosen is None else self.file.parent / Path(chosen).expanduser()


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A valid model.toml with the defaults of its workspace, and what is needed to point at the lines of both."""

    file: Path
    spec: ModelSpec
    document: Document = field(repr=False)
    workspace: LoadedWorkspace | None = field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        """The folder that relative paths of the file start from."""
        return self.file.parent

    @property
    def sha256(self) -> str:
        """The hash of the file."""
        return self.document.sha256

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the files to build; without any in the spec that is one float file."""
        return tuple(self.spec.variant) or ("float32",)

    @property
    def apps(self) -> tuple[str, ...]:
        """The platforms that code is generated for, which are also the folders of that."""
        return tuple(platform for platform in APPS if getattr(self.spec, platform) is not None)

    def app_variants(self, *platforms: str) -> tuple[str, ...]:
        """Those of the variants that apps can have: those of these platforms, or of all where none is named."""
        found: set[str] = set()
        for platform in platforms or self.apps:
            app: App | None = getattr(self.spec, platform)
            if app is not None:
                found |= {*self.variants} if app.variants == "selectable" else {app.variant or self.variants[0]}
        return tuple(name for name in self.variants if name in found)

    def place(self, *key: str | int) -> Place:
        """Where `key` stands: here, else in the workspace, else the nearest table above it that this file names."""
        return (self._origin(key) or self.document).place(*key)

    def problem(self, key: str, message: str, hint: str = "", detail: str = "") -> Problem:
        """A problem at a dotted key, such as "variant.int8.io"; what a path is blamed for, a lone address is."""
        if key == "source.path" and ("source", "path") not in self.document and ("source", "url") in self.document:
            key = "source.url"
        parts = split_key(key)
        origin = self._origin(parts)
        if origin is not None and origin is not self.document:
            own = f"that is a default for {self.file}, which can say {parts[-1]} in its own [{'.'.join(parts[:-1])}]"
            hint = f"{hint}; {own}" if hint else own
        return Problem(message, self.place(*parts), hint, detail)

    def _origin(self, key: tuple[str | int, ...]) -> Document | None:
        documents = [self.document] + ([self.workspace.document] if self.workspace else [])
        return next((document for document in documents if key in document), None)


def split_key(key: str) -> tuple[str, ...]:
    """The parts of a dotted key; parts in double quotes may hold dots."""
    return tuple(a or b for a, b in re.findall(r'"([^"]*)"|([^."]+)', key))


def load(file: Path, *, files: bool = True, text: str | None = None) -> LoadedSpec:
    """Read and check `file` and its workspace; that the files which it names are there, too, unless `files` is off.

    Args:
        file: The model.toml.
        files: Whether what it names has to be there.
        text: What stands in `file`, where that is not written.

    Raises:
        SpecError: With all problems of the file, or of its workspace.
    """
    document = read(file, "`tflite-build init` writes a model.toml") if text is None else parsed(file, text)
    version = document.data.get("spec")
    if isinstance(version, int) and not isinstance(version, bool) and version > SPEC_VERSION:
        raise SpecError(
            Problem(
                f"this file is written in version {version} of the format; this tool reads version {SPEC_VERSION}",
                document.place("spec"),
                "use a newer tflite-build",
            )
        )
    workspace = load_workspace(file)
    defaults = workspace.document.data if workspace else {}
    spec = validated(ModelSpec, document, with_defaults(document.data, defaults))
    found = LoadedSpec(file, spec, document, workspace)
    problems = [found.problem(p.key, p.message, p.hint) for p in rules.check(spec, file.parent, files=files)]
    if problems:
        raise SpecError(sorted(problems, key=line_of))
    return found


def load_workspace(file: Path) -> LoadedWorkspace | None:
    """The workspace of the model.toml at `file`; None where it has none.

    Raises:
        SpecError: With all problems of the workspace's own file.
    """
    place = workspace_of(os.path.dirname(os.path.abspath(file)))  # noqa: PTH100, PTH120 - links are not followed
    if not place:
        return None
    document = read(Path(place))
    return LoadedWorkspace(validated(WorkspaceSpec, document), document)
