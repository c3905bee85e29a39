"""One model on its way: what is decided, what is done, what is ready, and what a step's outcome means for the rest.

A state machine without threads or processes, so that `plan` can drive it with remembered outcomes alone and `build`
with real ones. A refusal makes it resolve again; steps that both plans share are found in the store by their content.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tflite_build.actions import compare, pipeline
from tflite_build.actions.tools import Tools
from tflite_build.engines.contract import Interface, Names
from tflite_build.errors import BuildError, ExitCode, Place, Problem, StoreError
from tflite_build.planning.action import Graph, OutputOf, Step
from tflite_build.planning.lock import Lock
from tflite_build.planning.resolve import Refuted, Resolved, resolve
from tflite_build.spec.load import LoadedSpec, split_key
from tflite_build.spec.rules import STATIC_QUANTIZE
from tflite_build.spec.sources import FunctionSource, JaxSource
from tflite_build.store.artifact import Artifact
from tflite_build.store.results import Refusal
from tflite_build.store.store import Store

from .execute import Done, InvalidStep, project_artifact
from .result import Gate, VariantResult


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that was made and is not good: the variant it would have been ("" for the float file), and the file."""

    variant: str
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a step cannot be done this way, and what in the spec might help."""

    step: Step
    refusal: Refusal
    hint: str


@dataclass
class Job:
    """The state of one model's build.

    Attributes:
        lock: What earlier builds decided, as far as this one follows it.
        variants: Those to build; all where there are none.
        generated: The folders to make beside these variants, by name; all where there are none of these.
        float_only: Whether the float file alone is to be made, and no variant of it.
        refusals: What steps refused so far, with the operators to blame.
        gates: The limits of the spec, once the files are made.
        made: The files.
        label: What the build calls the model, as far as that is not its name.
    """

    loaded: LoadedSpec
    lock: Lock
    tools: Tools
    store: Store
    variants: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    interface: Interface | None = None
    refuted: list[Refuted] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    done: dict[str, Done] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    held: dict[str, Refusal] = field(default_factory=dict)  # refusals that wait for the verdict on the float file
    failures: list[BuildError] = field(default_factory=list)
    float_only: bool = False
    refusals: list[tuple[Step, Refusal]] = field(default_factory=list)
    gates: tuple[Gate, ...] = ()
    made: tuple[VariantResult, ...] = ()
    generation: int = 0
    located: bool = False
    said: Callable[[str], None] = lambda _: None
    label: str = ""

    resolved: Resolved = field(init=False)
    whole: Graph = field(init=False)  # of all variants
    graph: Graph = field(init=False)  # of those to build
    _before_verdict: frozenset[str] = field(init=False)  # the steps up to the comparison of the float file
    _ready: list[Step] | None = field(init=False, default=None)  # None where something changed since
    _warned: dict[str, list[str]] = field(init=False, default_factory=dict)  # by step
    _since: dict[str, float] = field(init=False, default_factory=dict)  # when steps became ready

    def __post_init__(self) -> None:
        self._plan()
        self.label = self.label or self.name

    def _plan(self) -> None:
        resolved = resolve(self.loaded, self.lock, self.refuted, self.interface)
        self.resolved = replace(resolved, located=self.located)
        self.whole = pipeline.graph(self.resolved, self.tools)
        targets = {compare.FLOAT_ID}
        if not self.float_only:
            targets = pipeline.variant_targets(self.resolved, self.variants, self.generated)
        self.graph = self.whole.closure(targets)
        self.done, self.running, self.held = {}, set(), {}
        self._before_verdict = frozenset(s.id for s in self.graph.closure({compare.FLOAT_ID}).steps)
        self._ready = None
        self._since = {}
        self._warned = {}
        self.generation += 1

    @property
    def name(self) -> str:
        """The model's name."""
        return self.resolved.name

    @property
    def folders(self) -> frozenset[str]:
        """The steps whose folder is published beside the variants."""
        return pipeline.folders(self.resolved)

    def file_name(self, variant: str) -> str:
        """The name of a variant's file."""
        return f"{self.name}-{variant}.tflite"

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do, for better or worse."""
        return bool(self.failures) or all(s.id in self.done for s in self.graph.steps)

    @property
    def toolchains(self) -> frozenset[str]:
        """Those of the steps that are left to do."""
        if self.failures:
            return frozenset()
        return frozenset(s.tool.toolchain for s in self.graph.steps if s.id not in self.done)

    @property
    def warnings(self) -> list[str]:
        """What is to be said of the steps that are done, in the graph's order, each once."""
        return list(dict.fromkeys(text for step in self.graph.steps for text in self._warned.get(step.id, ())))

    def concerns(self, subject: str) -> bool:
        """Whether this build tries what is decided about `subject`."""
        kind, _, variant = subject.partition(":")
        return kind == "engine" or not self.variants or variant in self.variants

    def ready(self) -> list[Step]:
        """The steps that can run now."""
        if self.failures:
            return []
        if self._ready is None:
            under_way = self.done.keys() | self.running | self.held.keys()
            self._ready = [
                s for s in self.graph.steps if s.id not in under_way and all(n in self.done for n in s.needs)
            ]
            for step in self._ready:
                self._since.setdefault(step.id, time.monotonic())
        return self._ready

    def start(self, step: Step) -> float:
        """A ready step is under way; since when it was ready, by the monotonic clock."""
        self.running.add(step.id)
        self._ready = None
        return self._since.pop(step.id, time.monotonic())

    def artifacts(self, step: Step) -> dict[str, Artifact]:
        """The inputs of a ready step.

        Raises:
            BuildError: If a file of the user's cannot be read.
        """
        found: dict[str, Artifact] = {}
        for name, given in step.inputs.items():
            if isinstance(given, OutputOf):
                found[name] = self.done[given.step].result.outputs[given.name]
                continue
            try:
                found[name] = project_artifact(self.store, given)
            except OSError as error:
                path = _within(given.path, error.filename)
                raise BuildError(Problem(f"cannot read {path}: {error.strerror}"), ExitCode.SPEC_WRONG) from None
        return found

    def finish(self, step: Step, done: Done) -> None:
        """Take the outcome of `step`; a refusal plans anew or fails the model."""
        self._stop(step)
        if done.result.refusal is not None:
            self.refusals.append((step, done.result.refusal))
            # Of a float file that is wrong itself, a quantizer's refusal says nothing.
            if compare.FLOAT_ID in self.done or step.id in self._before_verdict:
                self._refuse(self._refusal(step, done.result.refusal))
            else:
                self.held[step.id] = done.result.refusal
            return
        self.done[step.id] = done
        prefix = f"{step.variant}: " if step.variant else ""
        self._warned[step.id] = [f"{prefix}{text}" for text in done.result.warnings]
        if step.kind == "compare":
            try:
                self._judge(step, done)
            except StoreError as error:
                self.fail(step, error)
            if step.id == compare.FLOAT_ID and step.id in self.done and self.held and not self.failures:
                self._refuse(*(self._refusal(self.graph[name], refusal) for name, refusal in self.held.items()))

    def fail(self, step: Step, error: BuildError | InvalidStep) -> None:
        """The step failed for a reason that no other candidate would change."""
        self._stop(step)
        if isinstance(error, InvalidStep):
            key = _public(_key(error.key, step), self.resolved.names)
            detail = "\n".join(part for part in (error.detail, *self._refused_before(step)) if part)
            problem = self.loaded.problem(key, error.message, error.hint, detail)
            error = BuildError(problem, ExitCode.SPEC_WRONG)
        elif not isinstance(error, StoreError):  # in a build of several models: which one
            before = self._refused_before(step)
            placed = [
                replace(
                    p, place=p.place or Place(self.loaded.file), detail="\n".join(filter(None, (p.detail, *before)))
                )
                for p in error.problems
            ]
            error = BuildError(placed, error.code)
        self._add_failure(error)

    def _add_failure(self, error: BuildError) -> None:
        if error.problems not in [e.problems for e in self.failures]:  # as when two variants find the same
            self.failures.append(error)

    def _refused_before(self, step: Step) -> list[str]:
        """Why `step` is not done by the first candidate: the mistake that the next one finds may be no other."""
        decision = self.resolved.decisions.get(step.candidate.subject) if step.candidate is not None else None
        return [f"{r.choice} could not make it before: {r.reason}" for r in decision.refuted] if decision else []

    def lost(self, step_id: str, waiting: Step) -> None:
        """An output of `step_id`, which `waiting` needs, is damaged: it is to be made again, and then `waiting` runs."""
        self._stop(waiting)
        self.done.pop(step_id, None)

    def _stop(self, step: Step) -> None:
        self.running.discard(step.id)
        self._ready = None

    def _judge(self, step: Step, done: Done) -> None:
        distance = self.distance(step.id)
        quantize = "none"
        if step.variant:
            quantize = next(v.quantize for v in self.resolved.variants if v.name == step.variant)
        verdict = compare.judge(distance, quantize, self.loaded.spec.convert.tolerance)
        if verdict.refusals and distance.random and not step.variant:
            self.fail(step, _random(verdict.refusals[0], distance.random))
            return
        if verdict.refusals:
            given = step.inputs["model"]
            assert isinstance(given, OutputOf)  # compare reads what another step made
            self.rejected.append(Rejected(step.variant, self.done[given.step].result.outputs[given.name]))
            del self.done[step.id]
            hint = "keep sensitive layers in float with keep_float, or calibrate with more samples"
            static = quantize in STATIC_QUANTIZE
            refused = Refusal(verdict.refusals[0], "\n".join(verdict.refusals[1:]))
            self._refuse(_Refusal(step, refused, hint if static else ""))
            return
        self.rejected = [r for r in self.rejected if r.variant != step.variant]  # of those before it, nobody asks now
        own = self._warned.setdefault(step.id, [])
        own += [f"{step.variant or 'float32'}: {text}" for text in verdict.warnings]

    def _refusal(self, step: Step, refusal: Refusal) -> _Refusal:
        named = self._keep_float_hint(step, [name for name, _, _ in refusal.operators])
        return _Refusal(step, replace(refusal, detail=_detail(refusal.detail, refusal.operators)), named)

    def _keep_float_hint(self, step: Step, operators: Sequence[str]) -> str:
        """How to leave the operators that forbid a variant in float, where the spec does not do so yet."""
        own = next((v for v in self.resolved.variants if v.name == step.variant), None)
        if own is None or not own.quantizer:
            return ""
        more = [f"op:{name}" for name in dict.fromkeys(operators) if f"op:{name}" not in own.keep_float]
        listed = ", ".join(f'"{pattern}"' for pattern in (*own.keep_float, *more))
        return f"keep what it names in float: `keep_float = [{listed}]` in [variant.{own.name}]" if more else ""

    def _refuse(self, *refusals: _Refusal) -> None:
        """Plan anew without the candidates that were refused; a step that has none fails the model."""
        if any(self._wants_lines(given.step) for given in refusals):
            self.located = True
            self._plan()
            self.said("it is converted once more, to find the line of the code that the refusal is about")
            return
        refuted = []
        for given in refusals:
            step, refusal, candidate = given.step, given.refusal, given.step.candidate
            if candidate is None:
                place = self.loaded.place(f"variant.{step.variant}.quantize" if step.variant else "source")
                problem = Problem(f"{self.name}: {step.id}: {refusal.reason}", place, detail=refusal.detail)
                self._add_failure(BuildError(problem))
                continue
            refuted.append(
                Refuted(
                    candidate.subject,
                    candidate.choice,
                    refusal.reason,
                    refusal.detail,
                    refusal.alternative,
                    given.hint,
                )
            )
        if not refuted:
            return
        self.refuted += refuted
        try:
            self._plan()
        except BuildError as error:
            self._add_failure(error)
            return
        for gone in refuted:
            following = self.resolved.decisions.get(gone.subject)
            if following is not None:
                self.said(
                    f"{gone.choice} cannot make {_subject(gone.subject)} ({gone.reason}); {following.choice} is next"
                )

    def _wants_lines(self, step: Step) -> bool:
        """Whether doing it again with the user's source lines in the lowered form would say more.

        Lines are no part of it otherwise, so that a comment changes nothing after the lowering.
        """
        functions = isinstance(self.loaded.spec.source, FunctionSource | JaxSource)
        return functions and not self.located and step.kind.startswith("convert.")

    def read_json(self, step_id: str, name: str) -> dict[str, object]:
        """A JSON file that a finished step made.

        Raises:
            StoreError: If it was damaged since.
        """
        return self.json_of(self.done[step_id], name, step_id)

    def json_of(self, done: Done, name: str, step_id: str = "a step") -> dict[str, object]:
        """As `read_json`, of a step that need not be part of the graph."""
        try:
            value: dict[str, object] = json.loads(self.store.read(done.result.outputs[name]))
        except (FileNotFoundError, ValueError):
            raise StoreError(Problem(f"the stored result of {step_id} is damaged", hint="build again")) from None
        except OSError as error:
            raise self.store.failure(error) from None
        return value

    def distance(self, step_id: str) -> compare.Distance:
        """What a finished compare step found."""
        return compare.read(self.read_json(step_id, compare.RESULT))


def _within(given: Path, name: object) -> Path:
    """The file called `name` in the folder `given`, as `given` is written; else `given` itself."""
    inside = Path(name) if isinstance(name, str) else given
    root = given.absolute()
    return given / inside.relative_to(root) if inside.is_relative_to(root) else given


def _random(refusal: str, operators: Sequence[str]) -> InvalidStep:
    """No engine is to blame for a model that gives something else each time."""
    return InvalidStep(
        f"the model draws random numbers ({', '.join(operators)}), so that two runs of it differ: {refusal}",
        "source",
        "export it for inference, without what is random (as with training=False), or make the numbers an input",
        "",
    )


def _subject(subject: str) -> str:
    kind, _, variant = subject.partition(":")
    return f"variant '{variant}'" if kind == "quantizer" else "this model"


def _detail(detail: str, operators: tuple[tuple[str, str, str], ...]) -> str:
    lines = [detail] if detail else []
    for name, needs, source in operators:
        what = {"select": "needs select TensorFlow operators", "custom": "needs a custom operator"}.get(needs, "")
        lines.append(" ".join(part for part in (name, what, f"at {source}" if source else "") if part))
    return "\n".join(lines)


def _key(key: str, step: Step) -> str:
    if key.startswith("variant.X.") and step.variant:
        return f"variant.{step.variant}.{key.removeprefix('variant.X.')}"
    return key or "source"


def _public(key: str, names: Names) -> str:
    """The key under which model.toml has an input, where an engine knows it by the model's own name."""
    parts = list(split_key(key))
    at = parts.index("input") + 1 if "input" in parts[:3:2] else len(parts)
    if at >= len(parts) or parts[at + 1 :] == ["from"]:  # what is wrong with a `from` is told by the spec's own name
        return key
    signature = parts[1] if at > 1 else next(iter(names.signatures), "")
    public = names.public(signature, "inputs", parts[at])
    if public == parts[at]:
        return key
    parts[at] = public
    return ".".join(f'"{part}"' for part in parts)
