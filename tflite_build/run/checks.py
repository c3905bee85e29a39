"""The limits of [checks], which a variant has to keep to be published."""

from __future__ import annotations

from tflite_build.actions import accuracy
from tflite_build.errors import Problem
from tflite_build.spec.rules import STATIC_QUANTIZE

from .job import Job
from .result import VariantResult


def accuracy_of(job: Job, variant: str) -> float | None:
    """The accuracy of a variant, "" for the source, on the labelled data; None where none was measured."""
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


def missed(job: Job, variant: VariantResult) -> list[Problem]:
    """The limits that `variant` does not keep."""
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
    source = accuracy_of(job, "")
    if wanted.max_drop is not None and source is not None and source - variant.accuracy > wanted.max_drop:
        problems.append(
            job.loaded.problem(
                "checks.accuracy",
                f"variant '{variant.name}' drops from {source:.4f} to {variant.accuracy:.4f} in {wanted.metric}; "
                f"at most {wanted.max_drop:g} less is wanted",
            )
        )
    return problems
