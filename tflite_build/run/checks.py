"""The checks of a spec: limits of [checks] and [runtime] that a variant has to keep to be published.

What looks into graphs is imported where a limit asks for it: most builds have none of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_build.actions import accuracy, library
from tflite_build.errors import BuildError, ExitCode, near_miss
from tflite_build.spec.checks import FileLimits
from tflite_build.spec.load import LoadedSpec
from tflite_build.spec.rules import STATIC_QUANTIZE
from tflite_build.tflite import reader, runtimes
from tflite_build.tflite.reader import Model
from tflite_build.tflite.runtimes import Lack, Release

from .job import Job
from .result import Gate, VariantResult

_NAMED = 8  # operators that are told one by one
_UNITS = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}


def gates(job: Job, variant: VariantResult, file: Path) -> tuple[Gate, ...]:
    """All limits that the spec has for `variant`, kept or not.

    Args:
        job: The finished job.
        variant: One of its variants.
        file: The variant's file.

    Raises:
        BuildError: If a limit is for an output that the model has not.
    """
    limits = _Limits(job.loaded, variant.name)
    with reader.model(file) as model:
        return (
            *_cosine(limits, variant),
            *_errors(limits, variant, model),
            *_size(limits, variant),
            *_download(limits, variant, job),
            *_arena(limits, variant, model),
            *_accuracy(limits, variant, accuracy_of(job, "")),
            *_runtime(job.loaded, variant, model),
            *_gpu(job.loaded, variant, model),
        )


def accuracy_of(job: Job, variant: str) -> float | None:
    """The accuracy of a variant, "" for the source, on the labelled data; None where none was measured."""
    step = accuracy.step_id(variant)
    if step not in job.done:
        return None
    value = job.read_json(step, accuracy.RESULT)["value"]
    return float(value) if isinstance(value, int | float) else None


def accuracy_text(value: float, *, share: bool) -> str:
    """A figure of a measure: four digits behind the point of a share, else four that count."""
    return f"{value:.4f}" if share else f"{value:.4g}"


@dataclass(frozen=True, slots=True)
class _Limits:
    """The limits of one variant: its own go before those of [checks]."""

    loaded: LoadedSpec
    variant: str

    def of(self, key: str) -> tuple[Any, str]:
        """The limit at a key of `checks`, None where there is none, and the whole key that says it."""
        own = self.loaded.spec.variant.get(self.variant)
        tables: list[tuple[FileLimits | None, str]] = [
            (own.checks if own else None, f"variant.{self.variant}.checks"),
            (self.loaded.spec.checks, "checks"),
        ]
        for value, prefix in ((_at(table, key), prefix) for table, prefix in tables):
            if value is not None:
                return value, f"{prefix}.{key}"
        return None, ""

    def gate(self, key: str, subject: str, figure: str, limit: str, wrong: tuple[str, str] | None) -> Gate:
        """A gate at a whole key; `wrong` is a message and a hint where the limit is not kept."""
        check = key.partition("checks.")[2].partition('."')[0]
        problem = self.loaded.problem(key, *wrong) if wrong else None
        return Gate(self.variant, check, subject, figure, limit, problem)


def limit_of(loaded: LoadedSpec, variant: str, key: str) -> Any:
    """The limit that a variant has at a key of `checks`, as "accuracy.min"; None where it has none."""
    return _Limits(loaded, variant).of(key)[0]


def _at(limits: FileLimits | None, key: str) -> Any:
    value: Any = limits
    for part in key.split("."):
        value = getattr(value, part, None)
    return value


def _cosine(limits: _Limits, variant: VariantResult) -> Iterator[Gate]:
    least, key = limits.of("min_cosine")
    cosine = variant.distance.cosine
    if least is not None and variant.not_run:
        yield _unmeasured(limits, key, "", f"at least {_exact(least)}", variant)
    if least is None or variant.not_run:
        return
    if cosine is None:  # in no output; such a one is held against limits of its own (specs/limits.toml)
        yield limits.gate(key, "", _no_cosine(variant), f"at least {_exact(least)}", None)
        return
    message = f"variant '{variant.name}' has a cosine of {cosine:.8g}; at least {_exact(least)} is wanted"
    wrong = None if cosine >= least else (message, _closer(variant.quantize))
    yield limits.gate(key, "", f"{cosine:.8g}", f"at least {_exact(least)}", wrong)


def _errors(limits: _Limits, variant: VariantResult, model: Model) -> Iterator[Gate]:
    limit, key = limits.of("max_error")
    outputs = variant.distance.outputs
    names = list(dict.fromkeys(output.name for signature in model.signatures for output in signature.outputs))
    each: Mapping[str, float] = limit if isinstance(limit, Mapping) else dict.fromkeys(names, limit) if limit else {}
    for name in each:
        if name not in names:
            hint = near_miss(name, names) or f"it has {', '.join(names)}"
            problem = limits.loaded.problem(f'{key}."{name}"', f"there is no output '{name}'", hint)
            raise BuildError(problem, ExitCode.SPEC_WRONG)
    if variant.not_run and limit is not None:
        for name, value in (limit if isinstance(limit, Mapping) else {"": limit}).items():
            own = f'{key}."{name}"' if name else key
            yield _unmeasured(limits, own, name, f"at most {_exact(value)}", variant)
        return
    several = len({output.signature for output in outputs}) > 1
    for output in outputs:
        if output.name not in each:
            continue
        subject = f"{output.signature}/{output.name}" if several else output.name
        most = each[output.name]
        if output.max_abs is None:
            own = f'{key}."{output.name}"' if isinstance(limit, Mapping) else key
            yield limits.gate(own, subject, "not measured: no numbers", f"at most {_exact(most)}", None)
            continue
        message = (
            f"output '{subject}' of variant '{variant.name}' is off by up to {output.max_abs:.4g}; "
            f"at most {_exact(most)} is wanted"
        )
        wrong = None if output.max_abs <= most else (message, _closer(variant.quantize))
        own = f'{key}."{output.name}"' if isinstance(limit, Mapping) else key
        yield limits.gate(own, subject, f"{output.max_abs:.4g}", f"at most {_exact(most)}", wrong)


def _no_cosine(variant: VariantResult) -> str:
    """Why nothing has a direction, and how far it is off."""
    still = [o for o in variant.distance.outputs if o.status in ("constant", "zero")]
    if not still:
        return "not measured: there are no numbers to compare"
    what = "the output is" if len(still) == 1 else "all outputs are"
    return f"not measured: {what} constant, and off by {max(o.max_abs or 0.0 for o in still):.4g}"


def _unmeasured(limits: _Limits, key: str, subject: str, limit: str, variant: VariantResult) -> Gate:
    """The gate of a limit that nothing can be held against."""
    names = ", ".join(variant.not_run)
    message = f"variant '{variant.name}' is not run: it needs {names}; so nothing says whether it keeps this limit"
    hint = f"give `library` and `registerer` in [compatibility.custom_ops.{variant.not_run[0]}], or remove the limit"
    return limits.gate(key, subject, f"not run: needs {names}", limit, (message, hint))


def _size(limits: _Limits, variant: VariantResult) -> Iterator[Gate]:
    most, key = limits.of("max_size")
    if most is None:
        return
    over = variant.size - bytes_of(most)
    message = f"variant '{variant.name}' has {variant.size:,} bytes, {over:,.0f} more than {most}"
    wrong = None if over <= 0 else (message, _smaller(variant.quantize))
    yield limits.gate(key, "", f"{variant.size:,} bytes", f"at most {most}", wrong)


def _download(limits: _Limits, variant: VariantResult, job: Job) -> Iterator[Gate]:
    most, key = limits.of("max_download")
    if most is None:
        return
    sizes = {str(abi): int(str(size)) for abi, size in job.read_json(library.ID, library.SIZES).items()}
    abi = max(sizes, key=sizes.__getitem__)
    whole = variant.size + sizes[abi]
    over = whole - bytes_of(most)
    of = f"the runtime for {abi}" if abi != library.ANY else "the runtime"
    message = (
        f"variant '{variant.name}' adds {whole:,} bytes to a download ({variant.size:,} of its own, {sizes[abi]:,} of "
        f"{of}), {over:,.0f} more than {most}"
    )
    hint = (
        "make the file smaller, or the runtime: a build without this limit writes what the library is built from for the "
        "operators that are needed now"
    )
    wrong = None if over <= 0 else (message, hint)
    yield limits.gate(key, abi, f"{whole:,} bytes", f"at most {most}", wrong)


def _arena(limits: _Limits, variant: VariantResult, model: Model) -> Iterator[Gate]:
    most, key = limits.of("max_arena")
    if most is None:
        return
    from tflite_build.evaluation import arena
    from tflite_build.evaluation.graph import graphs, reached

    all_graphs = graphs(model)
    for signature in model.signatures:
        planned = sum(arena.plan(graph).size for graph in reached(all_graphs, signature.subgraph))
        subject = signature.name if len(model.signatures) > 1 else ""
        over = planned - bytes_of(most)
        of = f" for '{subject}'" if subject else ""
        message = f"variant '{variant.name}' takes {planned:,} bytes for activations{of}, {over:,.0f} more than {most}"
        hint = "smaller inputs or fewer channels take less; int8 activations take a quarter of float32 ones"
        wrong = None if over <= 0 else (message, hint)
        yield limits.gate(key, subject, f"{planned:,} bytes", f"at most {most}", wrong)


def bytes_of(size: str) -> float:
    """The bytes that a `Size` of the spec means."""
    unit = size.lstrip("0123456789. ")
    return float(size[: -len(unit)]) * _UNITS[unit.upper()]


def _accuracy(limits: _Limits, variant: VariantResult, source: float | None) -> Iterator[Gate]:
    found, measure = variant.accuracy, limits.loaded.spec.checks.accuracy
    if measure is not None and variant.not_run:
        for word in ("min", "max", "max_drop"):
            limit, key = limits.of(f"accuracy.{word}")
            if limit is not None:
                yield _unmeasured(limits, key, measure.name, f"{_exact(limit)}", variant)
    if found is None or measure is None:
        return
    figure = accuracy_text(found, share=measure.is_share)
    if all(limits.of(f"accuracy.{word}")[0] is None for word in ("min", "max", "max_drop")):
        yield limits.gate("checks.accuracy", measure.name, figure, "no limit", None)
    for word, wanted in (("min", "at least"), ("max", "at most")):
        limit, key = limits.of(f"accuracy.{word}")
        if limit is not None:
            message = f"variant '{variant.name}' has {figure} in {measure.name}; {wanted} {_exact(limit)} is wanted"
            kept = found >= limit if word == "min" else found <= limit
            yield limits.gate(key, measure.name, figure, f"{wanted} {_exact(limit)}", None if kept else (message, ""))
    most, key = limits.of("accuracy.max_drop")
    if most is not None and source is not None:
        before = accuracy_text(source, share=measure.is_share)
        way, other = ("rises", "more") if measure.lower_is_better else ("drops", "less")
        drop = found - source if measure.lower_is_better else source - found
        message = (
            f"variant '{variant.name}' {way} from {before} to {figure} in {measure.name}; "
            f"at most {_exact(most)} {other} is wanted"
        )
        wrong = None if drop <= most else (message, "")
        yield limits.gate(key, measure.name, f"{before} to {figure}", f"at most {_exact(most)} {other}", wrong)


def _runtime(loaded: LoadedSpec, variant: VariantResult, model: Model) -> Iterator[Gate]:
    """A gate for each runtime that the app will meet; the newest one where the spec does not say."""
    oldest = loaded.spec.runtime.oldest
    wanted: dict[str, tuple[Release, str]] = {}
    if isinstance(oldest, dict):
        wanted = {p: (runtimes.release(text), f"runtime.oldest.{p}") for p, text in sorted(oldest.items())}
    else:
        wanted[""] = (runtimes.bundled() if oldest is None else runtimes.release(oldest), "runtime.oldest")
    for platform, (release, key) in wanted.items():
        lacks = runtimes.lacks(model, release)
        figure = ", ".join(map(_named, lacks))
        problem = loaded.problem(key, *_lacking(variant, release, lacks, model)) if lacks else None
        shown = f"lacks {figure}" if lacks else "has every operator"
        yield Gate(variant.name, "runtime.oldest", platform, shown, str(release), problem)


def _gpu(loaded: LoadedSpec, variant: VariantResult, model: Model) -> Iterator[Gate]:
    if loaded.spec.compatibility.gpu != "require":
        return
    from tflite_build.evaluation.gpu import gpu
    from tflite_build.evaluation.graph import graphs, reached
    from tflite_build.evaluation.layers import layers

    all_graphs = graphs(model)
    for signature in model.signatures:
        found = [gpu(graph, layers(graph)) for graph in reached(all_graphs, signature.subgraph)]
        operators, delegated = sum(c.operators for c in found), sum(c.delegated for c in found)
        subject = signature.name if len(model.signatures) > 1 else ""
        problem = None
        if delegated < operators:
            kept = [n for coverage in found for n in coverage.not_taken]
            lines = [f"{n.operator}{f' ({n.layer})' if n.layer else ''}: {n.reason}" for n in kept[:_NAMED]]
            lines += [f"and {len(kept) - _NAMED} more"] if len(kept) > _NAMED else []
            pieces = sum(len(c.pieces) for c in found)
            problem = loaded.problem(
                "compatibility.gpu",
                f"the GPU delegate takes {delegated} of {operators} operators of variant '{variant.name}', in "
                f"{pieces} {'piece' if pieces == 1 else 'pieces'}",
                'write these layers otherwise, or allow the CPU for them: gpu = "allow"',
                "\n".join(lines),
            )
        figure = f"{delegated} of {operators} operators"
        yield Gate(variant.name, "compatibility.gpu", subject, figure, "all on the GPU", problem)


def _lacking(variant: VariantResult, release: Release, lacks: tuple[Lack, ...], model: Model) -> tuple[str, str, str]:
    """Message, hint and detail about the operators that `release` has not."""
    message = f"{release} cannot run variant '{variant.name}': it lacks {', '.join(map(_named, lacks))}"
    lines = []
    for lack in lacks:
        known = lack.need.runtime not in ("", runtimes.PENDING)
        since = f"since {release.line} {lack.need.runtime}" if known else "in no release that is known"
        times = "once" if lack.count == 1 else f"{lack.count} times"
        layer = _layer(model, lack)
        where = f", first for '{layer}'" if layer else ""
        lines.append(f"{_named(lack)}: {since}; used {times}{where}")
    newest = runtimes.newest(lack.need for lack in lacks)
    other = "change the quantization, or keep these layers in float"
    hint = f'if no older runtime is met, say `oldest = "{release.line} {newest}"`; else {other}' if newest else other
    return message, hint, "\n".join(lines)


def _layer(model: Model, lack: Lack) -> str:
    """The layer that has the operator, by the name that people gave it as far as the file tells."""
    from tflite_build.evaluation.graph import graphs
    from tflite_build.evaluation.layers import layers

    for graph in graphs(model):
        named = layers(graph).of_node
        for node, operator in zip(graph.nodes, graph.subgraph.operators, strict=True):
            if operator.code == lack.code:
                return named.get(node.index) or lack.layer
    return lack.layer


def _named(lack: Lack) -> str:
    return f"{lack.need.operator} version {lack.need.version}"


def _exact(value: float) -> str:
    """A limit with all digits that it was written with."""
    return str(value).removesuffix(".0")


def _smaller(quantize: str) -> str:
    """What makes a file smaller."""
    return {
        "none": 'quantize = "float16" halves the weights, "dynamic-int8" and "int8" make a quarter of them',
        "float16": 'quantize = "dynamic-int8" and "int8" halve the weights',
    }.get(quantize, "give the model fewer weights, or leave less of it in float")


def _closer(quantize: str) -> str:
    """What brings a variant nearer to the float file."""
    if quantize in STATIC_QUANTIZE:
        return "keep sensitive layers in float with keep_float, or calibrate with more samples"
    whole = quantize in ("none", "float16", "from-source", "recipe")  # which `keep_float` does not go with
    return "" if whole else "keep sensitive layers in float with keep_float"
