"""One action: look it up, or run it as a command over folders and keep what it gave.

Holds the lock of the action's key while it runs, so that builds at the same time share the work. Knows nothing of
graphs, models or what a step is for.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tflite_build.engines.contract import Answer, FailingOperator, Invalid, Refused, Request, tells_of_memory
from tflite_build.engines.user_code.listing import listing, listing_digest, looks, outside_listing
from tflite_build.errors import BuildError, EngineError, ExitCode, Problem, StoreError
from tflite_build.locking import held
from tflite_build.planning.action import Action, ProjectFile, Step
from tflite_build.store.artifact import Artifact
from tflite_build.store.results import Refusal, Result
from tflite_build.store.store import Store

from .worker import EngineDied, EngineTimeout, Environment, Workers

LocalStep = Callable[[Request], Answer | None]
Recorded = tuple[tuple[str, str, str], ...]  # path, kind and digest of what the user's code asked for
RECORDED = "recorded.json"
_CANNOT_FLUSH = 120  # the exit status of Python where its streams cannot be written at the end
MISSING, EXISTS = "", "folder"  # the digests of what has no content
_DAMAGED_BYTE_CODE = ("_compile_bytecode", "marshal data")  # as Python says it
_STANDING = {"missing": MISSING, "exists": EXISTS}  # kind -> its digest


@dataclass(frozen=True, slots=True)
class Done:
    """An action's result, whether it was reused, and the seconds that it took when it ran."""

    result: Result
    action: Action
    reused: bool
    seconds: float


class InvalidStep(Exception):
    """The user's model, data or code is wrong, as an engine says; the caller knows where the key stands."""

    def __init__(self, message: str, key: str, hint: str, detail: str) -> None:
        super().__init__(message)
        self.message = message
        self.key = key
        self.hint = hint
        self.detail = detail


class LostInput(Exception):
    """A blob of an input is gone or damaged, so the step that made it has to run again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an action may take: seconds, and bytes of memory or None."""

    timeout: float
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A step whose inputs are known, and what it needs of the build around it.

    Attributes:
        artifacts: The content of each input.
        project: The user's folder, which recorded paths start from.
        environment: Gives what the step's process runs in; asked only where one is started.
        started: Called when the step really runs.
        waiting: Called when another build is doing the same.
    """

    step: Step
    artifacts: Mapping[str, Artifact]
    project: Path
    limits: Limits
    environment: Callable[[], Environment]
    started: Callable[[], None]
    waiting: Callable[[], None]


class Executor:
    """Runs steps whose inputs are known."""

    def __init__(
        self,
        store: Store,
        workers: Workers,
        local: Mapping[str, LocalStep],
    ) -> None:
        self.store = store
        self._workers = workers
        self._local = local
        self.cancelled = threading.Event()

    def lookup(self, step: Step, artifacts: Mapping[str, Artifact], project: Path) -> Done | None:
        """The remembered outcome of `step`, if there is one and its outputs are whole."""
        static = self._static(step, artifacts)
        if not step.user_code:
            return self._remembered(static)
        for paths in self.store.results.discovered(static.key):
            recorded = self._digests(paths, project)
            found = self._remembered(replace(static, recorded=recorded))
            if found is not None:
                return found
        return None

    def run(self, task: Task) -> Done:
        """The outcome of a step, reused or new.

        Raises:
            InvalidStep: If what the user gave is wrong.
            LostInput: If an input's blob is damaged.
            BuildError: If the engine failed, the store cannot be written, or an input changed meanwhile.
        """
        try:
            found = self.lookup(task.step, task.artifacts, task.project)
            return found or self._locked(task, self._static(task.step, task.artifacts))
        except OSError as error:
            raise self.store.failure(error) from error

    def _locked(self, task: Task, action: Action) -> Done:
        with held(self.store.lock(action.key), waiting=task.waiting, stop=self.cancelled.is_set):
            # Someone else may have done it meanwhile.
            return self.lookup(task.step, task.artifacts, task.project) or self._run(task, action)

    def _run(self, task: Task, action: Action) -> Done:
        step = task.step
        environment = task.environment() if step.tool.toolchain else None
        begun = time.monotonic()
        with self.store.scratch() as scratch:
            outputs = scratch / "out"
            outputs.mkdir()
            request = Request(
                step.kind,
                step.params,
                self._stage(step, task.artifacts, scratch),
                outputs,
                task.project if step.user_code else None,
            )
            task.started()  # where an input is lost, it never does
            try:
                if environment is None:
                    answer = self._local[request.kind](request) or Answer()
                else:
                    answer = call(self._workers, step, request, task.limits, environment, self.cancelled)
                result = Result(warnings=tuple(answer.get("warnings", ())))
            except Refused as refused:
                operators = tuple((o.name, o.needs, o.source) for o in refused.operators)
                refusal = Refusal(refused.reason, refused.detail, operators, refused.alternative)
                result = Result(refusal=refusal)
            except Invalid as invalid:
                self._unchanged(task)  # a half-written file is no mistake of the user's
                raise InvalidStep(invalid.message, invalid.key, invalid.hint, invalid.detail) from None
            self._unchanged(task)
            return self._remember(task, action, replace(result, seconds=time.monotonic() - begun), outputs)

    def _remember(self, task: Task, action: Action, result: Result, outputs: Path) -> Done:
        record = outputs / RECORDED
        if task.step.user_code:
            action = replace(action, recorded=self._recorded(record, action.key, task.project))
        record.unlink(missing_ok=True)
        if result.refusal is None:
            kept = {path.name: self.store.keep(path) for path in sorted(outputs.iterdir())}
            result = replace(result, outputs=kept)
        self.store.results.put(action.key, result)
        return Done(result, action, False, result.seconds)

    def _recorded(self, record: Path, static_key: str, project: Path) -> Recorded:
        """What the user's code was seen to read, as it stands now and stood then."""
        read = json.loads(record.read_text("utf-8")) if record.exists() else []
        then = {(str(r["path"]), str(r["kind"])): str(r["sha256"]) for r in read}
        for path, _ in then:
            _check_text(path)
        paths = sorted(then)
        now = self._digests(paths, project)
        for path, kind, digest in now:
            if digest != _STANDING.get(kind, then[path, kind]):
                raise _changed(path)
        self.store.results.discover(static_key, paths)
        return now

    def _static(self, step: Step, artifacts: Mapping[str, Artifact]) -> Action:
        return Action(step.kind, step.tool, step.params, {n: str(a.digest) for n, a in artifacts.items()})

    def _remembered(self, action: Action) -> Done | None:
        result = self.store.results.get(action.key)
        if result is None:
            return None
        if not all(self.store.has(a) for a in result.outputs.values()):
            self.store.lost()
            return None
        return Done(result, action, True, result.seconds)

    def _digests(self, paths: list[tuple[str, str]], project: Path) -> Recorded:
        return tuple((path, kind, standing_digest(self.store, project, path, kind)) for path, kind in paths)

    def _stage(self, step: Step, artifacts: Mapping[str, Artifact], scratch: Path) -> dict[str, Path]:
        staged: dict[str, Path] = {}
        for name, given in step.inputs.items():
            folder = scratch / "in" / name
            folder.mkdir(parents=True)
            if isinstance(given, ProjectFile):
                staged[name] = folder / given.name
                staged[name].symlink_to(given.path.absolute())
                continue
            staged[name] = folder / given.name
            try:
                self.store.stage(artifacts[name], staged[name])
            except FileNotFoundError:
                raise LostInput(given.step) from None
        return staged

    def _unchanged(self, task: Task) -> None:
        """BuildError where an input is not what it was when the step began."""
        for name, given in task.step.inputs.items():
            if not isinstance(given, ProjectFile):
                continue
            try:
                now: Artifact | None = project_artifact(self.store, given)
            except OSError:
                now = None
            if now != task.artifacts[name]:
                raise _changed(given.path)


def call(
    workers: Workers,
    step: Step,
    request: Request,
    limits: Limits,
    environment: Environment,
    cancelled: threading.Event,
) -> Answer:
    """Have an engine process do `request`; its answer.

    Raises:
        Invalid, Refused: As the engine answers.
        EngineError: If it fails, hangs or dies.
        KeyboardInterrupt: If the build was cancelled.
    """
    try:
        return _call(workers, step, request, limits, environment, cancelled)
    except EngineError as error:
        if not any(sign in p.message + p.detail for p in error.problems for sign in _DAMAGED_BYTE_CODE):
            raise
        workers.forget_byte_code()
    return _call(workers, step, request, limits, environment, cancelled)


def _call(
    workers: Workers,
    step: Step,
    request: Request,
    limits: Limits,
    environment: Environment,
    cancelled: threading.Event,
) -> Answer:
    process = workers.take(environment, fresh=step.user_code)
    reusable = False
    try:
        reply = process.call(
            {
                "kind": request.kind,
                "params": dict(request.params),
                "inputs": {name: str(path) for name, path in request.inputs.items()},
                "outputs": str(request.outputs),
                "project": str(request.project) if request.project else None,
                "memory": limits.memory,
            },
            limits.timeout,
            cancelled.is_set,
        )
        reusable = not step.user_code and not reply.get("failed")
        said = process.said if "failed" in reply else ""  # before another thread has the process
    except EngineTimeout as error:
        raise EngineError(
            Problem(
                f"{step.id}: no answer after {error.seconds:g} s, so it was stopped",
                hint="raise [limits] timeout if it only needs longer",
                detail=error.log,
            )
        ) from None
    except EngineDied as error:
        if cancelled.is_set():
            raise KeyboardInterrupt from None
        if error.status == _CANNOT_FLUSH:
            raise StoreError(
                Problem(
                    f"{step.id}: the {step.tool.toolchain} process cannot write what it prints, as on a full disk",
                    hint="free some space, or set TFLITE_BUILD_CACHE to a folder that can be written",
                    detail=error.log,
                )
            ) from None
        raise EngineError(_died(step, error, limits)) from None
    finally:
        workers.give_back(process, reusable=reusable)
    return _answer(step, reply, limits, said)


def standing_digest(store: Store, project: Path, path: str, kind: str) -> str:
    """What stands now at a path that user code asked for: a file's SHA-256 or looks, a folder's listing, EXISTS, MISSING.

    Args:
        store: Whose stat cache is asked.
        project: Where relative paths start from.
        path: As the record has it.
        kind: What was asked: "file", "folder", "looks", "missing" or "exists".
    """
    place = project / path
    try:
        if kind == "folder":
            outside = Path(path).is_absolute()
            names = outside_listing(place) if outside else listing(project, "" if path == "." else path)
            return listing_digest(names)
        if kind == "looks" and not place.is_dir():  # a socket and a pipe too, which hold nothing
            return looks(place, outside=Path(path).is_absolute())
        return store.stats.file(place).digest.sha256
    except OSError:
        return EXISTS if place.is_dir() else MISSING


def project_artifact(store: Store, given: ProjectFile) -> Artifact:
    """What stands at a path of the user's now. OSError where it cannot be read."""
    return store.stats.tree(given.path) if given.tree else store.stats.file(given.path)


def _check_text(path: str) -> None:
    """BuildError where a path that the user's code asked for cannot be written down."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        raise BuildError(
            Problem(f"the user's code reads '{shown}', whose name is not UTF-8", hint="rename it"), ExitCode.SPEC_WRONG
        ) from None


def _changed(path: Path | str) -> BuildError:
    return BuildError(Problem(f"'{path}' changed while it was being read", hint="build again"))


def _answer(step: Step, reply: Mapping[str, Any], limits: Limits, log: str) -> Answer:
    if "done" in reply:
        answer: Answer = reply["done"]
        return answer
    if "refused" in reply:
        r = reply["refused"]
        operators = [FailingOperator(o["name"], o["needs"], o["source"]) for o in r["operators"]]
        raise Refused(r["reason"], operators, r["detail"], r["alternative"])
    if "invalid" in reply:
        i = reply["invalid"]
        raise Invalid(i["message"], i["key"], i["hint"], i["detail"])
    failed = reply["failed"]
    if failed.get("memory") or tells_of_memory(failed["error"]):
        raise EngineError(_out_of_memory(step, limits, log))
    if failed.get("limited"):
        raise EngineError(_out_of_memory(step, limits, failed["error"], sure=False))
    if failed.get("space"):
        raise StoreError(
            Problem(
                f"{step.id}: the {step.tool.toolchain} process cannot write its files: {failed['error']}",
                hint="free some space, or set TFLITE_BUILD_CACHE to a folder that can be written",
            )
        )
    raise EngineError(
        Problem(
            f"{step.id}: the {step.tool.toolchain} toolchain failed: {failed['error']}",
            hint="this is a fault of the converter or of this tool; please report it with the lines above",
            detail="\n".join(failed["traceback"].rstrip().splitlines()[-12:]),
        )
    )


def _died(step: Step, error: EngineDied, limits: Limits) -> Problem:
    if tells_of_memory(error.log):
        return _out_of_memory(step, limits, error.log)
    if error.status == -signal.SIGKILL and not error.garbage:
        return Problem(
            f"{step.id}: the {step.tool.toolchain} process was killed (SIGKILL)",
            hint="the system does that when memory runs out: close other programs, or build on a machine with more",
            detail=error.log,
        )
    if error.garbage:
        cause = "answered in a way that this tool does not understand"
    elif error.status < 0:
        cause = f"crashed ({_signal_name(-error.status)})"
    else:
        cause = f"ended without an answer (exit status {error.status})"
    hint = (
        "the converter itself crashed on this model; if it does on others too, `tflite-build toolchain remove "
        f"{step.tool.toolchain}` lets the next build install it anew"
    )
    if step.user_code:
        hint = "look at the code that model.toml names, and at native libraries that it calls"
    if limits.memory is not None:  # few native libraries survive a failed allocation
        hint = f"[limits] memory allows {_size(limits.memory)}, which may be too little; or {hint}"
    return Problem(f"{step.id}: the {step.tool.toolchain} process {cause}", hint=hint, detail=error.log)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _out_of_memory(step: Step, limits: Limits, log: str, *, sure: bool = True) -> Problem:
    what = "ran out of memory" if sure else "failed, perhaps for lack of memory"
    allowed = f"; [limits] memory allows {_size(limits.memory)}" if limits.memory is not None else ""
    return Problem(
        f"{step.id}: the {step.tool.toolchain} process {what}{allowed}",
        hint="raise [limits] memory, close other programs, or build on a machine with more",
        detail=log,
    )


def _size(count: int) -> str:
    return f"{count / 1e9:g} GB" if count >= 1e9 else f"{count / 1e6:g} MB"
