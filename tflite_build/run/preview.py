"""What a build would do, found out without doing it: the same jobs, driven by remembered outcomes alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tflite_build.errors import BuildError
from tflite_build.planning.lock import Decision
from tflite_build.spec.linked import linked

from . import explain, outputs
from .driver import Options, Session, Target, lock_file, out_folder
from .execute import InvalidStep
from .job import Job
from .outputs import Outstanding

PLAN_VERSION = 1
Status = Literal["cached", "run", "waits"]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step: `cached` is reused, `run` will run now, `waits` depends on what `because` names.

    Attributes:
        reasons: What is not as it was in the model's last build, a phrase each.
    """

    id: str
    kind: str
    toolchain: str
    status: Status
    because: str
    needs: tuple[str, ...]
    seconds: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """What would be done for a model.

    Attributes:
        decisions: What is decided, and why not otherwise.
        untried: Subjects whose choice no build has confirmed, with the candidates that would follow.
        outstanding: What publishing would do; None as long as there are steps to do.
        notes: What an app is otherwise than the spec says for all.
    """

    name: str
    spec: Path
    engine: str
    decisions: Mapping[str, Decision]
    untried: Mapping[str, tuple[str, ...]]
    steps: tuple[PlannedStep, ...]
    outstanding: Outstanding | None = None
    notes: tuple[str, ...] = ()

    @property
    def nothing_to_do(self) -> bool:
        """Whether everything is done, and stands where it belongs."""
        return self.outstanding == Outstanding({}, (), ())

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "version": PLAN_VERSION,
            "model": self.name,
            "spec": str(self.spec.absolute()),
            "engine": self.engine,
            "decisions": {
                subject: {
                    "choice": d.choice,
                    "untried": subject in self.untried,
                    "then": list(self.untried.get(subject, ())),
                    "refuted": {r.choice: r.reason for r in d.refuted},
                }
                for subject, d in sorted(self.decisions.items())
            },
            "steps": [
                {
                    "id": s.id,
                    "kind": s.kind,
                    "toolchain": s.toolchain,
                    "status": s.status,
                    "because": s.because,
                    "needs": list(s.needs),
                    "seconds": round(s.seconds, 3),
                    "reasons": list(s.reasons),
                }
                for s in self.steps
            ],
            "outstanding": None if self.outstanding is None else self._outstanding(self.outstanding),
            "notes": list(self.notes),
        }

    @staticmethod
    def _outstanding(of: Outstanding) -> dict[str, Any]:
        return {
            "writes": {str(file.absolute()): why for file, why in of.writes.items()},
            "removes": [str(file.absolute()) for file in of.removes],
            "missed": [problem.message for problem in of.missed],
        }


def plan(targets: Sequence[Target], options: Options) -> tuple[ModelPlan, ...]:
    """The plans for `targets`. Converts nothing; a source with an address is fetched.

    Raises:
        BuildError: If a spec does not fit what it names, or every candidate is refuted.
    """
    plans = []
    with Session(options, lambda _: None) as session:
        for target in targets:
            job = session.job(target)
            advance(session, job)
            if job.failures:
                raise job.failures[0]
            plans.append(_model_plan(job, options.out_dir))
    return tuple(plans)


def advance(session: Session, job: Job) -> None:
    """Take `job` as far as remembered outcomes go. Runs nothing."""
    asked: set[tuple[int, str]] = set()
    while True:
        fresh = [s for s in job.ready() if (job.generation, s.id) not in asked]
        if not fresh:
            return
        for step in fresh:
            generation = job.generation
            asked.add((generation, step.id))
            try:
                found = session.executor.lookup(step, job.artifacts(step), job.loaded.folder)
            except (BuildError, InvalidStep) as error:
                job.fail(step, error)
                return
            if found is not None:
                job.finish(step, found)
            if job.generation != generation:
                break


def _model_plan(job: Job, out_dir: Path | None) -> ModelPlan:
    last = explain.last(job)
    steps = []
    for step in job.graph.steps:
        done = job.done.get(step.id)
        missing = [n for n in step.needs if n not in job.done]
        status: Status = "cached" if done else "waits" if missing else "run"
        reasons = explain.differences(job, step, last.get(step.id))
        if status == "run" and not reasons:
            reasons = ("its result is not in the store any more",)
        because = f"after {', '.join(missing)}" if missing else "" if done else reasons[0]
        if status == "run" and len(reasons) > 1:
            because += f", and {len(reasons) - 1} more"
        seconds = done.seconds if done else 0.0
        steps.append(
            PlannedStep(step.id, step.kind, step.tool.toolchain, status, because, step.needs, seconds, reasons)
        )
    return ModelPlan(
        job.name,
        job.loaded.file,
        job.resolved.engine,
        job.resolved.decisions,
        job.resolved.untried,
        tuple(steps),
        outputs.outstanding(job, out_folder(job.loaded, out_dir), lock_file(job.loaded)) if job.finished else None,
        tuple(note for platform in job.loaded.apps for note in linked(job.loaded.spec, platform).notes),
    )
