"""A build from targets to published files: prepare, resolve, plan, run, plan again on refusals, publish.

The lock and the outputs of a model change only when everything that was asked for of it is made and good.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tflite_build.actions import compare, fetch, inspect, library, pack, runtime, signatures, wrap
from tflite_build.actions.samples import GENERATORS
from tflite_build.actions.tools import Tools
from tflite_build.engines.contract import Interface
from tflite_build.errors import BuildError, EngineError, ExitCode, Problem
from tflite_build.planning import lock as lockfile
from tflite_build.planning.action import Step
from tflite_build.planning.lock import Lock
from tflite_build.planning.resolve import ENGINES
from tflite_build.progress import Listener, Note, Warning_
from tflite_build.spec.load import LoadedSpec
from tflite_build.store import history
from tflite_build.store.artifact import Artifact
from tflite_build.store.store import Store, cache_root
from tflite_build.toolchain import overlay, pins

from . import ahead, blame, code, decided, explain, locked, outputs, unchanged
from .environments import Environments
from .execute import Done, Executor, InvalidStep, Limits, Task
from .job import Job
from .result import ModelFinished, ModelResult
from .scheduler import Scheduler
from .worker import Environment, Workers

if TYPE_CHECKING:
    from tflite_build.evaluation.verdict import Obstacle

LOCAL_STEPS = {
    "fetch": fetch.run,
    "signatures": signatures.run,
    "pack": pack.run,
    "runtime": runtime.run,
    "wrap": wrap.run,
    "library": library.run,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A model to build.

    Attributes:
        variants: Which of its variants, as `find.targets` finds them; all of them where there are none.
        generated: Which folders beside these variants; all where there are none of these.
        label: What the build calls it; default: the model's name.
    """

    loaded: LoadedSpec
    variants: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """How to build.

    Attributes:
        keep_going: Go on with other models after a failure.
        offline: Install nothing and fetch nothing.
        update: Decide anew instead of following model.lock.
        locked: Fail rather than give anything that model.lock does not say.
        out_dir: Where build folders go; default: `build` beside each model.toml.
        publish: Write what is made; else it is only checked.
        slots: How many steps run at once; default: the processors.
        draw: What the command line shows of a model while nothing is to do for it; kept for a next one, which then
            starts nothing of this.
    """

    keep_going: bool = False
    offline: bool = False
    update: bool = False
    locked: bool = False
    out_dir: Path | None = None
    publish: bool = True
    slots: int | None = None
    draw: Callable[[ModelResult], str] = lambda _: ""


class Session:
    """What one run of the tool holds: the store, engine processes, toolchains. Close it when done.

    Args:
        options: How to build.
        listener: Gets what is done.
        lasting: Whether several builds follow each other, so that a process which one of them needs no more is kept.
    """

    def __init__(self, options: Options, listener: Listener, *, lasting: bool = False) -> None:
        self.lasting = lasting
        self.options = options
        self.listener = listener
        self.store = Store(report=lambda text: listener(Note(text)))
        self.slots = options.slots or _processors()
        self._logs = self.store.scratch()
        try:
            engine_code = code.unpack(self.store.root)
            logs = self._logs.__enter__()
        except OSError as error:
            self.store.close()
            raise self.store.failure(error) from None
        self._code = engine_code.digest
        self.tool = unchanged.identity(self.store.snapshots)  # whose files may be others when a build ends
        self.workers = Workers(engine_code, logs, 1 + max(2, self.slots))
        self.workers.adopt(ahead.taken(engine_code))
        self.executor = Executor(self.store, self.workers, LOCAL_STEPS)
        self.environments = Environments(
            cache_root(),
            offline=options.offline,
            report=lambda text: listener(Note(text)),
            stop=self.executor.cancelled.is_set,
        )
        self._warmed: set[str] = set()
        self._user_code: dict[Environment, set[str]] = {}  # -> the kinds of steps that ran there
        self._lock = threading.Lock()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.workers.close()
        self._logs.__exit__(None, None, None)
        self.store.close()

    def job(self, target: Target, *, float_only: bool = False) -> Job:
        """The job for `target`, with everything known that can be known before a conversion.

        Args:
            target: What to build.
            float_only: Make the float file alone.

        Raises:
            BuildError: If the spec does not fit what it names.
        """
        loaded = target.loaded
        if self.options.locked:
            locked.require(lock_file(loaded))
        lock = lockfile.read(lock_file(loaded))
        if self.options.update:
            lock = Lock()
        decided.check(loaded, lock, lock_file(loaded))
        lock = self._with_packages(loaded, lock)
        tools = Tools(
            {name: pins.load(name).digest for name in pins.names()},
            self._code,
            overlay.digest_of(lock.packages) if lock.packages else "",
        )
        job = Job(
            loaded,
            lock,
            tools,
            self.store,
            target.variants,
            target.generated,
            self._interface(loaded, tools),
            float_only=float_only,
        )
        job.label = target.label or job.name
        job.said = lambda text: self.listener(Note(text, job.label))
        if self.options.locked:
            locked.check_before(job, lock_file(loaded))
        return job

    def _with_packages(self, loaded: LoadedSpec, lock: Lock) -> Lock:
        """`lock` with the packages that the spec asks for, pinned for the toolchains that they are used with."""
        wanted = loaded.spec.toolchain.packages
        if not wanted:
            return replace(lock, packages=(), requested=(), resolved_with={})
        engine = loaded.spec.convert.engine
        engines = (engine,) if engine != "auto" else ENGINES[loaded.spec.source.format]
        toolchains = [pins.load(name) for name in engines or (GENERATORS,)]
        pinned_for = {t.name: t.digest for t in toolchains}
        if lock.requested == wanted and lock.resolved_with == pinned_for:
            return lock
        if self.options.locked:
            locked.check(lock_file(loaded), lock, replace(lock, requested=wanted, packages=()))
        try:
            packages = overlay.resolve(wanted, toolchains, offline=self.options.offline)
        except BuildError as error:
            place = loaded.place("toolchain", "packages")
            raise BuildError(
                [Problem(p.message, p.place or place, p.hint, p.detail) for p in error.problems], error.code
            ) from None
        return replace(lock, packages=packages, requested=wanted, resolved_with=pinned_for)

    def _interface(self, loaded: LoadedSpec, tools: Tools) -> Interface | None:
        step = fetch.step(loaded, tools)
        fetched: Artifact | None = None
        if step is not None:
            url = loaded.place("source", "url")
            if self.options.offline and self.executor.lookup(step, {}, loaded.folder) is None:
                raise EngineError(
                    Problem(
                        f"'{step.params['url']}' was not fetched yet, and --offline forbids to fetch it",
                        url,
                        "build once without --offline",
                    )
                )
            try:
                done = self.executor.run(
                    Task(
                        step,
                        {},
                        loaded.folder,
                        limits_of(loaded),
                        _no_environment,
                        lambda: self.listener(Note(f"fetching {step.params['url']}", loaded.spec.model.name)),
                        lambda: None,
                    )
                )
            except InvalidStep as invalid:
                raise BuildError(
                    loaded.problem(invalid.key, invalid.message, invalid.hint, invalid.detail), ExitCode.SPEC_WRONG
                ) from None
            except EngineError as error:
                raise EngineError([replace(p, place=url) for p in error.problems]) from None
            fetched = next(iter(done.result.outputs.values()))
        return inspect.interface(loaded, self.store, fetched)

    def environment(self, job: Job, step: Step) -> Environment:
        """What a step of `job` runs in; the first call also starts the processes that later steps will want."""
        environment = self.environments.of(step, job.lock.packages)
        if step.user_code:
            with self._lock:
                self._user_code.setdefault(environment, set()).add(step.kind)
        if step.heavy and step.tool.toolchain != "core":
            kinds = sorted({s.kind for s in job.graph.steps if s.tool.toolchain == "core" and s.id not in job.done})
            with self._lock:
                first = "core" not in self._warmed
                self._warmed.add("core")
            if first and kinds:
                self.workers.warm(Environment("core", self.environments.python("core")), kinds, self.slots)
        return environment

    def aside(self, job: Job, step: Step) -> Done:
        """Run a step that is no part of `job`'s graph, on what is done of it.

        Raises:
            BuildError, InvalidStep, LostInput: As `Executor.run` does.
        """
        return self.executor.run(
            Task(
                step,
                job.artifacts(step),
                job.loaded.folder,
                limits_of(job.loaded),
                lambda: self.environments.of(step, job.lock.packages),
                lambda: None,
                lambda: None,
            )
        )

    def expect(self, jobs: Sequence[Job]) -> None:
        """Have processes ready for another build of `jobs` that nothing is done for yet.

        Raises:
            BuildError: If a toolchain cannot be installed.
        """
        kinds = sorted({s.kind for job in jobs for s in job.graph.steps if s.tool.toolchain == "core"})
        if kinds:
            self.workers.warm(Environment("core", self.environments.python("core")), kinds, self.slots)
        for job in jobs:
            for step in job.graph.steps:
                if step.user_code:
                    environment = self.environments.of(step, job.lock.packages)
                    self._user_code.setdefault(environment, set()).add(step.kind)
        self.again()

    def again(self) -> None:
        """Between two builds: have a new process ready for each that the user's code ran in, and used up."""
        self._warmed.clear()
        for environment, kinds in self._user_code.items():
            self.workers.warm(environment, sorted(kinds), 1, guard=True)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2


def _no_environment() -> Environment:
    raise AssertionError("a local step has no environment")


def lock_file(loaded: LoadedSpec) -> Path:
    """Where the lock of a model lies: model.lock beside model.toml, NAME.lock beside NAME.toml."""
    return loaded.file.with_suffix(".lock")


def out_folder(loaded: LoadedSpec, out_dir: Path | None) -> Path:
    """Where a model's outputs go: under `out_dir`, else where its workspace says, else beside it."""
    shared = loaded.workspace.out_dir if loaded.workspace else None
    return (out_dir or shared or loaded.folder / "build") / loaded.spec.model.name


def limits_of(loaded: LoadedSpec) -> Limits:
    """[limits] in seconds and bytes."""
    given = loaded.spec.limits
    memory = None
    if given.memory:
        number, unit = float(given.memory[:-2]), given.memory[-2:]
        memory = int(number * {"MB": 1e6, "GB": 1e9}[unit])
    return Limits(given.timeout, memory)


def build(
    targets: Sequence[Target], options: Options, listener: Listener, kept: Session | None = None
) -> tuple[ModelResult, ...]:
    """Build `targets`, in the session `kept` if there is one. Failures of models are in the results, not raised.

    Raises:
        BuildError: If the store itself cannot be used.
        KeyboardInterrupt: After everything under way was stopped.
    """
    results: dict[Path, ModelResult] = {}
    with contextlib.nullcontext(kept) if kept is not None else Session(options, listener) as session:
        jobs: list[Job] = []
        for target in targets:
            try:
                jobs.append(session.job(target))
            except BuildError as error:
                results[target.loaded.file] = _failed(target, options, error)
                listener(ModelFinished(results[target.loaded.file]))
                if not options.keep_going:
                    break
        needed = {job.loaded.file: job.toolchains for job in jobs}
        _retire(session, needed.values())  # a process that was started ahead for none of them
        if not results or options.keep_going:
            scheduler = Scheduler(
                session.executor,
                session.environment,
                lambda job: limits_of(job.loaded),
                listener,
                session.slots,
            )

            def publish(job: Job) -> None:
                result = _publish(job, options, listener, session)
                results[job.loaded.file] = result
                if result.ok and options.publish:  # of what is published, so that it stays in the store
                    explain.remember(job, result.folder)
                listener(ModelFinished(result))

            def step_done(job: Job, _: Step) -> None:
                needed[job.loaded.file] = job.toolchains
                _retire(session, needed.values())
                if job.finished and not job.running:  # of one that failed, other steps may be under way
                    publish(job)

            scheduler.run(jobs, keep_going=options.keep_going, step_done=step_done)
            for job in jobs:
                if job.loaded.file not in results and (job.finished or job.failures):
                    publish(job)
        steps = [step for result in results.values() for step in result.steps]
        reused = sum(step.reused for step in steps)
        history.note(session.store.root, reused, len(steps) - reused, lambda text: listener(Note(text)))
    return tuple(results[t.loaded.file] for t in targets if t.loaded.file in results)


def _retire(session: Session, needed: Collection[Collection[str]]) -> None:
    """End processes whose toolchain no job needs any more: their memory is better used by others."""
    if session.lasting:
        return
    for toolchain in ("litert", "tensorflow"):
        if not any(toolchain in toolchains for toolchains in needed):
            session.workers.retire(toolchain)


def _publish(job: Job, options: Options, listener: Listener, session: Session) -> ModelResult:
    folder = out_folder(job.loaded, options.out_dir)
    if not options.publish:
        return _judged(job, folder, session, listener)
    if not job.failures:
        try:
            result, lock_text = outputs.publish(job, folder, lock_file(job.loaded), locked=options.locked)
        except BuildError as error:
            job.failures.append(error)
            blame.explain(job, session.aside)
        else:
            with contextlib.suppress(OSError):  # it went meanwhile, and the next build will say so
                result = replace(result, inputs=unchanged.inputs(job))
            if not job.variants:
                kept = replace(result, warnings=tuple(job.warnings))
                unchanged.remember(
                    job, kept, lock_file(job.loaded), lock_text, options.out_dir, options.draw, session.tool
                )
            for text in result.warnings:
                listener(Warning_(text, job.label))
            return replace(result, label=job.label)
    rejected: tuple[Path, ...] = ()
    try:
        rejected = outputs.keep_rejected(job, folder)
    except BuildError as error:
        job.failures.append(error)
    return _failed_result(job, folder, rejected, listener)


def _judged(job: Job, folder: Path, session: Session, listener: Listener) -> ModelResult:
    """The result of a finished job that is not published."""
    if not job.failures:
        try:
            result = replace(outputs.judge(job, folder), label=job.label)
        except BuildError as error:
            job.failures.append(error)
            blame.explain(job, session.aside)
        else:
            _warn(job, listener)
            return result
    return _failed_result(job, folder, (), listener)


def _warn(job: Job, listener: Listener) -> None:
    for text in job.warnings:
        listener(Warning_(text, job.label))


def _failed_result(job: Job, folder: Path, rejected: tuple[Path, ...], listener: Listener) -> ModelResult:
    _warn(job, listener)  # what was found on the way may be the reason
    return ModelResult(
        job.name,
        job.loaded.file,
        folder,
        (),
        job.resolved.decisions,
        outputs.step_results(job),
        tuple(job.warnings),
        tuple(job.failures),
        rejected,
        label=job.label,
        gates=job.gates,
        unpublished=job.made,
        obstacles=_obstacles(job) if _does_not_convert(job) else (),
    )


def _does_not_convert(job: Job) -> bool:
    """Whether every engine refused the source."""
    return compare.FLOAT_ID not in job.done and any(e.code == ExitCode.BUILD_FAILED for e in job.failures)


def _obstacles(job: Job) -> tuple[Obstacle, ...]:
    from .obstacles import obstacles  # which a build that goes well has no use for

    return obstacles(job)


def _failed(target: Target, options: Options, error: BuildError) -> ModelResult:
    loaded = target.loaded
    folder = out_folder(loaded, options.out_dir)
    name = loaded.spec.model.name
    return ModelResult(name, loaded.file, folder, (), {}, (), (), (error,), label=target.label or name)
