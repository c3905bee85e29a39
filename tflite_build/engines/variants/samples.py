"""`samples`: the data that files are calibrated and compared with, from the user or made, in one checked form.

Data that does not fit is told with what was found and what is allowed, before anything is converted. Knows the
signatures of the source and nothing of what computes on the data.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import numpy as np

from tflite_build.engines.contract import (
    Declared,
    DeclaredInput,
    Interface,
    Invalid,
    Refused,
    Request,
    SignatureSpec,
    TensorSpec,
)
from tflite_build.engines.files import fitting, npz, tensors
from tflite_build.engines.files.tensors import Array, Case
from tflite_build.engines.sources.source_shapes import table
from tflite_build.engines.user_code import seeds
from tflite_build.engines.words import counted, near_or_all, quoted
from tflite_build.errors import near_miss

if TYPE_CHECKING:
    from tflite_build.engines.user_code.usercode import Stage

_SEED = 20240229
_DEFAULT_SIZES = (1, 3)
_MOST_CASES = 16
_ENTRY = "calibration.entry"
_TWICE = 16  # of the first run's samples, so many are compared with a second run's
_PATIENCE = 60  # seconds: a generator that took longer is not run again
_Sample = tuple[SignatureSpec, dict[str, Array]]
_INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def run(request: Request) -> dict[str, Any]:
    """Write `samples/`.

    Raises:
        Invalid: If the data does not fit the source's signatures.
    """
    interface = Interface.from_json(request.read_json("interface"))
    params = request.params
    warnings: list[str] = []
    if params.get("entry"):
        cases, key = _from_code(request, interface, warnings), _ENTRY
    elif "data" in request.inputs:
        arrays = npz.read(request.inputs["data"], "calibration.data")
        cases, key = _from_arrays(arrays, interface, params), "calibration.data"
    else:
        declared = Declared.from_json(params["declared"])
        cases, key = list(_made(interface, declared, params["count"])), ""
    _check_values(cases, key)
    tensors.write(request.outputs / "samples", cases)
    facts: dict[str, Any] = {"samples": sum(c.count for c in cases), "made": not key}
    return {**facts, "warnings": warnings} if warnings else facts


def _public(params: Mapping[str, Any], signature: str) -> dict[str, str]:
    """Name as people write it -> the model's own, for the inputs of a signature."""
    names = params.get("names", {})
    return dict(names.get(signature, names.get("", {})))


def _made(interface: Interface, declared: Declared, count: int) -> Iterator[Case]:
    """Random data from a fixed seed: floats within [-1, 1) and integers within [0, 1] unless a range is declared."""
    for signature in interface.signatures:
        inputs = declared.inputs(signature.name)
        for sizes in _sizes(signature, inputs):
            random = np.random.Generator(np.random.PCG64(_SEED))
            arrays = {}
            for t in signature.inputs:
                shape = (count, *(sizes[d] if isinstance(d, str) else d for d in t.shape))
                bounds = inputs.get(t.name, DeclaredInput()).range
                key = f"{table(signature.name, signature.name not in declared.signatures, t.name)}.range"
                arrays[t.name] = _random(random, t, shape, bounds, key)
            yield Case(signature.name, arrays, sizes)


def _sizes(signature: SignatureSpec, inputs: Mapping[str, DeclaredInput]) -> list[dict[str, int]]:
    names = list(dict.fromkeys(d for t in signature.inputs for d in t.shape if isinstance(d, str)))
    given: dict[str, Sequence[int]] = {}
    for t in signature.inputs:
        given |= inputs.get(t.name, DeclaredInput()).sizes
    choices = [given.get(name, _DEFAULT_SIZES) for name in names]
    combined = [dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*choices)]
    if len(combined) > _MOST_CASES:  # every size of every dimension once, rather than all combinations
        longest = max(len(c) for c in choices)
        combined = [{n: c[min(i, len(c) - 1)] for n, c in zip(names, choices, strict=True)} for i in range(longest)]
    return combined


def _random(
    random: np.random.Generator, tensor: TensorSpec, shape: tuple[int, ...], bounds: Sequence[float] | None, key: str
) -> Array:
    if tensor.dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if tensor.dtype in _INTEGERS:
        low, high = _whole(bounds, tensor.dtype, key) if bounds else (0, 1)
        drawn = np.uint64 if high > np.iinfo(np.int64).max else np.int64
        return random.integers(low, high, shape, drawn, endpoint=True).astype(tensor.dtype)
    low_, high_ = bounds or (-1.0, 1.0)
    if max(-low_, high_, high_ - low_) > np.finfo(tensor.dtype).max:
        raise Invalid(f"the range is wider than {tensor.dtype}, which the input is", key)
    return random.uniform(low_, high_, shape).astype(tensor.dtype)


def _whole(bounds: Sequence[float], dtype: str, key: str) -> tuple[int, int]:
    """The lowest and the highest whole number of a range."""
    limits = np.iinfo(dtype)
    allowed = f"the input is {dtype}: whole numbers from {limits.min} to {limits.max}"
    low, high = math.ceil(bounds[0]), math.floor(bounds[1])
    if low > high:
        raise Invalid(f"there is no whole number from {bounds[0]:g} to {bounds[1]:g}, and {allowed}", key)
    if low < limits.min or high > limits.max:
        raise Invalid(f"the range reaches from {bounds[0]:g} to {bounds[1]:g}, and {allowed}", key)
    return low, high


def _from_arrays(arrays: Mapping[str, Array], interface: Interface, params: Mapping[str, Any]) -> list[Case]:
    key = "calibration.data"
    single = len(interface.signatures) == 1
    allowed: dict[str, tuple[SignatureSpec, TensorSpec]] = {}
    public_names: dict[str, None] = {}
    for signature in interface.signatures:
        public = {own: name for name, own in _public(params, signature.name).items()}
        for t in signature.inputs:
            shown = public.get(t.name, t.name)
            for name in dict.fromkeys((shown, t.name)):
                allowed[f"{signature.name}/{name}"] = (signature, t)
                if single:
                    allowed[name] = (signature, t)
            public_names[shown if single else f"{signature.name}/{shown}"] = None
    names = list(public_names)
    found: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        if name not in allowed:
            hint = near_or_all(name, names)
            if not near_miss(name, names):
                hint = f"{near_miss(name, allowed)} {hint}".strip()
            raise Invalid(f"the data has an array '{name}', and the model no such input", key, hint)
        signature, t = allowed[name]
        found.setdefault(signature.name, {})[t.name] = fitting.samples(array, t, name, key)
    for signature in interface.signatures:
        missing = [t.name for t in signature.inputs if t.name not in found.get(signature.name, {})]
        if missing:
            where = "" if single else f" of the signature '{signature.name}'"
            raise Invalid(
                f"the data has no array for the input {quoted(missing)}{where}", key, f"it needs {quoted(names)}"
            )
    count = params.get("count")
    cases = []
    for signature in interface.signatures:
        own = found[signature.name]
        lengths = {name: len(a) for name, a in own.items()}
        if len(set(lengths.values())) > 1:
            where = "" if single else f"{signature.name}/"
            public = {own_name: name for name, own_name in _public(params, signature.name).items()}
            shown = ", ".join(f"'{where}{public.get(n, n)}' has {counted(c, 'sample')}" for n, c in lengths.items())
            raise Invalid(f"the arrays have different numbers of samples: {shown}", key)
        _check_count(min(lengths.values()), params, "the data")
        taken = {name: a[:count] for name, a in own.items()}
        cases.append(Case(signature.name, taken, _found_sizes(signature, {n: a[0] for n, a in taken.items()}, key)))
    return cases


def _found_sizes(signature: SignatureSpec, sample: Mapping[str, Array], key: str) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for t in signature.inputs:
        for name, size in zip(t.shape, sample[t.name].shape, strict=True):
            if isinstance(name, str) and sizes.setdefault(name, size) != size:
                raise Invalid(f"the dimension '{name}' is {sizes[name]} in one input and {size} in '{t.name}'", key)
    return sizes


def _from_code(request: Request, interface: Interface, warnings: list[str]) -> list[Case]:
    from tflite_build.engines.user_code.usercode import Stage

    entry, count = str(request.params["entry"]), int(request.params["count"])
    with Stage(request, "calibration.files") as stage:
        begun, known = time.monotonic(), set(sys.modules)
        yielded = _yielded(stage, entry, count)
        seconds = time.monotonic() - begun
        if not yielded:
            raise Invalid(f"'{entry}' gives no samples", _ENTRY)
        _check_count(len(yielded), request.params, f"'{entry}'")
        taken = [
            list(_by_signature(value, interface, request.params, number, _ENTRY))
            for number, value in enumerate(yielded)
        ]
        del yielded
        cases = _grouped(taken, interface, entry)
        if seconds < _PATIENCE and _gives_others(stage, taken[:_TWICE], known, request, interface):
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
    stage: Stage, before: Sequence[Sequence[_Sample]], known: Set[str], request: Request, interface: Interface
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
            runs.append([list(_by_signature(v, interface, request.params, n, _ENTRY)) for n, v in enumerate(values)])
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


def _grouped(taken: Sequence[Sequence[_Sample]], interface: Interface, entry: str) -> list[Case]:
    """Samples by signature and by the sizes of its dynamic dimensions."""
    groups: dict[tuple[str, tuple[tuple[str, int], ...]], list[dict[str, Array]]] = {}
    for samples in taken:
        for signature, sample in samples:
            sizes = _found_sizes(signature, sample, _ENTRY)
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
    value: Any, interface: Interface, params: Mapping[str, Any], number: int, key: str
) -> Iterator[tuple[SignatureSpec, dict[str, Array]]]:
    names = [s.name for s in interface.signatures]
    if isinstance(value, Mapping) and value and all(isinstance(v, Mapping) for v in value.values()):
        for name, inner in value.items():
            if name not in names:
                raise Invalid(f"sample {number} names a signature '{name}'", key, near_or_all(str(name), names))
            signature = interface.signature(name)
            yield signature, _sample(inner, signature, params, number, key)
        return
    if len(names) > 1:
        raise Invalid(
            f"sample {number} does not say which signature it is for",
            key,
            f"yield {{signature: {{input: array}}}}; there are {quoted(names)}",
        )
    yield interface.signatures[0], _sample(value, interface.signatures[0], params, number, key)


def _sample(value: Any, signature: SignatureSpec, params: Mapping[str, Any], number: int, key: str) -> dict[str, Array]:
    if isinstance(value, tuple | list):
        if len(value) != len(signature.inputs):
            takes = counted(len(signature.inputs), "input")
            raise Invalid(f"sample {number} has {counted(len(value), 'array')}, and the model {takes}", key)
        value = {t.name: v for t, v in zip(signature.inputs, value, strict=True)}
    elif not isinstance(value, Mapping):
        if len(signature.inputs) != 1:
            raise Invalid(f"sample {number} is {type(value).__name__}; a dict of input name to array is needed", key)
        value = {signature.inputs[0].name: value}
    public = _public(params, signature.name)
    own = {public.get(str(name), str(name)): array for name, array in value.items()}
    known = [t.name for t in signature.inputs]
    for name in own:
        if name not in known:
            raise Invalid(
                f"sample {number} has an array '{name}', and the model no such input", key, near_or_all(name, known)
            )
    missing = [name for name in known if name not in own]
    if missing:
        raise Invalid(f"sample {number} has no array for the input {quoted(missing)}", key)
    shown = {own_name: name for name, own_name in public.items()}
    return {
        t.name: _sample_array(own[t.name], t, f"sample {number}: '{shown.get(t.name, t.name)}'", key)
        for t in signature.inputs
    }


def _sample_array(value: Any, tensor: TensorSpec, what: str, key: str) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise Invalid(f"{what} is no array: {' '.join(str(error).split())[:200]}", key) from error
    return fitting.sample(array, tensor, what, key)


def _check_values(cases: Sequence[Case], key: str) -> None:
    for case in cases:
        for name, array in case.tensors.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                wrong = np.argwhere(~np.isfinite(array))
                raise Invalid(
                    f"'{name}' holds {counted(len(wrong), 'value')} that is not finite, the first in sample {wrong[0][0]}"
                    if len(wrong) == 1
                    else f"'{name}' holds {len(wrong)} values that are not finite, the first in sample {wrong[0][0]}",
                    key or "input",
                )
