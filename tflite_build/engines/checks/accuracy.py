"""`accuracy`: how a .tflite file does on labelled data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Invalid, Names, Refused, Request
from tflite_build.engines.files import fitting, npz
from tflite_build.engines.files.runner import RunnableSignature, Runner
from tflite_build.engines.words import counted, quoted, shape_text

_KEY = "checks.accuracy"
_LABELS = "labels"

Array = NDArray[Any]


def run(request: Request) -> None:
    """Write `accuracy.json`: {"metric", "value", "samples"}.

    Params:
        names: What the spec calls tensors; the data may use those names or the model's own.
        renamed: Whether the file has them, as a variant has and the float file has not.

    Raises:
        Invalid: If the data does not fit the file.
        Refused: If the runtime does not run the file, or its output is NaN.
    """
    arrays = npz.read(request.inputs["data"], _KEY)
    runner = Runner(request.inputs["model"])
    signature = _signature(runner)
    labels = arrays.pop(_LABELS, None)
    if labels is None:
        raise Invalid(f"the data has no array '{_LABELS}'", _KEY, f"it has {quoted(arrays)}")
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise Invalid(
            f"'{_LABELS}' is {labels.dtype} of the shape {shape_text(labels.shape)}; one whole number a sample is needed",
            _KEY,
        )
    if not len(labels):
        raise Invalid(f"'{_LABELS}' is empty", _KEY)
    inputs = _inputs(arrays, len(labels), signature, request)
    output, classes = "", 0
    right = 0
    for index, label in enumerate(labels):
        made = runner.run_real(signature.name, {name: array[index] for name, array in inputs.items()})
        if not output:
            output = _scores(made)
            classes = made[output].size
            wrong = labels[(labels < 0) | (labels >= classes)]
            if len(wrong):
                raise Invalid(
                    f"'{_LABELS}' holds {wrong[0]}, and '{output}' has the classes 0 to {classes - 1}",
                    _KEY,
                )
        scores = made[output]
        if not np.isfinite(scores).all():
            raise Refused(f"the output '{output}' is NaN or infinite for sample {index} of the labelled data")
        right += int(np.argmax(scores) == label)
    value = right / len(labels)
    request.write_json("accuracy.json", {"metric": request.params["metric"], "value": value, "samples": len(labels)})


def _scores(outputs: Mapping[str, Array]) -> str:
    """The only output with one score for each class."""
    found = [n for n, a in outputs.items() if a.ndim and a.dtype.kind in "fiu" and a.size == a.shape[-1] >= 2]
    shown = ", ".join(f"'{n}' {shape_text(a.shape)}" for n, a in outputs.items())
    if len(found) != 1:
        what = "several outputs have" if found else "no output has"
        raise Invalid(f"{what} one score for each class: {shown}", _KEY, "top1 needs a model with one such output")
    return found[0]


def _signature(runner: Runner) -> RunnableSignature:
    if len(runner.signatures) > 1:
        raise Invalid(
            f"the model has the signatures {quoted(runner.signatures)}, and labelled data is for a model with one", _KEY
        )
    return next(iter(runner.signatures.values()))


def _inputs(
    arrays: Mapping[str, Array], count: int, signature: RunnableSignature, request: Request
) -> dict[str, Array]:
    """The arrays by the file's names, as (samples, *shape) of what callers pass; each of as many as there are labels."""
    names = Names.from_json(request.params["names"])
    ports = {
        names.own(signature.name, "inputs", name) if request.params["renamed"] else name: port
        for name, port in signature.inputs.items()
    }
    found = {}
    for own, given in fitting.by_own_name(arrays, signature.name, list(ports), names, "the data", _KEY).items():
        port = ports[own]
        real = port.scale is not None and given.value.dtype.name != port.dtype  # else its own integers
        array = found[port.name] = fitting.samples(given.value, port.spec(real=real), given.name, _KEY)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Invalid(f"'{given.name}' holds values that are not finite", _KEY)
        if len(array) != count:
            raise Invalid(
                f"'{given.name}' has {counted(len(array), 'sample')}, and there are {counted(count, 'label')}", _KEY
            )
    return found
