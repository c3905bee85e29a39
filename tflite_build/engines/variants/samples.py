"""`samples`: the data that files are calibrated and compared with, from the user or made, in one checked form.

Data that does not fit is told with what was found and what is allowed, before anything is converted. Knows the
signatures of the source and nothing of what computes on the data.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tflite_build.engines.contract import (
    Answer,
    Declared,
    DeclaredInput,
    Interface,
    Invalid,
    Names,
    Refused,
    Request,
    SignatureSpec,
    TensorSpec,
)
from tflite_build.engines.files import fitting, npz, tensors
from tflite_build.engines.files.tensors import Array, Case
from tflite_build.engines.kinds.states import States
from tflite_build.engines.preprocessing import arrays as content_arrays
from tflite_build.engines.user_code import seeds
from tflite_build.engines.words import counted, near_or_all, quoted
from tflite_build.errors import near_miss

from . import made_samples, other_sizes, own_states

if TYPE_CHECKING:
    from tflite_build.engines.user_code.usercode import Stage

_ENTRY = "calibration.entry"
_TWICE = 16  # of the first run's samples, so many are compared with a second run's
_PATIENCE = 60  # seconds: a generator that took longer is not run again
_Sample = tuple[SignatureSpec, dict[str, Array]]


def run(request: Request) -> Answer:
    """Write `samples/`.

    Raises:
        Invalid: If the data does not fit the source's signatures.
    """
    params = request.params
    names = Names.from_json(params["names"])
    interface = Interface.from_json(request.read_json("interface"))
    if "states" in params:
        interface = _without(interface, States.from_json(params["states"]), names)
    _check_names(interface, names)
    declared = Declared.from_json(params["declared"])
    warnings: list[str] = []
    if params.get("entry"):
        cases, key = _from_code(request, interface, names, warnings), _ENTRY
    elif "data" in request.inputs:
        arrays = npz.read(request.inputs["data"], "calibration.data")
        cases, key = _from_arrays(arrays, interface, names, params), "calibration.data"
    else:
        cases, key = list(made_samples.made(interface, declared, params["count"])), ""
    _check_values(cases, names, declared, key)
    tensors.write(request.outputs / "samples", other_sizes.completed(cases, interface, declared) if key else cases)
    return Answer(warnings=warnings)


def _without(interface: Interface, states: States, names: Names) -> Interface:
    """The interface without the inputs that take states: calls hand these on.

    Raises:
        Invalid: If a state is about no input, or does not fit.
    """
    found = []
    shown = {}
    for signature in interface.signatures:
        kept = {s.input.name for s in own_states.bound(states, signature, names)}
        rest = tuple(t for t in signature.inputs if t.name not in kept)
        found.append(replace(signature, inputs=rest))
        shown[signature.name] = own_states.shown(signature, names)
    states.check(shown)
    return Interface(tuple(found))


def _check_names(interface: Interface, names: Names) -> None:
    """Make sure that no input gets a name which another one keeps: data could not say which of them it is for."""
    single = len(interface.signatures) == 1
    for signature in interface.signatures:
        fitting.check_names(signature.name, [t.name for t in signature.inputs], names, single=single)


def _from_arrays(
    arrays: Mapping[str, Array], interface: Interface, names: Names, params: Mapping[str, Any]
) -> list[Case]:
    key = "calibration.data"
    single = len(interface.signatures) == 1

    def shown(signature: SignatureSpec, own: str) -> str:
        public = names.public(signature.name, "inputs", own)
        return public if single else f"{signature.name}/{public}"

    known = list(dict.fromkeys(shown(s, t.name) for s in interface.signatures for t in s.inputs))
    found: dict[str, dict[str, fitting.Given[Array]]] = {s.name: {} for s in interface.signatures}
    for name, array in arrays.items():
        place = _place(name, interface, names)
        if place is None:
            hint = near_or_all(name, known)
            if not near_miss(name, known):
                hint = f"{near_miss(name, _spellings(interface, names))} {hint}".strip()
            raise Invalid(f"the data has an array '{name}', and the model no such input", key, hint)
        signature, t = place
        own = found[signature.name]
        if t.name in own:
            raise fitting.given_twice(shown(signature, t.name), own[t.name].name, name, "the data", key)
        own[t.name] = fitting.Given(name, fitting.samples(array, t, name, key))
    for signature in interface.signatures:
        missing = [
            names.public(signature.name, "inputs", t.name)
            for t in signature.inputs
            if t.name not in found[signature.name]
        ]
        if missing:
            where = "" if single else f" of the signature '{signature.name}'"
            raise Invalid(
                f"the data has no array for the input {quoted(missing)}{where}", key, f"it needs {quoted(known)}"
            )
    count = params.get("count")
    cases = []
    for signature in interface.signatures:
        own = found[signature.name]
        lengths = {name: len(given.value) for name, given in own.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"'{shown(signature, n)}' has {counted(c, 'sample')}" for n, c in lengths.items())
            raise Invalid(f"the arrays have different numbers of samples: {listed}", key)
        _check_count(min(lengths.values()), params, "the data")
        taken = {name: given.value[:count] for name, given in own.items()}
        sizes = _found_sizes(signature, {n: a[0] for n, a in taken.items()}, names, key)
        cases.append(Case(signature.name, taken, sizes))
    return cases


def _place(name: str, interface: Interface, names: Names) -> tuple[SignatureSpec, TensorSpec] | None:
    """What an array of a file is for: INPUT, where there is one signature, or SIGNATURE/INPUT."""
    for signature in interface.signatures:
        written = [name] if len(interface.signatures) == 1 else []
        if name.startswith(f"{signature.name}/"):
            written.append(name.removeprefix(f"{signature.name}/"))
        for one in written:
            own = names.own(signature.name, "inputs", one)
            for tensor in signature.inputs:
                if tensor.name == own:
                    return signature, tensor
    return None


def _spellings(interface: Interface, names: Names) -> list[str]:
    """All ways to write the name of an input, with its signature first."""
    return [
        form
        for signature in interface.signatures
        for t in signature.inputs
        for name in dict.fromkeys((names.public(signature.name, "inputs", t.name), t.name))
        for form in (f"{signature.name}/{name}", name)[: 2 if len(interface.signatures) == 1 else 1]
    ]


def _found_sizes(signature: SignatureSpec, sample: Mapping[str, Array], names: Names, key: str) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for t in signature.inputs:
        for name, size in zip(t.shape, sample[t.name].shape, strict=True):
            if isinstance(name, str) and sizes.setdefault(name, size) != size:
                shown = names.public(signature.name, "inputs", t.name)
                raise Invalid(f"the dimension '{name}' is {sizes[name]} in one input and {size} in '{shown}'", key)
    return sizes


def _from_code(request: Request, interface: Interface, names: Names, warnings: list[str]) -> list[Case]:
    from tflite_build.engines.user_code.usercode import Stage

    entry, count = str(request.params["entry"]), int(request.params["count"])
    with Stage(request, "calibration.files") as stage:
        begun, known = time.monotonic(), set(sys.modules)
        yielded = _yielded(stage, entry, count)
        seconds = time.monotonic() - begun
        if not yielded:
            raise Invalid(f"'{entry}' gives no samples", _ENTRY)
        _check_count(len(yielded), request.params, f"'{entry}'")
        taken = [list(_by_signature(value, interface, names, number, _ENTRY)) for number, value in enumerate(yielded)]
        del yielded
        cases = _grouped(taken, interface, names, entry)
        if seconds < _PATIENCE and _gives_others(stage, taken[:_TWICE], known, request, interface, names):
            warnings.append(
                f"'{entry}' gives other samples each time it runs, so a build from an empty store gives other files: "
                "seed what it draws from, as in np.random.default_rng(0), and take no part of the time or of the system"
            )
    return cases


def _yielded(stage: Stage, entry: str, count: int) -> list[Any]:
    """The first `count` values that the user's generator gives."""
    seeds.plant_tensorflow()
    function = stage.entry(entry, key=_ENTRY)
    value = stage.call(function, key=_ENTRY)
    with stage.explained(_ENTRY, entry.partition(":")[0]):
        return list(itertools.islice(_iterable(value, entry), count))


def _gives_others(
    stage: Stage,
    before: Sequence[Sequence[_Sample]],
    known: Set[str],
    request: Request,
    interface: Interface,
    names: Names,
) -> bool:
    """Whether the user's code, run anew from its first line, gives other samples than `before`.

    A run that fails tells nothing: code may well be unable to run twice in one process. Nor does a second run that
    differs from the first alone where the first imported libraries, modules that were not `known`: some draw while they
    are imported, as Keras does. Then a third run is held against the second, which found them there.
    """
    runs = [before]
    stage.forget()
    imported = sys.modules.keys() - known
    for _ in range(2 if imported else 1):
        stage.forget()
        try:
            values = _yielded(stage, str(request.params["entry"]), len(before))
            runs.append([list(_by_signature(v, interface, names, n, _ENTRY)) for n, v in enumerate(values)])
        except (Invalid, Refused, MemoryError):
            return False
        if len(runs[-2]) == len(runs[-1]) and all(map(_equal, runs[-2], runs[-1])):
            return False
    return True


def _equal(one: Sequence[_Sample], other: Sequence[_Sample]) -> bool:
    """Whether a value of the generator is the same samples for the same signatures as another."""
    return len(one) == len(other) and all(
        a.name == b.name and all(np.array_equal(x[n], y[n], equal_nan=x[n].dtype.kind in "fc") for n in x)
        for (a, x), (b, y) in zip(one, other, strict=True)
    )


def _grouped(taken: Sequence[Sequence[_Sample]], interface: Interface, names: Names, entry: str) -> list[Case]:
    """Samples by signature and by the sizes of its dynamic dimensions."""
    groups: dict[tuple[str, tuple[tuple[str, int], ...]], list[dict[str, Array]]] = {}
    for samples in taken:
        for signature, sample in samples:
            sizes = _found_sizes(signature, sample, names, _ENTRY)
            groups.setdefault((signature.name, tuple(sorted(sizes.items()))), []).append(sample)
    missing = [s.name for s in interface.signatures if s.name not in {name for name, _ in groups}]
    if missing:
        raise Invalid(f"'{entry}' gives no samples for the signature {quoted(missing)}", _ENTRY)
    return [
        Case(name, {n: np.stack([s[n] for s in samples]) for n in samples[0]}, dict(sizes))
        for (name, sizes), samples in groups.items()
    ]


def _check_count(there: int, params: Mapping[str, Any], what: str) -> None:
    wanted = params.get("wanted")
    if wanted is not None and there < wanted:
        raise Invalid(
            f"{what} has {counted(there, 'sample')}, and 'samples' asks for {wanted}",
            "calibration.samples",
            "leave 'samples' out to take all that there are",
        )


def _iterable(value: Any, entry: str) -> Iterable[Any]:
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise Invalid(
            f"'{entry}' gives {type(value).__name__}; it must yield samples, each a dict of input name to array",
            _ENTRY,
        )
    return value


def _by_signature(
    value: Any, interface: Interface, names: Names, number: int, key: str
) -> Iterator[tuple[SignatureSpec, dict[str, Array]]]:
    signatures = [s.name for s in interface.signatures]
    if isinstance(value, Mapping) and value and all(isinstance(v, Mapping) for v in value.values()):
        for name, inner in value.items():
            if name not in signatures:
                hint = near_or_all(str(name), signatures)
                raise Invalid(f"sample {number} names a signature '{name}'", key, hint)
            signature = interface.signature(name)
            yield signature, _sample(inner, signature, names, number, key)
        return
    if len(signatures) > 1:
        raise Invalid(
            f"sample {number} does not say which signature it is for",
            key,
            f"yield {{signature: {{input: array}}}}; there are {quoted(signatures)}",
        )
    yield interface.signatures[0], _sample(value, interface.signatures[0], names, number, key)


def _sample(value: Any, signature: SignatureSpec, names: Names, number: int, key: str) -> dict[str, Array]:
    own = [t.name for t in signature.inputs]
    if isinstance(value, tuple | list):
        if len(value) != len(own):
            takes = counted(len(own), "input")
            raise Invalid(f"sample {number} has {counted(len(value), 'array')}, and the model {takes}", key)
        given = dict(zip(own, value, strict=True))
    elif not isinstance(value, Mapping):
        if len(own) != 1:
            raise Invalid(f"sample {number} is {type(value).__name__}; a dict of input name to array is needed", key)
        given = {own[0]: value}
    else:
        written = {str(name): array for name, array in value.items()}
        taken = fitting.by_own_name(written, signature.name, own, names, f"sample {number}", key)
        given = {name: one.value for name, one in taken.items()}
    return {
        t.name: _sample_array(
            given[t.name], t, f"sample {number}: '{names.public(signature.name, 'inputs', t.name)}'", key
        )
        for t in signature.inputs
    }


def _sample_array(value: Any, tensor: TensorSpec, what: str, key: str) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise Invalid(f"{what} is no array: {' '.join(str(error).split())[:200]}", key) from error
    return fitting.sample(array, tensor, what, key)


def _check_values(cases: Sequence[Case], names: Names, declared: Declared, key: str) -> None:
    for case in cases:
        for own, array in case.tensors.items():
            name = names.public(case.signature, "inputs", own)
            said = declared.inputs(case.signature).get(own, DeclaredInput())
            bounds = said.range
            if bounds is not None and key:
                _check_range(array, name, bounds, key)
            if key:
                content_arrays.check(array, said.content, name, key)
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                wrong = np.argwhere(~np.isfinite(array))
                raise Invalid(
                    f"'{name}' holds {counted(len(wrong), 'value')} that is not finite, the first in sample {wrong[0][0]}"
                    if len(wrong) == 1
                    else f"'{name}' holds {len(wrong)} values that are not finite, the first in sample {wrong[0][0]}",
                    key or "input",
                )


def _check_range(array: Array, name: str, bounds: tuple[float, float], key: str) -> None:
    """Invalid where data of the user's lies outside of the range that the spec gives the input."""
    if array.dtype.kind not in "fiu":
        return
    outside = np.argwhere((array < bounds[0]) | (array > bounds[1]))
    if len(outside):
        first = outside[0]
        raise Invalid(
            f"'{name}' holds {array[tuple(first)]:g} in sample {first[0]}, and its range is {bounds[0]:g} to {bounds[1]:g}",
            key,
            f"{counted(len(outside), 'value')} {'lies' if len(outside) == 1 else 'lie'} outside: take other data, or widen "
            "`range` of that input",
        )
