"""Runs the ready steps of several jobs at once, within the machine's means.

Knows of steps only what they cost; what an outcome means is the job's business.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tflite_build.errors import BuildError
from tflite_build.planning.action import Step
from tflite_build.progress import Listener, Note, Outcome, Planned, StepFinished, StepStarted
from tflite_build.store.artifact import Artifact

from .execute import Done, Executor, InvalidStep, Limits, LostInput, Task
from .job import Job
from .worker import Environment

HEAVY_AT_ONCE = 2  # a large framework holds half a gigabyte to one and a half


@dataclass(frozen=True, slots=True)
class Running:
    """A step under way, and the plan of the job that it belongs to."""

    job: Job
    step: Step
    generation: int
    worker: int


class Scheduler:
    """Runs jobs to their end."""

    def __init__(
        self,
        executor: Executor,
        environments: Callable[[Job, Step], Environment],
        limits: Callable[[Job], Limits],
        listener: Listener,
        slots: int,
    ) -> None:
        self._executor = executor
        self._environments = environments
        self._limits = limits
        self._listener = listener
        self._slots = slots
        self._announced: dict[int, int] = {}  # job -> the plan that was told

    def run(self, jobs: Sequence[Job], *, keep_going: bool, step_done: Callable[[Job, Step], None]) -> None:
        """Run all jobs; without `keep_going` nothing new starts after the first failure.

        Raises:
            KeyboardInterrupt: After the steps under way were stopped.
        """
        with concurrent.futures.ThreadPoolExecutor(self._slots, "step") as pool:
            running: dict[concurrent.futures.Future[Done], Running] = {}
            try:
                while True:
                    if keep_going or not any(job.failures for job in jobs):
                        self._start(jobs, running, pool)
                    if not running:
                        return
                    ended, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                    for future in ended:
                        self._end(running.pop(future), future, step_done)
            except BaseException:  # whatever it is, nobody wants what is under way any more
                self._executor.cancelled.set()
                raise

    def _start(
        self,
        jobs: Sequence[Job],
        running: dict[concurrent.futures.Future[Done], Running],
        pool: concurrent.futures.ThreadPoolExecutor,
    ) -> None:
        self._announce(jobs)
        for job, step in self._order(jobs):
            if len(running) >= self._slots:
                return
            if any(r.job is job and r.step.id == step.id for r in running.values()):
                continue  # of a plan that was given up meanwhile; what it gives may be what this one needs
            if step.heavy:
                heavy = [r.step for r in running.values() if r.step.heavy]
                same = [s for s in heavy if s.tool.toolchain == step.tool.toolchain]
                # A second process of a large framework costs its memory and imports again; another model's small
                # steps fill the processor better.
                if len(heavy) >= HEAVY_AT_ONCE or len(same) >= max(1, self._slots // 2):
                    continue
            try:
                artifacts = job.artifacts(step)
            except BuildError as error:
                job.fail(step, error)
                continue
            ready = job.start(step)
            busy = {r.worker for r in running.values()}
            worker = next(number for number in range(self._slots) if number not in busy)
            future = pool.submit(self._executor.run, self._task(job, step, artifacts, worker, ready))
            running[future] = Running(job, step, job.generation, worker)

    def _announce(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if self._announced.get(id(job)) != job.generation:
                self._announced[id(job)] = job.generation
                self._listener(Planned(job.label, len(job.graph.steps), len(job.done)))

    def _order(self, jobs: Sequence[Job]) -> list[tuple[Job, Step]]:
        ready = [(job, step) for job in jobs for step in job.ready()]
        return sorted(ready, key=lambda pair: -pair[1].weight)

    def _task(self, job: Job, step: Step, artifacts: Mapping[str, Artifact], worker: int, ready: float) -> Task:
        def started() -> None:
            waited = time.monotonic() - ready
            self._listener(StepStarted(job.label, step.id, worker, step.tool.toolchain, waited))

        return Task(
            step,
            artifacts,
            job.loaded.folder,
            self._limits(job),
            lambda: self._environments(job, step),
            started,
            lambda: self._listener(Note(f"{step.id}: another build is doing this; waiting for it", job.label)),
        )

    def _end(
        self,
        run: Running,
        future: concurrent.futures.Future[Done],
        step_done: Callable[[Job, Step], None],
    ) -> None:
        job, step = run.job, run.step
        candidate = step.candidate.choice if step.candidate is not None else ""
        stale = run.generation != job.generation
        try:
            done = future.result()
        except LostInput as lost:
            if not stale:
                job.lost(str(lost), step)
            return
        except (BuildError, InvalidStep) as error:
            self._listener(StepFinished(job.label, step.id, "failed", 0.0, candidate))
            if not stale:
                job.fail(step, error)
                step_done(job, step)
            return
        outcome: Outcome = "reused" if done.reused else "ran"
        if done.result.refusal is not None:
            outcome = "reused" if stale else "refused"  # a newer plan says so when it finds it
        self._listener(StepFinished(job.label, step.id, outcome, done.seconds, candidate))
        if not stale:  # the result is in the store; a newer plan finds it there if it wants it
            job.finish(step, done)
            step_done(job, step)
