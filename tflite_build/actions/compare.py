"""compare: how far a file's outputs are from the source's, and whether that is too far.

float32 is compared with the source itself, every other variant with float32 on all samples. Numbers come from an
engine process that loads and runs the file; the judgement is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import tomli

from tflite_build import resources
from tflite_build.engines.contract import Names
from tflite_build.planning.action import Candidate, Input, OutputOf, Step
from tflite_build.planning.resolve import Resolved, ResolvedVariant

from . import bound, convert, pack, reference, samples
from .tools import Tools

FLOAT_ID = "compare"
RESULT = "compare.json"


def step_id(variant: str) -> str:
    """The id of the step of a variant."""
    return f"{FLOAT_ID}:{variant}"


def float_step(model: Resolved, tools: Tools) -> Step:
    """The step that holds the float file against its source and keeps its outputs for the variants."""
    return _step(
        model,
        tools,
        FLOAT_ID,
        OutputOf(convert.ID, convert.MODEL),
        OutputOf(reference.ID, reference.OUTPUTS) if model.engine else None,
        keep=True,
        renamed=False,
        candidate=Candidate("engine", model.engine_choice) if model.engine else None,
        variant="",
    )


def step(model: Resolved, tools: Tools, variant: ResolvedVariant) -> Step:
    """The step that holds a variant against the float file."""
    return _step(
        model,
        tools,
        step_id(variant.name),
        pack.model_of(variant.name),
        OutputOf(FLOAT_ID, reference.OUTPUTS),
        keep=False,
        renamed=True,
        candidate=Candidate(f"quantizer:{variant.name}", variant.quantizer_choice) if variant.quantizer else None,
        variant=variant.name,
    )


def _step(
    model: Resolved,
    tools: Tools,
    id_: str,
    file: OutputOf,
    expected: OutputOf | None,
    *,
    keep: bool,
    renamed: bool,
    candidate: Candidate | None,
    variant: str,
) -> Step:
    inputs: dict[str, Input] = {"model": file, "samples": samples.of(model)}
    if expected is not None:
        inputs["expected"] = expected
    return Step(
        id_,
        "compare",
        tools.runner(model),
        {
            "keep_outputs": keep,
            "names": (model.names if renamed else Names()).to_json(),
            "data": samples.key(model),
            **bound.training(model),
        },
        inputs,
        candidate=candidate,
        variant=variant,
        weight=3,
    )


@dataclass(frozen=True, slots=True)
class OutputDistance:
    """How far one output is from what was expected.

    Attributes:
        cosine: Cosine similarity over all samples of a size, the lowest of all sizes; None where there is nothing to
            compare.
        max_abs: The largest absolute error.
        max_share: That error as a share of the expected output's range; of a constant output's value, or of 1 where
            that is smaller.
        top1: The share of samples with the same largest class, or None where the output has no classes.
        status: "ok", "constant", "zero", "empty" (nothing to compare), or what is wrong: a key of `_WRONG`.
        note: What is wrong, in numbers; where nothing is, the declared size that the lowest cosine is of, if the data
            lacks it.
        scale: How much larger the values are as a whole (length over length), at the size where that is farthest from
            1; None as `cosine`.
    """

    signature: str
    name: str
    cosine: float | None
    max_abs: float | None
    max_share: float | None
    top1: float | None
    status: str
    note: str = ""
    scale: float | None = None


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a file is from what it is compared with, output by output; empty for a tflite source's own file.

    Attributes:
        random: The file's operators that draw random numbers.
        not_run: The custom operators for which the file was not run: there is no library that has them.
        api: "interpreter" or "compiled-model": what the libraries of custom operators registered with; "" without any.
    """

    outputs: tuple[OutputDistance, ...]
    samples: int
    random: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    api: str = ""

    @property
    def cosine(self) -> float | None:
        """The lowest cosine of all outputs."""
        return min((o.cosine for o in self.outputs if o.cosine is not None), default=None)

    @property
    def max_abs(self) -> float | None:
        """The largest error of all outputs."""
        return max((o.max_abs for o in self.outputs if o.max_abs is not None), default=None)

    @property
    def top1(self) -> float | None:
        """The lowest agreement of all outputs that have classes."""
        return min((o.top1 for o in self.outputs if o.top1 is not None), default=None)


def read(value: Mapping[str, Any]) -> Distance:
    """The content of compare.json."""
    outputs = [
        OutputDistance(
            s["name"],
            o["name"],
            o["cosine"],
            o["max_abs"],
            o["max_share"],
            o["top1"],
            o["status"],
            o.get("note", ""),
            o.get("scale"),
        )
        for s in value["signatures"]
        for o in s["outputs"]
    ]
    counts = [o["samples"] for s in value["signatures"] for o in s["outputs"]]
    return Distance(
        tuple(outputs),
        max(counts, default=0),
        tuple(value.get("random", ())),
        tuple(value.get("not_run", ())),
        value.get("api", ""),
    )


_WRONG = {
    "nonfinite": "is not NaN or infinite in the same places as the source's",
    "missing": "is missing",
    "shape": "has another shape than the source's",
    "dtype": "has another type than the source's",
    "text": "is another text than the source's",
    "dead": "is zero throughout, which the source's is not",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a distance: reasons to refuse the file, and warnings."""

    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@cache
def _limits() -> dict[str, Any]:
    return tomli.loads(resources.specs("limits.toml").read_text("utf-8"))


def judge(distance: Distance, quantize: str, tolerance: float) -> Verdict:
    """Hold `distance` against specs/limits.toml for what `quantize` says."""
    rows = _limits()[quantize]
    refuse, warn = dict(rows["refuse"]), dict(rows.get("warn", {}))
    if quantize == "none":
        refuse["max_share"] = refuse["max_constant"] = tolerance
    refusals: list[str] = []
    warnings: list[str] = []
    for output in distance.outputs:
        where = f"output '{output.name}'" + (f" of '{output.signature}'" if output.signature else "")
        wrong = _wrong(output) or _beyond(output, refuse)
        if wrong:
            refusals.append(f"{where} {wrong}")
            continue
        over = _beyond(output, warn)
        if over:
            warnings.append(f"{where} {over}; it is published all the same, [checks] sets limits of your own")
    return Verdict(tuple(refusals), tuple(warnings))


def _wrong(output: OutputDistance) -> str:
    if output.status not in _WRONG:
        return ""
    return _WRONG[output.status] + (f" ({output.note})" if output.note else "")


def _beyond(output: OutputDistance, limits: Mapping[str, float]) -> str:
    at = f" ({output.note}, which the data lacks)" if output.note else ""
    lowest = limits.get("min_cosine")
    if lowest is not None and output.cosine is not None and output.cosine < lowest:
        return f"is too far from the source: cosine {output.cosine:.8g}{at}, at least {lowest:.8g} is wanted"
    most = limits.get("max_scale")
    if most is not None and output.scale is not None and not 1 / most <= output.scale <= most:
        return f"is {output.scale:.3g} times as large as the source's, between {1 / most:.2g} and {most:g} is wanted"
    share = output.max_share
    if share is None:
        return ""
    if output.status in ("constant", "zero"):
        most = limits.get("max_constant")
        if most is not None and share > most:
            return f"is constant in the source and off by {output.max_abs:.3g}, at most {most:g} of its value is wanted"
        return ""
    most = limits.get("max_share")
    if most is not None and share > most:
        return f"is too far from the source: off by {share:.3g} of its range, at most {most:g} is wanted"
    return ""
