"""`accuracy`: how a .tflite file does on labelled data, by one of `measures` or by the user's own function."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Declared, DeclaredInput, Invalid, Names, Request
from tflite_build.engines.files import custom_operators, fitting, npz, opening
from tflite_build.engines.files.runner import RunnableSignature, Runner
from tflite_build.engines.kinds.states import States
from tflite_build.engines.preprocessing import arrays as content_arrays
from tflite_build.engines.words import counted, quoted

from . import results
from .measures import KEY, LABELS, MEASURES, Mislabelled, NotFinite

Array = NDArray[Any]
_OF_OUTPUT = f"{LABELS}/"
_DIGITS = 9  # kernels differ in the last bits from CPU to CPU


def run(request: Request) -> None:
    """Write `accuracy.json`: {"metric", "value", "samples"}; no value where the file is not run (see `compare`).

    Params:
        metric: A name of `MEASURES`, or "".
        entry: Instead of it the user's function, as FILE.py:NAME: of outputs (public name -> (samples, *shape) of real
            numbers) and labels (the array, or arrays by name), giving a number.
        names: What the spec calls tensors; the data may use those names or the model's own.
        outputs: What outputs stand for, public name -> content.
        arguments, results: Signature ("" for the only one) -> bindings (see `kinds.binding`) of the results that the
            metric is of, as an app gets them, and of pictures.
        declared: What the spec says of inputs.
        states: What the model keeps between calls (see `kinds.states`); missing where it keeps nothing.
        renamed: Whether the file has the public names, as a variant has and the float file has not.

    Raises:
        Invalid: If the data does not fit the file, its output is NaN, or the user's function fails.
        Refused: If the runtime does not run the file.
    """
    if custom_operators.not_run(request):
        request.write_json("accuracy.json", {"metric": request.params["metric"], "value": None, "samples": 0})
        return
    arrays = npz.read(request.inputs["data"], KEY)
    runner = opening.runner(request)
    signature = _signature(runner)
    labels = _labels(arrays, bool(request.params["entry"]) or request.params["metric"] == "mAP")
    count = len(next(iter(labels.values())))
    inputs = _inputs({n: a for n, a in arrays.items() if n not in _label_names(arrays)}, count, signature, request)
    outcomes = _outcomes(runner, signature, inputs, count, request)
    if request.params["entry"]:
        value = _own(request, list(outcomes), labels)
    else:
        measure = MEASURES[request.params["metric"]](results.contents(request, signature))
        for index, outputs in enumerate(outcomes):
            try:
                measure.add(outputs, {name: array[index] for name, array in labels.items()})
            except Mislabelled as error:
                place = f"{error.message}; it is the label of sample {index}, counted from 0"
                raise Invalid(place, error.key, "files of a folder are in the order of their names") from None
            except NotFinite as error:
                raise Invalid(
                    f"the output '{error}' is NaN or infinite for sample {index} of the data, counted from 0",
                    KEY,
                    "leave out samples that the model is not made for; if it is made for this one, it is the model's fault",
                ) from None
        value = measure.value()
    if not math.isfinite(value):
        raise Invalid(f"the {request.params['metric']} of this data is beyond what a number can hold", KEY)
    rounded = float(f"{value:.{_DIGITS}g}")
    request.write_json("accuracy.json", {"metric": request.params["metric"], "value": rounded, "samples": count})


def _label_names(arrays: Mapping[str, Array]) -> list[str]:
    return [name for name in arrays if name == LABELS or name.startswith(_OF_OUTPUT)]


def _labels(arrays: Mapping[str, Array], named: bool) -> dict[str, Array]:
    """Labels by what they are for: `labels` alone, or OUTPUT for each `labels/OUTPUT`; the first axis the samples."""
    names = _label_names(arrays)
    if not names:
        wanted = f"'{LABELS}'" + (f" or '{_OF_OUTPUT}NAME'" if named else "")
        raise Invalid(f"the data has no array {wanted}", KEY, f"it has {quoted(arrays)}")
    if LABELS in names and len(names) > 1:
        raise Invalid(f"the data has '{LABELS}' and {quoted(n for n in names if n != LABELS)}", KEY, "leave one out")
    for name in names:
        if arrays[name].ndim == 0 or not len(arrays[name]):
            raise Invalid(f"'{name}' is empty", KEY)
        if arrays[name].dtype.kind not in "iufb":
            raise Invalid(f"'{name}' is {arrays[name].dtype}; labels are numbers", KEY)
        if not np.isfinite(arrays[name]).all():
            raise Invalid(f"'{name}' holds values that are not finite", KEY)
    if len({len(arrays[name]) for name in names}) > 1:
        raise Invalid(f"{quoted(names)} have different numbers of samples", KEY)
    return {name.removeprefix(_OF_OUTPUT): arrays[name] for name in names}


def _outcomes(
    runner: Runner, signature: RunnableSignature, inputs: Mapping[str, Array], count: int, request: Request
) -> Iterator[dict[str, Array]]:
    """The outputs of each sample by public name, without those that only the next call takes."""
    names = Names.from_json(request.params["names"])
    given = [
        names.public(signature.name, "inputs", n) if not request.params["renamed"] else n for n in signature.inputs
    ]
    kept = {output for n in given if (output := _states(request).output_of(n))} - {*request.params["outputs"]}
    for index in range(count):
        made = runner.run_real(signature.name, {name: array[index] for name, array in inputs.items()})
        if not request.params["renamed"]:
            made = {names.public(signature.name, "outputs", name): value for name, value in made.items()}
        yield {name: value for name, value in made.items() if name not in kept}


def _states(request: Request) -> States:
    return States.from_json(request.params["states"]) if "states" in request.params else States()


def _own(request: Request, outcomes: list[dict[str, Array]], labels: Mapping[str, Array]) -> float:
    from tflite_build.engines.user_code.usercode import Stage

    entry, key = str(request.params["entry"]), f"{KEY}.entry"
    try:
        outputs = {name: np.stack([o[name] for o in outcomes]) for name in outcomes[0]}
    except ValueError:
        raise Invalid("an output has another shape in each sample, which no array can hold", key) from None
    given = labels[LABELS] if LABELS in labels else dict(labels)
    with Stage(request, f"{KEY}.files") as stage:
        value = stage.call(stage.entry(entry, key=key), outputs, given, key=key)
        if isinstance(value, np.ndarray | np.generic) and np.size(value) == 1:
            value = np.asarray(value).reshape(-1)[0].item()
        number = _number(value)
        if not math.isfinite(number):
            raise Invalid(f"'{entry}' gives {_shown(value)}, and a measure is one finite number", key)
        return number


def _number(value: Any) -> float:
    """What the user's function gave as a number; NaN where it is none, infinity where it is too large for one."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _shown(value: Any) -> str:
    try:
        return repr(value)[:60]
    except ValueError:  # of a whole number with thousands of digits
        return f"an {type(value).__name__} too large to show"


def _signature(runner: Runner) -> RunnableSignature:
    if len(runner.signatures) > 1:
        raise Invalid(
            f"the model has the signatures {quoted(runner.signatures)}, and labelled data is for a model with one", KEY
        )
    return next(iter(runner.signatures.values()))


def _inputs(
    arrays: Mapping[str, Array], count: int, signature: RunnableSignature, request: Request
) -> dict[str, Array]:
    """The arrays by the file's names, as (samples, *shape) of what callers pass; each of as many as there are labels."""
    names = Names.from_json(request.params["names"])
    declared = Declared.from_json(request.params["declared"]).inputs(signature.name)
    states = _states(request)
    ports = {
        names.own(signature.name, "inputs", name) if request.params["renamed"] else name: port
        for name, port in signature.inputs.items()
    }
    fitting.check_names(signature.name, list(ports), names, single=True)  # variants may not have found it yet
    found = {}
    for own in list(ports):  # each sample is a first call
        initial = states.initial(names.public(signature.name, "inputs", own))
        if initial is not None:
            port = ports.pop(own)
            shape = [count, *(d for d in port.shape)]
            found[port.name] = np.full(shape, initial, port.spec(real=port.scale is not None).dtype)
    for own, given in fitting.by_own_name(arrays, signature.name, list(ports), names, "the data", KEY).items():
        port = ports[own]
        real = port.scale is not None and given.value.dtype.name != port.dtype  # else its own integers
        array = found[port.name] = fitting.samples(given.value, port.spec(real=real), given.name, KEY)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Invalid(f"'{given.name}' holds values that are not finite", KEY)
        if len(array) != count:
            raise Invalid(
                f"'{given.name}' has {counted(len(array), 'sample')}, and there are {counted(count, 'label')}", KEY
            )
        content_arrays.check(array, declared.get(own, DeclaredInput()).content, given.name, KEY)
    return found
