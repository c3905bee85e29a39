"""What would bring a quantized variant within its limits: the layers that lose most, and which of them to leave in float.

Every trial is a variant like any other, made and compared as a build makes it, so what was tried is in the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tflite_build.actions.layers import Layer
from tflite_build.errors import BuildError, StoreError
from tflite_build.planning.resolve import ResolvedVariant
from tflite_build.progress import Listener, Note, silent
from tflite_build.spec.load import LoadedSpec
from tflite_build.spec.rules import STATIC_QUANTIZE

from . import blame
from .driver import Options, Session, Target, build
from .job import Job
from .result import Gate, ModelResult, VariantResult

_KINDS = 4  # of operators that are tried as a whole
_SINGLE = 16  # layers that are tried to be quantized after all


@dataclass(frozen=True, slots=True)
class Trial:
    """A variant with layers left in float, and what came of it.

    Attributes:
        layers: The layers.
        result: The file that was made; None where none could be.
        gates: The limits that are about how good it is.
        kind: The operator all of which they are, where they were chosen for that.
    """

    layers: tuple[Layer, ...]
    result: VariantResult | None
    gates: tuple[Gate, ...]
    kind: str = ""

    @property
    def ok(self) -> bool:
        """Whether it keeps all limits."""
        return self.result is not None and all(gate.ok for gate in self.gates)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What was tried for a variant that misses its limits.

    Attributes:
        layers: All of its layers, those that lose most first.
        trials: In the order in which they were tried, the variant as it is first.
        best: The smallest that keeps all limits; None where none does.
        keep_float: The patterns of `best`, with those that the spec has.
        hopeless: Why nothing was tried; "" where something was.
        calibrated: Whether samples decide what is made of the other layers.
    """

    model: str
    spec: Path
    variant: str
    layers: tuple[Layer, ...]
    trials: tuple[Trial, ...]
    best: Trial | None
    keep_float: tuple[str, ...]
    hopeless: str = ""
    calibrated: bool = False

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "variant": self.variant,
            "layers": [
                {"name": x.name, "operator": x.operator, "error": x.error, "added": x.added} for x in self.layers
            ],
            "trials": [
                {
                    "layers": [layer.name for layer in t.layers],
                    "kind": t.kind or None,
                    "size": t.result and t.result.size,
                    "ok": t.ok,
                    "checks": [gate.to_json() for gate in t.gates],
                }
                for t in self.trials
            ],
            "keep_float": list(self.keep_float) if self.best else None,
            "hopeless": self.hopeless,
        }


def suggest(targets: Sequence[Target], options: Options, listener: Listener) -> tuple[Suggestion, ...]:
    """Try to bring every quantized variant that misses its limits within them, by leaving layers in float.

    Args:
        targets: Models.
        options: As for a check.
        listener: Told what is tried.

    Raises:
        BuildError: If the store cannot be used.
    """
    found: list[Suggestion] = []
    with Session(options, listener, lasting=True) as session:
        for target in targets:
            try:
                for suggestion in _of_model(session, target, options):
                    found.append(suggestion)  # noqa: PERF402 - one by one: those before an error count
            except StoreError:
                raise
            except BuildError:  # which a check tells
                continue
    return tuple(found)


def _of_model(session: Session, target: Target, options: Options) -> Iterator[Suggestion]:
    for variant, first in _missing(target, options, session):
        why = _hopeless(session.job(target), session, first[1])
        if why:
            name = target.loaded.spec.model.name
            yield Suggestion(name, target.loaded.file, variant.name, (), (), None, (), why)
            continue
        session.listener(Note(f"looking for layers of '{variant.name}' to keep in float", target.label))
        yield _Search(session, target, options, variant, first).run()


def _missing(
    target: Target, options: Options, session: Session
) -> Iterator[tuple[ResolvedVariant, tuple[VariantResult | None, tuple[Gate, ...]]]]:
    """The quantized variants of a model that are made and miss a limit of how good they are."""
    job = session.job(target)
    for variant in job.resolved.variants:
        if not variant.quantizer or (target.variants and variant.name not in target.variants):
            continue
        result = _built(session, replace(target, variants=(variant.name,)), options)
        gates = _quality(result, variant.name)
        if any(not gate.ok for gate in gates):
            yield variant, (_file(result, variant.name), gates)


def _hopeless(job: Job, session: Session, gates: Sequence[Gate]) -> str:
    """Why no layer in float brings a variant within its limits: the source itself misses one; "" where it does not."""
    _follow(session, job)
    return next((why for why in (blame.of_source(job, gate) for gate in gates) if why), "")


def _built(session: Session, target: Target, options: Options) -> ModelResult:
    (result,) = build([target], replace(options, publish=False), silent, session)
    return result


def _file(result: ModelResult, variant: str) -> VariantResult | None:
    return next((v for v in (*result.variants, *result.unpublished) if v.name == variant), None)


def _quality(result: ModelResult, variant: str) -> tuple[Gate, ...]:
    return tuple(gate for gate in result.gates if gate.variant == variant and gate.check in blame.QUALITY)


class _Search:
    """For the fewest bytes that keep the limits: the worst layers first, then those that do not matter go again."""

    def __init__(
        self,
        session: Session,
        target: Target,
        options: Options,
        variant: ResolvedVariant,
        first: tuple[VariantResult | None, tuple[Gate, ...]],
    ) -> None:
        self._session = session
        self._target = replace(target, variants=(variant.name,))
        self._options = options
        self._variant = variant
        self._ranked: tuple[Layer, ...] = ()
        self.trials = [Trial((), *first)]

    def run(self) -> Suggestion:
        ranked = self._ranked = self._layers()
        best = self._grown(ranked)
        if best is not None:
            best = self._thinned(best)
        best = self._of_a_kind(best)
        kept = (*self._variant.keep_float, *self._patterns(best.layers, best.kind)) if best else ()
        return Suggestion(
            self._target.loaded.spec.model.name,
            self._target.loaded.file,
            self._variant.name,
            ranked,
            tuple(self.trials),
            best,
            kept,
            calibrated=self._variant.quantize in STATIC_QUANTIZE,
        )

    def _patterns(self, kept: Sequence[Layer], kind: str = "") -> tuple[str, ...]:
        return (f"op:{kind}",) if kind else tuple(blame.pattern(layer, self._ranked) for layer in kept)

    def _layers(self) -> tuple[Layer, ...]:
        job = self._session.job(self._target)
        _follow(self._session, job)
        return blame.layers_of(job, self._variant, self._session.aside)

    def _grown(self, ranked: Sequence[Layer]) -> Trial | None:
        """The first good one with the worst 1, 2, 3, 5, 8 ... layers, then with as few of them as will do."""
        useful = [layer for layer in ranked if layer.added > 0]
        count, step, bad = 1, 1, 0
        good: Trial | None = None
        while good is None and bad < len(useful):
            count = min(count, len(useful))
            trial = self._try(tuple(useful[:count]))
            if trial.ok:
                good = trial
            else:
                bad, count, step = count, count + step, count
        while good is not None and len(good.layers) - bad > 1:
            middle = (len(good.layers) + bad) // 2
            trial = self._try(tuple(useful[:middle]))
            if trial.ok:
                good = trial
            else:
                bad = middle
        return good

    def _thinned(self, best: Trial) -> Trial:
        """Without those that it does not need, the heaviest first."""
        for layer in sorted(best.layers, key=lambda x: -x.weights)[:_SINGLE]:
            fewer = tuple(other for other in best.layers if other is not layer)
            if not fewer:
                break
            trial = self._try(fewer)
            if trial.ok and trial.result and best.result and trial.result.size <= best.result.size:
                best = trial
        return best

    def _of_a_kind(self, best: Trial | None) -> Trial | None:
        """All layers of one operator, where that is as small, or nothing else keeps the limits."""
        if best is not None and len(best.layers) == 1:
            return best
        loss: dict[str, float] = {}
        for layer in best.layers if best else self._ranked:
            loss[layer.operator] = loss.get(layer.operator, 0.0) + layer.added
        for kind in sorted((kind for kind in loss if loss[kind] > 0), key=lambda kind: -loss[kind])[:_KINDS]:
            trial = self._try(tuple(layer for layer in self._ranked if layer.operator == kind), kind)
            smaller = best is None or (trial.result and best.result and trial.result.size <= best.result.size)
            if trial.ok and smaller:
                best = trial
        return best

    def _try(self, kept: tuple[Layer, ...], kind: str = "") -> Trial:
        known = next((trial for trial in self.trials if set(trial.layers) == set(kept) and trial.kind == kind), None)
        if known is not None:
            return known
        loaded = _with(self._target.loaded, self._variant.name, self._patterns(kept, kind))
        result = _built(self._session, replace(self._target, loaded=loaded), self._options)
        gates = _quality(result, self._variant.name)
        trial = Trial(kept, _file(result, self._variant.name), gates, kind)
        self.trials.append(trial)
        return trial


def _follow(session: Session, job: Job) -> None:
    """Take what the store has of `job`, as far as that goes."""
    again = True
    while again:
        again = False
        for step in job.ready():
            found = session.executor.lookup(step, job.artifacts(step), job.loaded.folder)
            if found is not None:
                job.finish(step, found)
                again = True
                break


def _with(loaded: LoadedSpec, variant: str, patterns: tuple[str, ...]) -> LoadedSpec:
    """`loaded` with more layers of a variant left in float."""
    own = loaded.spec.variant[variant]
    changed = own.model_copy(update={"keep_float": (*own.keep_float, *patterns)})
    spec = loaded.spec.model_copy(update={"variant": {**loaded.spec.variant, variant: changed}})
    return replace(loaded, spec=spec)
