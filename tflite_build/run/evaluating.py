"""`evaluate`: the float file of a model made as `build` makes it, figures of every file there is, and the verdict.

Nothing is published, and no lock is written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tflite_build import named
from tflite_build.actions import compare, convert, pack
from tflite_build.errors import BuildError, Place, Problem, StoreError, UsageError
from tflite_build.evaluation import refactorings
from tflite_build.evaluation.drawing import Drawing, drawing
from tflite_build.evaluation.figures import Figures, figures
from tflite_build.evaluation.graph import graphs
from tflite_build.evaluation.layers import layers
from tflite_build.evaluation.refactorings import Refactoring
from tflite_build.evaluation.verdict import Obstacle, Verdict, beyond_builtins, verdict
from tflite_build.progress import Listener, Note
from tflite_build.spec import SPEC_NAME
from tflite_build.spec.load import LoadedSpec, load
from tflite_build.spec.sources import TfliteSource
from tflite_build.store.artifact import Artifact
from tflite_build.tflite import reader

from . import find, report
from .driver import Options, Session, Target, limits_of, out_folder
from .job import Job
from .obstacles import obstacles, refused_layers
from .preview import advance
from .publish import sha256_of
from .scheduler import Scheduler
from .timing import Timing, measure, threads_here

if TYPE_CHECKING:
    from .scaffold import Description

EVALUATION_VERSION = 1
_NAMED = 4  # models of a folder
_SOURCES = (".keras", ".h5", ".hdf5")
_SAVED_MODELS = ("saved_model.pb", "saved_model.pbtxt")


@dataclass(frozen=True, slots=True)
class FileEvaluation:
    """A file of the model.

    Attributes:
        variant: Its variant's name; "float32" for the float file of a model that is not built yet.
        quantize: As the spec says it; "" for a file that stands by itself.
        timings: What calls took on this machine.
        not_timed: Why there are none; "" where there are, or nobody asked.
        accuracy: On the labelled data of the spec, as its build measured it; None where it did not.
        cosine: The lowest similarity of an output that its build found; None as above.
    """

    variant: str
    quantize: str
    figures: Figures
    timings: tuple[Timing, ...]
    not_timed: str
    accuracy: float | None = None
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """What would let a delegate take an operator that it leaves to the CPU."""

    delegate: str
    operator: str
    layer: str
    reason: str
    change: Refactoring


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model.

    Attributes:
        source: What was evaluated.
        converts: Whether there is a float file that computes what the source does.
        obstacles: What does not convert, or of a file that does what is no builtin operator, and what to write instead.
        files: The float file or the variants, those that are made.
        advice: What would bring more of the first file onto the GPU.
        notes: What else is to be said, such as that another engine was needed.
        drawing: The graph of the first file's first signature.
    """

    name: str
    source: Path
    converts: bool
    verdict: Verdict
    obstacles: tuple[Obstacle, ...]
    files: tuple[FileEvaluation, ...]
    advice: tuple[Advice, ...]
    notes: tuple[str, ...]
    drawing: Drawing | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "version": EVALUATION_VERSION,
            "name": self.name,
            "source": str(self.source.absolute()),
            "converts": self.converts,
            "verdict": asdict(self.verdict),
            "obstacles": [asdict(obstacle) for obstacle in self.obstacles],
            "files": [
                {
                    "variant": f.variant,
                    "quantize": f.quantize,
                    **f.figures.to_json(),
                    "timings": [asdict(t) for t in f.timings],
                    "not_timed": f.not_timed,
                    "accuracy": f.accuracy,
                    "cosine": f.cosine,
                }
                for f in self.files
            ],
            "advice": [asdict(a) for a in self.advice],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class _Made:
    """A file that lies somewhere, and which variant it is."""

    variant: str
    quantize: str
    file: Path


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is evaluated, and what a look at it tells."""

    target: Target
    source: Path
    refused: tuple[str, ...] = ()
    layers: tuple[tuple[str, str], ...] = ()


def evaluate(name: str | Path, options: Options, listener: Listener, *, timed: bool) -> Evaluation:
    """Evaluate a .tflite file, a model.toml or the folder of one, or a source that `init` understands.

    Args:
        name: What to evaluate; a variant of a spec after a colon.
        options: How engines are run.
        listener: Gets what is done.
        timed: Whether to measure what calls take on this machine.

    Raises:
        BuildError: If there is no such file, it is no model, or the spec is wrong.
    """
    options = replace(options, publish=False)
    path = Path(name)
    if named.there(path):
        named.ordinary(path)
    if path.is_file() and (path.suffix == ".tflite" or _holds_model(path)):
        held = figures(path)
        with Session(options, listener) as session:
            file = _evaluated(session, _Made("", "", path), held, timed)
        return _evaluation(path.stem, path, (file,), (), (), _drawn(path), converts=True)
    try:
        return _of_name(name, options, listener, timed=timed)
    except BuildError as error:
        return _refused(find.split(str(name))[0], error)


def _holds_model(path: Path) -> bool:
    """Whether a file is a .tflite file by what it holds, whatever it is called."""
    try:
        with path.open("rb") as file:
            return file.read(8)[4:] == reader.IDENTIFIER
    except OSError:
        return False


def _of_name(name: str | Path, options: Options, listener: Listener, *, timed: bool) -> Evaluation:
    subject = _subject(name, options, listener)
    try:
        with Session(options, listener) as session:
            return _of_source(session, subject, timed)
    except BuildError as error:
        raise BuildError(_placed(error.problems, subject), error.code) from None


def _refused(path: Path, error: BuildError) -> Evaluation:
    """The evaluation of a model that is refused before any engine sees it, where a table knows what to write instead.

    Raises:
        BuildError: `error`, where none does: it is a mistake of another kind.
    """
    in_the_way = _known(error.problems)
    if not in_the_way:
        raise error
    hints = [p.hint for p in error.problems if p.hint]
    return _evaluation(path.absolute().name, path, (), in_the_way, hints, None, converts=False)


def _placed(problems: Sequence[Problem], subject: _Subject) -> Iterator[Problem]:
    """`problems` where the user can look: of a source without a spec there is no model.toml, but the source."""
    stood_in = subject.target.loaded.file
    for problem in problems:
        there = problem.place is None or problem.place.file != stood_in or subject.source == stood_in
        yield (
            problem
            if there
            else replace(problem, place=Place(subject.source), hint=_in_a_spec(problem, subject.source))
        )


def _in_a_spec(problem: Problem, source: Path) -> str:
    """The hint of a problem that a key of a model.toml cures, which is yet to be written."""
    return f"{problem.hint}; `tflite-build init {source}` writes a model.toml to do so" if problem.hint else ""


def _known(problems: Sequence[Problem]) -> tuple[Obstacle, ...]:
    """`problems` as obstacles, where a table knows what to write instead of each; else none."""
    known = [(p, refactorings.for_message(p.message)) for p in problems]
    if not all(change for _, change in known):
        return ()
    return tuple(Obstacle("", "", "", "", p.message, change) for p, change in known)


def _subject(name: str | Path, options: Options, listener: Listener) -> _Subject:
    path = Path(name)
    if named.there(path) and (path.suffix in _SOURCES or any((path / n).is_file() for n in _SAVED_MODELS)):
        return _bare(path, options, listener)
    found = find.targets([name], options.out_dir)
    found.require()
    if len(found.targets) != 1:
        count = len(found.targets)
        names = ", ".join(str(target.loaded.file) for target in found.targets[:_NAMED])
        more = f" and {count - _NAMED} more" if count > _NAMED else ""
        raise UsageError(Problem(f"'{name}' holds {count} models", hint=f"name one of them: {names}{more}"))
    (target,) = found.targets
    given = getattr(target.loaded.spec.source, "path", None)
    source = target.loaded.folder / given if given else target.loaded.file
    if given and source.suffix == ".keras":  # a look at others costs as much as loading them
        with contextlib.suppress(BuildError):  # what is wrong with it is told by those who load it
            described = _described(source, options, listener)
            return _Subject(target, target.loaded.file, described.refused, described.layers)
    return _Subject(target, target.loaded.file)


def _bare(path: Path, options: Options, listener: Listener) -> _Subject:
    """A source without a spec: the one that `init` would write stands in for it."""
    described = _described(path, options, listener)
    for note in described.notes:
        listener(Note(note))
    folder = path.absolute().parent
    loaded = load(folder / f"{path.absolute().name}.{SPEC_NAME}", text=described.text)
    return _Subject(Target(loaded), path, described.refused, described.layers)


def _described(path: Path, options: Options, listener: Listener) -> Description:
    from . import scaffold  # jinja2 is needed by nothing else here

    return scaffold.describe(path, path.absolute().parent, offline=options.offline, listener=listener)


def _of_source(session: Session, subject: _Subject, timed: bool) -> Evaluation:
    job = session.job(subject.target, float_only=True)
    scheduler = Scheduler(
        session.executor, session.environment, lambda job: limits_of(job.loaded), session.listener, session.slots
    )
    scheduler.run([job], keep_going=True, step_done=lambda *_: None)
    converts = not job.failures
    in_the_way = obstacles(job, subject.layers)
    if not converts:
        in_the_way += refused_layers(subject.refused)
        if not in_the_way:
            in_the_way = _known([p for error in job.failures for p in error.problems])
        if not in_the_way:  # a mistake in the spec, or a failure of the machine
            raise BuildError([p for error in job.failures for p in error.problems], job.failures[0].code)
    built = report.read(out_folder(subject.target.loaded, session.options.out_dir)).variants
    known = {name for _, name in subject.layers}
    drawn = None
    files = []
    with session.store.scratch() as scratch:
        for made in _files(session, job, subject.target, scratch, converts):
            drawn = drawn or _drawn(made.file)
            row = built.get(made.variant, {})
            files.append(_evaluated(session, made, figures(made.file, known), timed, row, subject.target.loaded))
    notes = [] if not converts else [f"{o.engine}: {o.message}" for o in in_the_way]
    notes += [problem.message for error in job.failures for problem in error.problems]
    notes += job.warnings
    blocking = () if converts else in_the_way
    return _evaluation(job.name, subject.source, files, blocking, dict.fromkeys(notes), drawn, converts=converts)


def _drawn(file: Path) -> Drawing | None:
    with reader.model(file) as model:
        if not model.signatures:
            return None
        graph = graphs(model)[model.signatures[0].subgraph]
        return drawing(graph, layers(graph))


def _files(session: Session, job: Job, target: Target, scratch: Path, converts: bool) -> Iterator[_Made]:
    """The files that can be looked at: variants that are made already, else the float file, else what was refused."""
    if not converts:
        for rejected in job.rejected[-1:]:
            yield _staged(session, rejected.artifact, "refused", "none", scratch)
        return
    whole = session.job(target)
    advance(session, whole)
    made = {
        v.name: v.quantize
        for v in whole.resolved.variants
        if pack.step_id(v.name) in whole.done and (not target.variants or v.name in target.variants)
    }
    if not any(quantize == "none" for quantize in made.values()) and compare.FLOAT_ID in job.done:
        taken = isinstance(target.loaded.spec.source, TfliteSource)  # of whatever types it is
        artifact = job.done[convert.ID].result.outputs[convert.MODEL]
        yield _staged(session, artifact, "" if taken else "float32", "none", scratch)
    for name, quantize in made.items():
        artifact = whole.done[pack.step_id(name)].result.outputs[convert.MODEL]
        yield _staged(session, artifact, name, quantize, scratch)


def _staged(session: Session, artifact: Artifact, variant: str, quantize: str, scratch: Path) -> _Made:
    place = scratch / (variant or "source") / convert.MODEL
    place.parent.mkdir(exist_ok=True)
    try:
        session.store.stage(artifact, place)
    except FileNotFoundError:
        raise StoreError(Problem(f"the stored file of {variant} is damaged", hint="evaluate again")) from None
    return _Made(variant, quantize, place)


def _evaluated(
    session: Session,
    made: _Made,
    held: Figures,
    timed: bool,
    built: Mapping[str, Any] = MappingProxyType({}),
    loaded: LoadedSpec | None = None,
) -> FileEvaluation:
    """The evaluation of a file; `built` is its row in the report of a build, which counts as far as it is of this file."""
    timings, why = measure(session, made.file, threads_here(), loaded) if timed else ((), "")
    same = built.get("sha256") == sha256_of(made.file)
    accuracy, cosine = (built.get("accuracy"), built.get("cosine")) if same else (None, None)
    return FileEvaluation(made.variant, made.quantize, held, timings, why, accuracy, cosine)


def _evaluation(
    name: str,
    source: Path,
    files: Sequence[FileEvaluation],
    in_the_way: Sequence[Obstacle],
    notes: Mapping[str, None] | Sequence[str],
    drawn: Drawing | None,
    *,
    converts: bool,
) -> Evaluation:
    whole = [f.figures for f in files if f.figures.is_float]
    first = whole[0] if whole else files[0].figures if files else None
    return Evaluation(
        name,
        source,
        converts,
        verdict(first if converts else None, in_the_way, {f.quantize: f.figures for f in files if f.quantize}),
        tuple(in_the_way) or (beyond_builtins(first) if first and converts else ()),
        tuple(files),
        tuple(_advice(first)) if first else (),
        tuple(notes),
        drawn,
    )


def _advice(found: Figures) -> Iterator[Advice]:
    seen: set[tuple[str, str, str]] = set()
    for signature in found.signatures:
        for refused in signature.gpu.not_taken:
            change = refactorings.for_reason(refused.reason)
            key = (refused.operator, refused.layer, refused.reason)
            if change is not None and key not in seen:
                seen.add(key)
                yield Advice("gpu", refused.operator, refused.layer, refused.reason, change)
