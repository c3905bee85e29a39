"""`calibrate`: the range of every float tensor over the representative data, the same on every CPU.

Optimized kernels differ from CPU to CPU in the last bits, and reference kernels, which do not, are six times slower. So
ranges are rounded outward to a coarse grid, and computed as correctly rounded functions are (A. Ziv, "Fast evaluation of
elementary mathematical functions with correctly rounded last bit", 1991): the fast kernels run first, and only where a
result lies so near to a line of the grid that their error could move it across, the samples that matter are run again
with the reference kernels. What comes out is what the reference kernels alone would give.

The grid of a tensor has steps of 2^-8 of its largest magnitude (rounded down to a power of two): at most half a step of
an 8-bit quantization wider on each side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Answer, Invalid, Refused, Request
from tflite_build.engines.files import custom_operators, lookups, opening, tensors
from tflite_build.engines.files import graph as graphs
from tflite_build.engines.files.runner import Kernels
from tflite_build.engines.files.tensors import Array, Case
from tflite_build.engines.words import counted, quoted

from . import bounds
from .bounds import Bounds

_GRID_BITS = 8
_FLOOR = 4e-6  # of a tensor's magnitude: the least error that the fast kernels are trusted with
_GUESS = 3e-5  # of a tensor's magnitude: what their error often comes to, with all safety
_SAFETY = 8.0  # times the error that was measured of a tensor
_SAFETY_OF_ALL = 3.0  # times the largest error, as a share of a tensor's magnitude, that was measured of any tensor
_HOPELESS = 1e-3  # of a tensor's magnitude: kernels that differ by more are not used at all

Extremes = NDArray[np.float64]  # (samples, tensors, 2): lowest and highest value


@dataclass(frozen=True, slots=True)
class _Sample:
    signature: str
    arrays: dict[str, Array]


class _Observer:
    """Runs samples with one kind of kernels and notes the extremes of every tensor."""

    def __init__(self, request: Request, kernels: Kernels) -> None:
        self._runner = opening.runner(request, kernels=kernels, keep=True)
        self._graph = computed = graphs.read(request.inputs["model"])
        unique = computed.unique_names()
        self._tensors = {
            s.name: [
                (index, unique[s.subgraph][index])
                for index, tensor in enumerate(computed.subgraphs[s.subgraph].tensors)
                if tensor.dtype == "float32" and not tensor.constant
            ]
            for s in computed.signatures
        }
        self._own = {tensor.name for subgraph in computed.subgraphs for tensor in subgraph.tensors}

    def names(self, signature: str) -> list[str]:
        """The names of the tensors that are looked at."""
        return [name for _, name in self._tensors[signature]]

    def told_apart(self, signature: str) -> bool:
        """Whether these are the file's own names: where it calls several the same, some are not."""
        return self._own.issuperset(self.names(signature))

    def bounds(self, signature: str) -> list[Bounds]:
        """What is known of each of them from the operators."""
        (subgraph,) = (s.subgraph for s in self._graph.signatures if s.name == signature)
        found = bounds.of(self._graph.subgraphs[subgraph])
        return [found[index] for index, _ in self._tensors[signature]]

    def extremes(self, sample: _Sample) -> Extremes:
        """(tensors, 2) for one sample; NaN for a tensor without a value."""
        self._runner.run(sample.signature, sample.arrays)
        found = np.full((len(self._tensors[sample.signature]), 2), np.nan)
        for row, (index, _) in enumerate(self._tensors[sample.signature]):
            value = self._runner.value(sample.signature, index)
            if value is not None and value.size:
                found[row] = value.min(), value.max()
        return found


class _Profiler:
    """As `_Observer`, by the kernels that apps run with and the runtime's own profiler: four times as fast."""

    def __init__(self, request: Request, names: Sequence[str]) -> None:
        self._runner = opening.runner(request, kernels="profiled")
        self._names = names

    def extremes(self, sample: _Sample) -> Extremes | None:
        """None where the profiler does not see all tensors, which it knows by name."""
        seen = self._runner.extremes(sample.signature, sample.arrays)
        if not seen.keys() >= set(self._names):
            return None
        return np.array([seen[name] for name in self._names], np.float64).reshape(-1, 2)  # also where there are none


def _check_kernels(model: Path) -> None:
    """Invalid where the runtime that calibrates has no kernels for the file."""
    flex = sorted({o.name[4:] for _, o in graphs.read(model).operators() if o.custom and o.name.startswith("Flex")})
    if flex:
        raise Invalid(
            f"int8 and int16x8 take ranges from running the model, and the runtime that does so has no kernels for "
            f"{quoted(flex)}, which are TensorFlow's own",
            "compatibility.select_tf_ops",
            'use quantize = "float16", or a model without them',
        )


def run(request: Request) -> Answer:
    """Write `ranges.json`: tensor name (see `Graph.unique_names`) -> [lowest, highest], over all signatures.

    Raises:
        Refused: If the runtime does not run the file, or a tensor reaches infinity.
        Invalid: If the file has operators of TensorFlow's own, or custom ones that no library is given for.
    """
    samples = list(_samples(tensors.read(request.inputs["samples"])))
    _check_kernels(request.inputs["model"])
    absent = custom_operators.not_run(request)
    if absent:
        raise custom_operators.needed("int8 and int16x8 take ranges from running the model", absent)
    reference_only = request.params.get("kernels") == "reference"
    warnings: list[str] = []
    ranges: dict[str, tuple[float, float]] = {}
    reruns = 0
    for signature in dict.fromkeys(s.signature for s in samples):
        own = [s for s in samples if s.signature == signature]
        try:
            names, found, count = _signature_ranges(request, own, reference_only, warnings)
        except Refused as refused:
            raise _mistake(refused, request, own) or refused from None
        reruns += count
        for name, (low, high) in zip(names, found, strict=True):
            if math.isfinite(low) and math.isfinite(high):
                before = ranges.get(name, (low, high))
                ranges[name] = min(low, before[0]), max(high, before[1])
    request.write_json("ranges.json", {name: list(ranges[name]) for name in sorted(ranges)})
    return Answer(reruns=reruns, warnings=list(dict.fromkeys(warnings)))


def _mistake(refused: Refused, request: Request, samples: Sequence[_Sample]) -> Invalid | None:
    """What in the data made the runtime fail, if that can be told."""
    graph, signatures = graphs.read(request.inputs["model"]), opening.runner(request).signatures
    for number, sample in enumerate(samples):
        mistake = lookups.explained(refused, graph, signatures[sample.signature], sample.arrays)
        if mistake is not None:
            return mistake.in_sample(number, request.params["data"])
    return None


def _samples(cases: Sequence[Case]) -> Iterator[_Sample]:
    for case in cases:
        for index in range(case.count):
            yield _Sample(case.signature, case.sample(index))


def _signature_ranges(
    request: Request, samples: Sequence[_Sample], reference_only: bool, warnings: list[str]
) -> tuple[list[str], list[tuple[float, float]], int]:
    """Names, rounded ranges, and how many samples were run with the reference kernels."""
    try:
        reference = _Observer(request, "reference")
    except Refused as refused:  # as of ROUND, which has a fast kernel alone
        lacking = quoted(operator.name for operator in refused.operators) or "an operator"
        warnings.append(
            f"the runtime has no reference kernel of {lacking}, so ranges come from the kernels for this processor: on "
            "another kind integer files may come out with other bytes"
        )
        optimized = _Observer(request, "optimized")
        names = optimized.names(samples[0].signature)
        quick = _fast(request, samples, optimized)
        _check_bounded(names, quick)
        return names, _rounded(quick), 0
    names = reference.names(samples[0].signature)
    if reference_only:
        return names, _rounded(np.stack([reference.extremes(s) for s in samples])), len(samples)
    quick = _fast(request, samples, reference)
    _check_bounded(names, quick)
    known = reference.bounds(samples[0].signature)
    search = _Search(quick, known, lambda index: reference.extremes(samples[index]))
    return names, _rounded(search.settled()), len(search.exact)


def _check_bounded(names: Sequence[str], extremes: Extremes) -> None:
    """No integer type has a range up to infinity; NaN is for the comparison."""
    endless = np.flatnonzero(np.isinf(extremes).any(axis=(0, 2)))
    if endless.size:
        shown = quoted(names[int(row)] for row in endless[:3])
        raise Refused(
            f"{counted(endless.size, 'tensor')} of the float file ({shown}) reach infinity on the representative data, so "
            "that they have no range"
        )


def _fast(request: Request, samples: Sequence[_Sample], observer: _Observer) -> Extremes:
    """The extremes of all samples, nearly right."""
    signature = samples[0].signature
    found = None
    if observer.told_apart(signature):
        found = _profiled(request, samples, observer.names(signature))
    if found is None:
        fast = _Observer(request, "optimized")
        found = [fast.extremes(s) for s in samples]
    return np.stack(found)


def _profiled(request: Request, samples: Sequence[_Sample], names: Sequence[str]) -> list[Extremes] | None:
    """The extremes of all samples by the profiler; None where it does not see all tensors of one."""
    profiler = _Profiler(request, names)
    found = []
    for sample in samples:
        values = profiler.extremes(sample)
        if values is None:
            return None
        found.append(values)
    return found


class _Search:
    """Finds out which samples the reference kernels have to run, so that the rounded ranges are theirs.

    Args:
        quick: The extremes by the fast kernels.
        known: What no value of a tensor can go beyond.
        compute: Those of one sample by the reference kernels.
    """

    def __init__(self, quick: Extremes, known: Sequence[Bounds], compute: Callable[[int], Extremes]) -> None:
        self.exact: dict[int, Extremes] = {}
        self._quick = quick
        self._known = known
        self._compute = compute
        self._magnitude = np.nanmax(np.abs(quick), axis=(0, 2), initial=0.0)
        self._step = _steps(self._magnitude)

    def settled(self) -> Extremes:
        """The extremes, exact wherever they could move a range across a line of its grid."""
        # One exact sample tells how large the fast kernels' error is; best one that will have to be run anyway. Which one
        # it is changes the time alone.
        wanted: dict[int, float] = {}
        for row, side in self._near(_GUESS * self._magnitude):
            candidates = self._candidates(row, side)
            for index in candidates:  # of a clamped tensor any will do
                wanted[index] = wanted.get(index, 0.0) + 1 / len(candidates)
        first = max(wanted, key=wanted.__getitem__, default=0)
        difference = np.nanmax(np.abs(self._quick[first] - self._run(first)), axis=1, initial=0.0)
        if bool((difference > _HOPELESS * self._magnitude).any()):
            for index in range(len(self._quick)):
                self._run(index)
        else:
            shares = difference[self._magnitude > 0] / self._magnitude[self._magnitude > 0]
            share = max(_FLOOR, _SAFETY_OF_ALL * float(shares.max(initial=0.0)))
            bound = np.maximum(_SAFETY * difference, share * self._magnitude)
            for row, side in self._near(bound):
                self._settle(row, side, bound[row])
        merged = self._quick.copy()
        for index, values in self.exact.items():
            merged[index] = values
        return merged

    def _run(self, index: int) -> Extremes:
        if index not in self.exact:
            self.exact[index] = self._compute(index)
        return self.exact[index]

    def _near(self, bound: NDArray[np.float64]) -> list[tuple[int, int]]:
        """Tensor and side (0 lowest, 1 highest) of the extremes that lie within `bound` of a line."""
        found = []
        for row in np.flatnonzero(self._magnitude > 0):
            if self._known[int(row)].given:  # nothing was computed
                continue
            error, step = bound[row], self._step[row]
            near_power = any(_steps(np.array([self._magnitude[row] + e]))[0] != step for e in (-error, error))
            for side in (0, 1):
                values = self._quick[:, row, side]
                extreme = float(np.nanmin(values) if side == 0 else np.nanmax(values))
                distance = abs(extreme / step - round(extreme / step)) * step
                doubtful = near_power or distance <= error
                if doubtful and not self._stopped(int(row), side, extreme, error, near_power):
                    found.append((int(row), side))
        return found

    def _stopped(self, row: int, side: int, extreme: float, error: float, near_power: bool) -> bool:
        """Whether an extreme lies at a line that no value crosses, and nearer to it than to the next line.

        Wherever the exact one lies between the two, it is rounded to the former.
        """
        known, step = self._known[row], self._step[row]
        if side == 0:  # zero is a line of any grid
            return known.low >= 0 and extreme >= 0 and extreme + error < step / 2
        on_line = known.high < math.inf and (known.high / step).is_integer() and not near_power
        return on_line and extreme <= known.high and known.high - extreme + error < step

    def _candidates(self, row: int, side: int, error: float = 0.0) -> list[int]:
        """The samples that may hold the extreme, the most likely first."""
        values = self._quick[:, row, side] * (1 if side else -1)
        order = np.argsort(-values, kind="stable")
        return [int(i) for i in order if values[i] >= np.nanmax(values) - 2 * error]

    def _settle(self, row: int, side: int, error: float) -> None:
        """Make the extreme of one tensor exact.

        Samples with the same value to the last bit have it from a clamp, which every kernel gives exactly: of those one
        is enough where the two kinds of kernels agree.
        """
        agreed = {
            float(self._quick[index, row, side])
            for index, values in self.exact.items()
            if values[row, side] == self._quick[index, row, side]
        }
        for index in self._candidates(row, side, error):
            value = float(self._quick[index, row, side])
            if value not in agreed and self._run(index)[row, side] == value:
                agreed.add(value)


def _steps(magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.where(magnitude > 0, magnitude, 1.0)
    return np.asarray(2.0 ** (np.floor(np.log2(safe)) - _GRID_BITS))


def _rounded(extremes: Extremes) -> list[tuple[float, float]]:
    """The range of each tensor over all samples, rounded outward to its grid."""
    with np.errstate(invalid="ignore"):
        low, high = np.nanmin(extremes[:, :, 0], axis=0), np.nanmax(extremes[:, :, 1], axis=0)
        step = _steps(np.fmax(np.abs(low), np.abs(high)))
    return [
        (float(np.floor(a / s) * s) + 0.0, float(np.ceil(b / s) * s) + 0.0)  # kernels differ in the sign of zero, too
        if np.isfinite(a) and np.isfinite(b)
        else (math.nan,) * 2
        for a, b, s in zip(low, high, step, strict=True)
    ]
