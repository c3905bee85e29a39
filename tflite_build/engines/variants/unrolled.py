"""`unroll`: samples with what a model keeps between calls: each takes what the float file gives for the one before it.

So files are calibrated and compared on states as they come to be, and each call for itself: an error does not add up. The
reference kernels run, which compute alike on every CPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import numpy as np

from tflite_build.engines.contract import Names, Refused, Request, SignatureSpec
from tflite_build.engines.files import opening, tensors
from tflite_build.engines.files.runner import Runner
from tflite_build.engines.files.tensors import Array, Case
from tflite_build.engines.kinds.states import BoundState, States
from tflite_build.engines.words import quoted

from .own_states import bound

_ALONE = 8  # calls of a signature that takes states alone, so that nobody gives samples for it


def run(request: Request) -> None:
    """Write `samples/`: those that are given, with arrays for the inputs that take states.

    Params:
        states: See `kinds.states`.
        names: What the spec calls tensors; the file has the model's own names.
        sequence: How many samples belong together; after them states have their first values. None for all.

    Raises:
        Invalid: If a state does not fit the file.
        Refused: If the runtime does not run the file.
    """
    states, names = States.from_json(request.params["states"]), Names.from_json(request.params["names"])
    runner = _runner(request)
    cases = tensors.read(request.inputs["samples"])
    made = [_unrolled(case, runner, states, names, request.params["sequence"]) for case in cases]
    tensors.write(request.outputs / "samples", made)


def _runner(request: Request) -> Runner:
    with contextlib.suppress(Refused):  # some operators have no reference kernels
        made = opening.runner(request, kernels="reference")
        made.load()
        return made
    return opening.runner(request)


def _unrolled(case: Case, runner: Runner, states: States, names: Names, sequence: int | None) -> Case:
    signature = runner.signatures.get(case.signature)
    if signature is None:
        raise Refused(f"the file has the signatures {quoted(runner.signatures)}, and not '{case.signature}'")
    sides = [[p.spec(real=False) for p in side.values()] for side in (signature.inputs, signature.outputs)]
    kept = bound(states, SignatureSpec(case.signature, tuple(sides[0]), tuple(sides[1])), names)
    if not kept:
        return case
    added: dict[str, list[Array]] = {state.input.name: [] for state in kept}
    carried: Mapping[str, Array] = {}
    count = case.count if case.tensors else _ALONE
    for index in range(count):
        if index % (sequence or count) == 0:
            carried = first(kept)
        for name, value in carried.items():
            added[name].append(value)
        outputs = runner.run(case.signature, {**case.sample(index), **carried})
        given = {s.input.name: np.array(outputs[s.output.name]) for s in kept if s.output is not None}
        carried = {**carried, **given}
    whole = {**case.tensors, **{name: np.stack(values) for name, values in added.items()}}
    return Case(case.signature, whole, case.sizes, case.derived)


def first(states: Sequence[BoundState]) -> Mapping[str, Array]:
    """What inputs take at the first call of a sequence."""
    return {s.input.name: np.full([int(d) for d in s.input.shape], s.initial, s.input.real) for s in states}
