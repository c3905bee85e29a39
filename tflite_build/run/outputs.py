"""From a finished job to build/NAME/ and model.lock: the checks of the spec, then models, report and lock.

A check that fails publishes nothing and leaves the lock alone.
"""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tflite_build.actions import accuracy, compare, convert, pack, quantize
from tflite_build.engines.user_code.listing import REJECTED, REJECTED_MARK, REPORT, rejected_mark
from tflite_build.errors import CheckError, Problem, StoreError
from tflite_build.planning import lock as lockfile
from tflite_build.planning.lock import Lock
from tflite_build.planning.resolve import ResolvedVariant
from tflite_build.spec.rules import within
from tflite_build.store.artifact import File, Tree
from tflite_build.store.digest import of_bytes
from tflite_build.tflite.summary import summarize

from . import checks, explain, report
from .job import Job, Rejected
from .locked import check
from .made_lock import made_lock
from .publish import FORGOTTEN, Placement, alone, sha256_of, sweep
from .report import Report
from .result import Change, GeneratedFolder, ModelResult, StepResult, VariantResult


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What publishing would do.

    Attributes:
        writes: Files that would be written, and why each.
        removes: Files that would be removed.
        missed: The checks of the spec that would forbid it.
    """

    writes: Mapping[Path, str]
    removes: tuple[Path, ...]
    missed: tuple[Problem, ...]


def step_results(job: Job) -> tuple[StepResult, ...]:
    """What the steps took, in the graph's order."""
    return tuple(
        StepResult(s.id, job.done[s.id].reused, job.done[s.id].seconds) for s in job.graph.steps if s.id in job.done
    )


def publish(job: Job, folder: Path, lock_file: Path, *, locked: bool = False) -> tuple[ModelResult, str]:
    """Check, then write the files of the job's variants, report.json and the lock; the result and the lock's text.

    What other builds of the model wrote meanwhile stays: report and lock are read anew, while no other build publishes.

    Raises:
        CheckError: If a variant misses a limit of [checks].
        DifferenceError: If it is `locked`, and the lock would change.
        SpecError: If the lock was damaged meanwhile.
        StoreError: If the folder cannot be written.
    """
    # Another build may have the same lock and write elsewhere, or have another and write here.
    with alone(
        job.store.root / "locks",
        (lock_file, folder),
        lambda: job.said("another build publishes this model; waiting for it"),
    ):
        sweep(folder, f"{job.name}-*.tflite")
        sweep(folder, REPORT)
        sweep(lock_file.parent, glob.escape(lock_file.name))
        return _publish(job, folder, lock_file, locked)


def judge(job: Job, folder: Path) -> ModelResult:
    """Check the variants of a finished job. Writes nothing.

    Raises:
        CheckError: If a variant misses a limit.
        StoreError: If a stored result is damaged.
    """
    made = _Made.of(job, folder)
    _check(job)
    return made.result


def _check(job: Job) -> None:
    missed = {gate.variant: gate.problem for gate in job.gates if gate.problem}
    if missed:
        job.rejected += [Rejected(name, _model(job, name)) for name in missed]
        raise CheckError([gate.problem for gate in job.gates if gate.problem])


def outstanding(job: Job, folder: Path, lock_file: Path) -> Outstanding:
    """What `publish` would do for a job that nothing is left to do of. Writes nothing.

    Raises:
        SpecError: If the lock is damaged.
        StoreError: If a stored result is damaged.
    """
    made = _Made.of(job, folder)
    missed = [gate.problem for gate in job.gates if gate.problem]
    if missed:
        return Outstanding({}, (), tuple(missed))
    changes = {f: _why(there, made.before(f)) for f, there, _ in made.differing()}
    lock = made_lock(job, made.result, lockfile.read(lock_file))
    texts = {folder / REPORT: report.text(job, made.result, made.own), lock_file: lock.to_toml()}
    for file, text in texts.items():
        there = sha256_of(file)
        if there != of_bytes(text.encode()).sha256:
            changes[file] = "is missing" if there is None else "would say something else"
    return Outstanding(changes, tuple(_old(job, made)), ())


def _why(there: str | None, before: str | None) -> str:
    """Why a file is written that is `there`, and was `before` in the last build."""
    if there is None:
        return "is missing"
    return "was edited since the last build" if before not in (None, there) else "is another one now"


@dataclass(frozen=True, slots=True)
class _Made:
    """What a finished job made, beside what stood in its folder before."""

    result: ModelResult
    stood: Report  # of whichever model the folder was
    own: Report  # of this one

    @staticmethod
    def of(job: Job, folder: Path) -> _Made:
        wanted = [v for v in job.resolved.variants if not job.variants or v.name in job.variants]
        stood = report.read(folder)
        own = stood if stood.spec in (None, report.spec_of(job)) else Report()
        variants = tuple(_variant(job, v, folder, own) for v in wanted)
        job.made = variants
        job.gates = tuple(gate for v in variants for gate in checks.gates(job, v, _blob(job, _model(job, v.name))))
        result = ModelResult(
            job.name,
            job.loaded.file,
            folder,
            variants,
            job.resolved.decisions,
            step_results(job),
            tuple(job.warnings),
            gates=job.gates,
            folders=tuple(_generated(job, name, folder) for name in sorted(job.folders) if name in job.done),
        )
        return _Made(result, stood, own)

    def before(self, file: Path) -> str | None:
        """The SHA-256 that the last build of this model gave `file`."""
        for variant in self.result.variants:
            if variant.file == file:
                return variant.before.sha256 if variant.before else None
        folder, _, path = file.relative_to(self.result.folder).as_posix().partition("/")
        return self.own.folders.get(folder, {}).get(path)

    def differing(self) -> Iterator[tuple[Path, str | None, str]]:
        """The outputs that do not stand as they should: where, what is there, and what should be."""
        for file, sha256 in self.result.outputs.items():
            there = sha256_of(file)
            if there != sha256:
                yield file, there, sha256


def _publish(job: Job, folder: Path, lock_file: Path, locked: bool) -> tuple[ModelResult, str]:
    made = _Made.of(job, folder)
    _check(job)
    before = lockfile.read(lock_file)
    new_lock = made_lock(job, made.result, before)
    if locked:
        check(lock_file, before, new_lock)
    # That a file was edited, or came out otherwise, is nothing that the next build would say again.
    once = [*_other_bytes(before, new_lock, lock_file.name), *_other_models(job, folder)]
    with Placement() as placement:
        for file, there, sha256 in made.differing():
            if there is not None and made.before(file) not in (None, there):
                name = file.relative_to(folder).as_posix()
                once.append(f"{name} was edited since the last build; it is replaced")
            placement.file(_named_blob(job, sha256, file.name), file)
        placement.text(report.text(job, made.result, made.own), folder / REPORT)
        # One that is held to stays as it is: it may be of a spec that says the same of all outputs.
        lock_text = lock_file.read_text("utf-8") if locked else new_lock.to_toml()
        try:
            placement.text(lock_text, lock_file)
        except StoreError as error:
            hint = (
                f"{lock_file.name} lies beside {job.loaded.file.name}, wherever the outputs go; build once where that "
                "can be written, and here with --locked"
            )
            raise StoreError([replace(p, hint=hint) for p in error.problems]) from None
        placement.commit()
    _remove_old(job, made)
    return replace(made.result, warnings=(*job.warnings, *once)), lock_text


def _other_models(job: Job, folder: Path) -> list[str]:
    """Warnings of what was built into `folder` for another spec, and elsewhere for this one under another name."""
    found = []
    owner = report.read(folder).spec
    if owner not in (None, report.spec_of(job)):
        found.append(
            f"{folder} held what was built from {owner}; it is replaced: give one of them another name or folder"
        )
    last = explain.last_folder(job)
    if last is not None and last.name != job.name and report.read(last).spec == report.spec_of(job):
        found.append(
            f"{last} holds what was built when the model was called '{last.name}'; remove it if nothing uses it"
        )
    return found


def _other_bytes(before: Lock, now: Lock, lock_name: str) -> list[str]:
    """A warning where outputs are not those that the lock says, though everything that they are made from is."""
    if not lockfile.same_inputs(before, now):
        return []
    other = sorted(name for name, sha256 in now.outputs.items() if before.outputs.get(name, sha256) != sha256)
    if not other:
        return []
    return [
        f"the same inputs as in {lock_name} gave other bytes: {', '.join(other)}; likely causes are code that draws random "
        f"numbers without a seed or reads a clock, an edited {lock_name}, or one of another kind of computer or version of "
        "this tool"
    ]


def keep_rejected(job: Job, folder: Path) -> tuple[Path, ...]:
    """Leave the files that were made and refused under rejected/, for looking into; StoreError as above."""
    kept = []
    sweep(folder / REJECTED, "*.tflite", older=FORGOTTEN)  # other builds may be writing there
    with Placement() as placement:
        for rejected in job.rejected:
            blob = job.store.blobs.get(rejected.artifact.digest)
            if blob is not None and isinstance(rejected.artifact, File):
                kept.append(folder / REJECTED / job.file_name(rejected.variant or "float32"))
                placement.file(blob, kept[-1])
        if kept and not within(folder, job.loaded.folder / "build"):  # elsewhere the user's code might see them
            placement.text(rejected_mark(job.name), folder / REJECTED / REJECTED_MARK)
        placement.commit()
    return tuple(dict.fromkeys(kept))


def remove(name: str, variants: Collection[str], folder: Path) -> bool:
    """Remove what builds of the model `name` wrote into `folder`; whether nothing else is left there. OSError as usual.

    Args:
        name: The model's name.
        variants: Those that the spec has now; those of the last build are known from its report.
        folder: Where it is built.
    """
    stood = report.read(folder)
    files = {f"{name}-{variant}.tflite" for variant in {*variants, "float32", *stood.variants}}
    for generated, paths in stood.folders.items():
        _remove_folder(folder / generated, paths)
    sweep(folder, f"{name}-*.tflite")
    sweep(folder, REPORT)
    sweep(folder / REJECTED, "*.tflite")
    for place in (folder / REJECTED, folder):
        for file in files if place == folder else {p.name for p in place.glob(f"{name}-*.tflite")}:
            (place / file).unlink(missing_ok=True)
    (folder / REPORT).unlink(missing_ok=True)
    for place in (folder / REJECTED, folder):
        with contextlib.suppress(FileNotFoundError):
            if not place.is_symlink() and not any(place.iterdir()):
                place.rmdir()
    return not folder.exists() or (folder.is_symlink() and not any(folder.iterdir()))


def _remove_folder(folder: Path, paths: Iterable[str]) -> None:
    """Remove the files of a generated folder, and the folders that hold nothing then. OSError as usual."""
    for path in paths:
        (folder / path).unlink(missing_ok=True)
    places = {folder, *(above for path in paths for above in (folder / path).parents if above.is_relative_to(folder))}
    for place in sorted(places, key=lambda p: len(p.parts), reverse=True):
        with contextlib.suppress(OSError):  # it holds files of the user's, or is not there
            place.rmdir()


def _old(job: Job, made: _Made) -> Iterator[Path]:
    """What is no output any more.

    That are files of variants and folders that the spec no longer has, files of folders that hold others now, and what an
    earlier build refused of variants that are good now. Of all else nobody knows whose it is, whatever it is called.
    """
    folder = made.result.folder
    current = {job.file_name(v.name) for v in job.resolved.variants}
    not_built = {job.file_name(v.name) for v in job.resolved.variants if job.variants and v.name not in job.variants}
    for file in (folder / job.file_name(name) for name in made.stood.variants):
        # Where case makes no difference, what is now called 'a' and was 'A' is listed by its old name.
        if file.name not in current and file.exists() and not any(_same(file, folder / name) for name in current):
            yield file
    new = {f.name: f.files for f in made.result.folders}
    for name, paths in made.stood.folders.items():
        if name in new or name not in job.folders:  # else this build did not make it, and it stays
            yield from (folder / name / p for p in paths if p not in new.get(name, ()) and (folder / name / p).exists())
    yield from sorted(file for file in (folder / REJECTED).glob("*.tflite") if file.name not in not_built)


def _remove_old(job: Job, made: _Made) -> None:
    folder = made.result.folder
    rejected = folder / REJECTED
    sweep(rejected, "*.tflite", older=FORGOTTEN)
    new = {f.name: f.files for f in made.result.folders}
    for name, paths in made.stood.folders.items():
        if name in new or name not in job.folders:
            with contextlib.suppress(OSError):
                _remove_folder(folder / name, [path for path in paths if path not in new.get(name, ())])
    for file in _old(job, made):
        with contextlib.suppress(OSError):  # what cannot be removed harms nobody
            file.unlink()
    if not any(rejected.glob("*.tflite")):
        with contextlib.suppress(OSError):
            (rejected / REJECTED_MARK).unlink()
        with contextlib.suppress(OSError):
            rejected.rmdir()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.name.casefold() == other.name.casefold() and one.samefile(other)
    except OSError:
        return False


def _blob(job: Job, file: File) -> Path:
    return _checked(job.store.blobs.get(file.digest), "a variant's file")


def _named_blob(job: Job, sha256: str, name: str) -> Path:
    return _checked(job.store.blobs.named(sha256), name)


def _checked(blob: Path | None, name: str) -> Path:
    if blob is None:
        raise StoreError(Problem(f"the stored copy of {name} is damaged", hint="build again"))
    return blob


def _generated(job: Job, name: str, folder: Path) -> GeneratedFolder:
    """The folder that the step `name` made."""
    (tree,) = job.done[name].result.outputs.values()
    assert isinstance(tree, Tree)
    return GeneratedFolder(name, folder / name, tree.digest.sha256, {path: d.sha256 for path, d in tree.files})


def _model(job: Job, variant: str) -> File:
    artifact = job.done[pack.step_id(variant)].result.outputs[convert.MODEL]
    assert isinstance(artifact, File)  # pack writes one file
    return artifact


def _variant(job: Job, variant: ResolvedVariant, folder: Path, before: Report) -> VariantResult:
    artifact = _model(job, variant.name)
    summary = summarize(_blob(job, artifact))
    own = [
        job.done[i]
        for i in (
            quantize.step_id(variant),
            pack.step_id(variant.name),
            compare.step_id(variant.name),
            accuracy.step_id(variant.name),
        )
        if i in job.done
    ]
    distance = job.distance(compare.step_id(variant.name))
    if variant.quantize == "none" and job.resolved.engine:
        distance = job.distance(compare.FLOAT_ID)  # the float file itself: held against the source
    earlier = before.variants.get(variant.name)
    measure = job.loaded.spec.checks.accuracy
    return VariantResult(
        variant.name,
        variant.quantize,
        folder / job.file_name(variant.name),
        artifact.digest.size,
        artifact.digest.sha256,
        summary.operator_counts,
        summary.oldest_runtime,
        distance,
        checks.accuracy_of(job, variant.name),
        sum(d.seconds for d in own),
        all(d.reused for d in own),
        Change(earlier["sha256"], earlier["size"], earlier["accuracy"]) if earlier else None,
        measure.name if measure else "",
        measure.is_share if measure else True,
    )
