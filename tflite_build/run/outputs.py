"""From a finished job to build/NAME/ and model.lock: the checks of the spec, then models, report and lock.

A check that fails publishes nothing and leaves the lock alone.
"""

from __future__ import annotations

import contextlib
import glob
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tflite_build.actions import accuracy, compare, convert, pack, quantize
from tflite_build.engines.user_code.listing import REJECTED, REJECTED_MARK, REPORT, rejected_mark
from tflite_build.errors import CheckError, Problem, StoreError
from tflite_build.planning import lock as lockfile
from tflite_build.planning.action import Graph, ProjectFile
from tflite_build.planning.lock import Lock
from tflite_build.planning.resolve import ResolvedVariant
from tflite_build.spec.rules import STATIC_QUANTIZE, within
from tflite_build.spec.types import ModelSpec
from tflite_build.store.artifact import File
from tflite_build.store.digest import of_bytes
from tflite_build.tflite.summary import summarize

from .job import Job, Rejected
from .locked import check
from .publish import FORGOTTEN, Placement, alone, sha256_of, sweep
from .result import Change, ModelResult, StepResult, VariantResult


def file_name(job: Job, variant: str) -> str:
    """The name of a variant's file."""
    return f"{job.name}-{variant}.tflite"


def step_results(job: Job) -> tuple[StepResult, ...]:
    """What the steps took, in the graph's order."""
    return tuple(
        StepResult(s.id, job.done[s.id].reused, job.done[s.id].seconds) for s in job.graph.steps if s.id in job.done
    )


def spec_digest(spec: ModelSpec) -> str:
    """The digest of what `spec` says as far as outputs depend on it: limits only say whether there are any."""
    limits: dict[str, Any] = {"checks": True, "limits": True, "convert": {"tolerance"}}
    value = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=limits)
    if not value.get("convert"):  # that there was a limit in it is nothing, either
        value.pop("convert", None)
    return of_bytes(json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")).sha256


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


def _publish(job: Job, folder: Path, lock_file: Path, locked: bool) -> tuple[ModelResult, str]:
    wanted = [v for v in job.resolved.variants if not job.variants or v.name in job.variants]
    before = _report(folder)
    results = [_variant(job, v, folder, before) for v in wanted]
    problems = [p for v in results for p in _checks(job, v)]
    if problems:
        missed = [v.name for v in results if _checks(job, v)]
        job.rejected += [Rejected(name, _model(job, name)) for name in missed]
        raise CheckError(problems)
    before_lock = lockfile.read(lock_file)
    new_lock = _lock(job, results, before_lock)
    if locked:
        check(lock_file, before_lock, new_lock)
    warnings = [*job.warnings, *_other_bytes(before_lock, new_lock, lock_file.name)]
    with Placement() as placement:
        for result in results:
            there = sha256_of(result.file)
            if there == result.sha256:
                continue
            if there is not None and result.before is not None and there != result.before.sha256:
                warnings.append(f"{result.file.name} was edited since the last build; it is replaced")
            placement.file(_blob(job, result.name), result.file)
        model = ModelResult(
            job.name,
            job.loaded.file,
            folder,
            tuple(results),
            job.resolved.decisions,
            step_results(job),
            tuple(warnings),
        )
        # That a file was edited, or came out otherwise, is nothing that the next build would say again.
        report = _merged_report(job, replace(model, warnings=tuple(job.warnings)), before)
        placement.text(report, folder / REPORT)
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
    _remove_old(job, folder, before)
    return model, lock_text


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
                kept.append(folder / REJECTED / file_name(job, rejected.variant or "float32"))
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
    files = {f"{name}-{variant}.tflite" for variant in {*variants, "float32", *_report(folder)}}
    sweep(folder, f"{name}-*.tflite")
    sweep(folder, REPORT)
    sweep(folder / REJECTED, "*.tflite")
    for place in (folder / REJECTED, folder):
        for file in files if place == folder else {p.name for p in place.glob(f"{name}-*.tflite")}:
            (place / file).unlink(missing_ok=True)
    (folder / REPORT).unlink(missing_ok=True)
    for place in (folder / REJECTED, folder):
        with contextlib.suppress(FileNotFoundError):
            if not any(place.iterdir()):
                place.rmdir()
    return not folder.exists()


def _remove_old(job: Job, folder: Path, before: Mapping[str, Any]) -> None:
    """The files of variants that the spec no longer has, and what an earlier build refused of those that are good now.

    Of all else in the folder nobody knows whose it is, whatever it is called.
    """
    current = {file_name(job, v.name) for v in job.resolved.variants}
    not_built = {file_name(job, v.name) for v in job.resolved.variants if job.variants and v.name not in job.variants}
    old = [
        file
        for file in (folder / file_name(job, name) for name in before)
        # Where case makes no difference, what is now called 'a' and was 'A' is listed by its old name.
        if file.name not in current and not any(_same(file, folder / name) for name in current)
    ]
    rejected = folder / REJECTED
    sweep(rejected, "*.tflite", older=FORGOTTEN)
    for file in (*old, *(file for file in rejected.glob("*.tflite") if file.name not in not_built)):
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


def _blob(job: Job, variant: str) -> Path:
    blob = job.store.blobs.get(_model(job, variant).digest)
    if blob is None:
        raise StoreError(Problem(f"the stored copy of {file_name(job, variant)} is damaged", hint="build again"))
    return blob


def _model(job: Job, variant: str) -> File:
    artifact = job.done[pack.step_id(variant)].result.outputs[convert.MODEL]
    assert isinstance(artifact, File)  # pack writes one file
    return artifact


def _variant(job: Job, variant: ResolvedVariant, folder: Path, before: dict[str, Any]) -> VariantResult:
    artifact = _model(job, variant.name)
    summary = summarize(_blob(job, variant.name))
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
    earlier = before.get(variant.name)
    return VariantResult(
        variant.name,
        variant.quantize,
        folder / file_name(job, variant.name),
        artifact.digest.size,
        artifact.digest.sha256,
        summary.operator_counts,
        summary.oldest_runtime,
        distance,
        _accuracy(job, variant.name),
        sum(d.seconds for d in own),
        all(d.reused for d in own),
        Change(earlier["sha256"], earlier["size"], earlier["accuracy"]) if earlier else None,
    )


def _accuracy(job: Job, variant: str) -> float | None:
    step = accuracy.step_id(variant)
    if step not in job.done:
        return None
    value = job.read_json(step, accuracy.RESULT)["value"]
    return float(value) if isinstance(value, int | float) else None


def _exact(value: float) -> str:
    """A limit with all digits that it was written with."""
    return str(value).removesuffix(".0")


def _closer(quantize: str) -> str:
    """What brings a variant nearer to the float file."""
    if quantize in STATIC_QUANTIZE:
        return "keep sensitive layers in float with keep_float, or calibrate with more samples"
    whole = quantize in ("none", "float16", "from-source", "recipe")  # which `keep_float` does not go with
    return "" if whole else "keep sensitive layers in float with keep_float"


def _checks(job: Job, variant: VariantResult) -> list[Problem]:
    checks = job.loaded.spec.checks
    problems = []
    cosine = variant.distance.cosine
    if checks.min_cosine is not None and cosine is not None and cosine < checks.min_cosine:
        problems.append(
            job.loaded.problem(
                "checks.min_cosine",
                f"variant '{variant.name}' has a cosine of {cosine:.8g}; at least {_exact(checks.min_cosine)} is wanted",
                _closer(variant.quantize),
            )
        )
    wanted = checks.accuracy
    if wanted is None or variant.accuracy is None:
        return problems
    if wanted.min is not None and variant.accuracy < wanted.min:
        problems.append(
            job.loaded.problem(
                "checks.accuracy",
                f"variant '{variant.name}' has a {wanted.metric} of {variant.accuracy:.4f}; "
                f"at least {wanted.min:g} is wanted",
            )
        )
    source = _accuracy(job, "")
    if wanted.max_drop is not None and source is not None and source - variant.accuracy > wanted.max_drop:
        problems.append(
            job.loaded.problem(
                "checks.accuracy",
                f"variant '{variant.name}' drops from {source:.4f} to {variant.accuracy:.4f} in {wanted.metric}; "
                f"at most {wanted.max_drop:g} less is wanted",
            )
        )
    return problems


def _report(folder: Path) -> dict[str, Any]:
    """The variants of the report in `folder`, by name; nothing where there is no whole one."""
    try:
        variants = json.loads((folder / REPORT).read_text("utf-8"))["variants"]
        return {
            v["name"]: {"sha256": str(v["sha256"]), "size": int(v["size"]), "accuracy": v["accuracy"], "row": v}
            for v in variants
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _merged_report(job: Job, model: ModelResult, before: dict[str, Any]) -> str:
    value = model.to_json(places=False)
    made = {v["name"]: v for v in value["variants"]}
    value["variants"] = [
        made.get(v.name) or before[v.name]["row"] for v in job.resolved.variants if v.name in made or v.name in before
    ]
    return json.dumps(value, indent=2) + "\n"


def _lock(job: Job, results: list[VariantResult], old: Lock) -> Lock:
    """The new lock: what this build made and found; a build of some variants leaves what is still so of all else."""
    own = {name: decision for name, decision in job.resolved.decisions.items() if job.concerns(name)}
    new = Lock(
        spec=spec_digest(job.loaded.spec),
        sources=_sources(job),
        decisions=own,
        toolchains={s.tool.toolchain: job.tools.pins[s.tool.toolchain] for s in job.graph.steps if s.tool.toolchain},
        packages=job.lock.packages,
        requested=job.lock.requested,
        resolved_with=job.lock.resolved_with,
        outputs={r.file.name: r.sha256 for r in results},
    )
    if not job.variants:
        return new
    names = {v.name for v in job.resolved.variants}
    sources = _named_sources(job.whole, job.loaded.folder)
    toolchains = {s.tool.toolchain for s in job.whole.steps}
    merged = Lock(
        spec=new.spec,
        sources={**{n: sha for n, sha in old.sources.items() if n in sources}, **new.sources},
        decisions={**{s: d for s, d in old.decisions.items() if s in job.resolved.decisions}, **new.decisions},
        toolchains={**{n: pins for n, pins in old.toolchains.items() if n in toolchains}, **new.toolchains},
        packages=new.packages,
        requested=new.requested,
        resolved_with=new.resolved_with,
        outputs={
            **{n: sha for n, sha in old.outputs.items() if n in {file_name(job, name) for name in names}},
            **new.outputs,
        },
    )
    left = merged.outputs.keys() - new.outputs.keys()
    # Those that are left may be of another state of what they are made from, which nothing says any more.
    return merged if not left or lockfile.same_inputs(old, merged) else replace(merged, spec="")


def _sources(job: Job) -> dict[str, str]:
    """What of the user's was read: path from the spec's folder, or address -> SHA-256."""
    found: dict[str, str] = {}
    for step in job.graph.steps:
        done = job.done.get(step.id)
        if done is None:
            continue
        for name, given in step.inputs.items():
            if isinstance(given, ProjectFile):
                found[_shown(given.path, job.loaded.folder)] = done.action.inputs[name].partition("/")[0]
        found |= {shown: digest for shown, kind, digest in done.action.recorded if kind == "file" and digest}
        if step.kind == "fetch":
            found[str(step.params["url"])] = str(step.params["sha256"])
    return found


def _named_sources(graph: Graph, root: Path) -> set[str]:
    """The sources that steps of `graph` take by name. What user code reads besides is found anew by every build."""
    given = [i for step in graph.steps for i in step.inputs.values()]
    files = {_shown(i.path, root) for i in given if isinstance(i, ProjectFile)}
    return files | {str(step.params["url"]) for step in graph.steps if step.kind == "fetch"}


def _shown(path: Path, folder: Path) -> str:
    """`path` as model.toml writes it, whatever this machine calls the folders around it."""
    return path.relative_to(folder).as_posix()
