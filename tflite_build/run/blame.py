"""Which layers of a quantized variant lose most, for one that misses a limit of how good it has to be."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from tflite_build.actions import custom_operators, layers
from tflite_build.actions.layers import Layer
from tflite_build.errors import BuildError, CheckError, Problem
from tflite_build.planning.action import Step
from tflite_build.planning.resolve import ResolvedVariant
from tflite_build.spec.rules import STATIC_QUANTIZE

from .checks import accuracy_of, accuracy_text, limit_of
from .execute import Done, InvalidStep, LostInput
from .job import Job
from .result import Gate

QUALITY = frozenset({"min_cosine", "max_error", "accuracy.min", "accuracy.max", "accuracy.max_drop"})
_NAMED = 3  # layers
_LEAST = 0.001  # share of a layer's length: less is no reason
Aside = Callable[[Job, Step], Done]


def layers_of(job: Job, variant: ResolvedVariant, run: Aside) -> tuple[Layer, ...]:
    """The layers of a variant that a quantizer made, those that lose most first; none where that cannot be found out.

    Args:
        job: The model, made.
        variant: One of its variants.
        run: Runs a step that is no part of the job's graph.
    """
    step = custom_operators.given(job.loaded, layers.step(job.resolved, job.tools, variant))
    if not variant.quantizer or any(need not in job.done for need in step.needs):
        return ()
    try:
        done = run(job, step)
        return () if done.result.refusal else layers.read(job.json_of(done, layers.RESULT))
    except (BuildError, InvalidStep, LostInput):  # it explains an error, and must not be another one
        return ()


def explain(job: Job, run: Aside) -> None:
    """Say in the job's errors which layers lose most, where a quantized variant is not good enough."""
    found: dict[Problem, Problem] = {}
    for variant in job.resolved.variants:
        gates = [g for g in job.gates if g.problem and g.variant == variant.name and g.check in QUALITY]
        for gate in gates:
            why = of_source(job, gate) if variant.quantizer else ""
            if gate.problem and why:
                found[gate.problem] = replace(gate.problem, hint=f"{why}: no quantization mends that")
        missed = [g.problem for g in gates if g.problem and g.problem not in found]
        ranked = layers_of(job, variant, run) if missed else ()
        worst = [layer for layer in ranked if layer.added >= _LEAST][:_NAMED]
        if worst:
            lines = "\n".join(f"{layer.operator} '{pattern(layer, ranked)}': {_loss(layer)}" for layer in worst)
            detail = f"the layers that lose most, as keep_float names them:\n{lines}"
            hint = "`tflite-build check --suggest` tries which of them to keep in float"
            hint += "; or calibrate with more samples" if variant.quantize in STATIC_QUANTIZE else ""
            found[missed[0]] = replace(missed[0], hint=hint, detail=detail)
    job.failures = [
        CheckError([found.get(p, p) for p in error.problems]) if isinstance(error, CheckError) else error
        for error in job.failures
    ]


def of_source(job: Job, gate: Gate) -> str:
    """Why a limit is missed that the source itself misses, before anything is quantized; "" where it does not."""
    measure = job.loaded.spec.checks.accuracy
    if gate.ok or measure is None or gate.check not in ("accuracy.min", "accuracy.max"):
        return ""
    figure = accuracy_of(job, "")
    limit = limit_of(job.loaded, gate.variant, gate.check)
    if figure is None or (figure >= limit if gate.check == "accuracy.min" else figure <= limit):
        return ""
    text = accuracy_text(figure, share=measure.is_share)
    return f"the source itself has {text} in {measure.name}, and {gate.limit} is wanted"


def pattern(layer: Layer, layers: Sequence[Layer]) -> str:
    """A short pattern of `keep_float` that means `layer` alone among `layers`."""
    others = [other.name for other in layers if other.name != layer.name]
    for path in layer.name.split(";"):
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            short = re.escape("/".join(parts[-count:]))
            if short and not any(re.search(short, name) for name in others):
                return short
    return f"^{re.escape(layer.name)};$"


def _loss(layer: Layer) -> str:
    return f"off by {layer.error:.1%} of its length, {layer.added:.1%} of its own"
