"""An action as pure data, and the manifest that is both its key and its explanation.

A `Step` is an action in a graph, some of whose inputs are outputs that do not exist yet; with all input digests known
it becomes an `Action`. The manifest holds no absolute path, clock or environment: the same work has the same key on
every machine. Knows nothing of how a step is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tflite_build.store.digest import canonical, of_bytes


@dataclass(frozen=True, slots=True)
class OutputOf:
    """An input that another step makes."""

    step: str
    name: str


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """An input that lies in the user's folder: a file, or with `tree` a folder."""

    path: Path
    tree: bool = False

    @property
    def name(self) -> str:
        """Its own name, kept when it is staged since converters look at suffixes."""
        return self.path.name


Input = OutputOf | ProjectFile


@dataclass(frozen=True, slots=True)
class Tool:
    """Who does a step: a toolchain with the user's packages over it, or this tool itself.

    Attributes:
        toolchain: The toolchain's name, or "" for a step that runs in the tool's own process.
        pins: The digest of the toolchain's pins and of the user's packages.
        code: The digest of the code that does the step: the engines', or the tool's own for this kind of step.
    """

    toolchain: str
    pins: str
    code: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several ways to do something, which a refusal refutes: subject "engine" or "quantizer:VARIANT"."""

    subject: str
    choice: str


@dataclass(frozen=True, slots=True)
class Step:
    """A node of the graph.

    Attributes:
        id: Its name within the model, such as "quantize:int8".
        kind: The kind of step, a row of the engines' registry or of the local actions.
        params: JSON values.
        inputs: Input name -> where it comes from.
        after: Steps that must have succeeded first, though nothing of theirs is read.
        user_code: Whether it runs the user's Python, whose reads become inputs.
        candidate: What a refusal of this step refutes; None where there is no other way.
        variant: The variant that it belongs to, or "".
        heavy: Whether it holds a large framework in memory; only a few such run at once.
        weight: What it is expected to cost against the others, for the order of ready steps.
    """

    id: str
    kind: str
    tool: Tool
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Input] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    user_code: bool = False
    candidate: Candidate | None = None
    variant: str = ""
    heavy: bool = False
    weight: int = 1

    @property
    def needs(self) -> tuple[str, ...]:
        """The ids of all steps that come before it."""
        return (*dict.fromkeys(i.step for i in self.inputs.values() if isinstance(i, OutputOf)), *self.after)


@dataclass(frozen=True, slots=True)
class Action:
    """A step whose inputs are all known: input name -> digest as text."""

    kind: str
    tool: Tool
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    recorded: tuple[tuple[str, str, str], ...] = ()  # what user code read: path, kind, digest

    def manifest(self) -> dict[str, Any]:
        """All that may influence the result."""
        return {
            "kind": self.kind,
            "tool": {"toolchain": self.tool.toolchain, "pins": self.tool.pins, "code": self.tool.code},
            "params": dict(self.params),
            "inputs": dict(self.inputs),
            "recorded": [list(r) for r in self.recorded],
        }

    @property
    def key(self) -> str:
        """The SHA-256 of the manifest."""
        return of_bytes(canonical(self.manifest())).sha256


@dataclass(frozen=True, slots=True)
class Graph:
    """The steps of one model, each after those that it needs."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for step in self.steps:
            missing = [need for need in step.needs if need not in seen]
            if missing:
                raise ValueError(f"step {step.id} comes before {missing}")
            seen.add(step.id)

    def __getitem__(self, step_id: str) -> Step:
        return next(s for s in self.steps if s.id == step_id)

    def closure(self, targets: set[str]) -> Graph:
        """The steps that `targets` need, themselves included."""
        wanted = set(targets)
        for step in reversed(self.steps):
            if step.id in wanted:
                wanted.update(step.needs)
        return Graph(tuple(s for s in self.steps if s.id in wanted))
