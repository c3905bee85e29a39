"""The steps of one model in their order: the only place that knows which step follows which."""

from __future__ import annotations

from tflite_build.planning.action import Graph, OutputOf, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.linked import builds_runtime
from tflite_build.spec.rules import STATIC_QUANTIZE

from . import (
    accuracy,
    calibrate,
    compare,
    convert,
    custom_operators,
    fetch,
    goldens,
    library,
    lower,
    pack,
    preprocess,
    quantize,
    reference,
    runtime,
    samples,
    signatures,
    unroll,
    wrap,
)
from .tools import Tools

FLOAT = OutputOf(convert.ID, convert.MODEL)


def graph(model: Resolved, tools: Tools) -> Graph:
    """All steps for `model`."""
    steps: list[Step | None] = [
        fetch.step(model.loaded, tools),
        signatures.step(model, tools),
        lower.step(model, tools),
    ]
    data = samples.step(model, tools)
    converted = convert.step(model, tools)
    teller = samples.teller(model, tools)
    raw = [preprocess.calibration_step(model, tools, teller), preprocess.labelled_step(model, tools, teller)]
    if teller == converted.id:  # a .tflite source, which is only taken over
        steps += [converted, *raw, data]
    else:
        # Wrong data is found before anything is converted, though its content is no input of the conversion.
        steps += [*raw, data, _after(converted, data.id)]
    steps += [
        unroll.step(model, tools),
        reference.step(model, tools),
        compare.float_step(model, tools),
        accuracy.step(model, tools, FLOAT, ""),
    ]
    if any(_needs_ranges(model, v.quantize) for v in model.variants):
        steps.append(calibrate.step(model, tools, FLOAT))
    for variant in model.variants:
        made = FLOAT
        if variant.quantize == "from-source" and converted.kind == "convert.tensorflow":
            kept = convert.from_source(converted, variant.name)
            steps.append(kept)
            made = OutputOf(kept.id, convert.MODEL)
        elif variant.quantizer:
            steps.append(quantize.step(model, tools, FLOAT, variant))
            made = quantize.model_of(variant)
        steps += [
            pack.step(model, tools, made, variant),
            compare.step(model, tools, variant),
            accuracy.step(model, tools, pack.model_of(variant.name), variant.name),
        ]
    steps += [
        runtime.step(model, tools),
        library.step(model, tools),
        *(goldens.step(model, tools, v) for v in model.loaded.app_variants()),
        *(wrap.step(model, tools, platform) for platform in model.loaded.apps),
    ]
    return Graph(tuple(custom_operators.given(model.loaded, s) for s in steps if s is not None))


def variant_targets(model: Resolved, names: tuple[str, ...], generated: tuple[str, ...]) -> set[str]:
    """The last steps of the variants called `names` and of the folders `generated`; without names, of all there are."""
    wanted = names or tuple(v.name for v in model.variants)
    targets = {compare.FLOAT_ID}
    if model.loaded.spec.checks.accuracy is not None:
        targets |= {accuracy.step_id(n) for n in ("", *wanted)}
    targets |= {compare.step_id(n) for n in wanted}
    if model.loaded.spec.runtime.library:
        targets.add(library.ID)
    return targets | (folders(model) & {*generated} if names else folders(model))


def folders(model: Resolved) -> frozenset[str]:
    """The steps whose folder is published beside the variants, under its own name."""
    return frozenset((*((runtime.ID,) if builds_runtime(model.loaded.spec) else ()), *model.loaded.apps))


def _needs_ranges(model: Resolved, quantize_word: str) -> bool:
    return quantize_word in STATIC_QUANTIZE or (quantize_word == "recipe" and model.loaded.spec.calibration is not None)


def _after(step: Step, earlier: str) -> Step:
    from dataclasses import replace

    return replace(step, after=(*step.after, earlier))
