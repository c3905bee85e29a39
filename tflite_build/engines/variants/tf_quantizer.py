"""quantize.tensorflow: TensorFlow's own integer quantizer, the second way where litert-quantizer's file is no good.

It is part of ai-edge-litert, so TensorFlow itself is not needed. It quantizes to int8 and to int16 activations with int8
weights, a whole model at a time; weights alone it cannot. Ranges come from `calibrate`, so that the same file comes
out on every CPU; what that cannot see (the inside of fused LSTMs) is measured by the quantizer's own run, whose kernels
differ from CPU to CPU. Knows nothing of recipes.

Source of the calls and their order: tensorflow/lite/python/optimize/calibrator.py of TensorFlow 2.21.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import _pywrap_tensorflow_lite_calibration_wrapper as wrapper
from ai_edge_litert import schema_py_generated as schema

from tflite_build.engines.contract import Invalid, Refused, Request
from tflite_build.engines.files import graph, opening, tensors
from tflite_build.engines.files.graph import CONTROL_FLOW, Graph, Signature
from tflite_build.engines.files.tensors import Case
from tflite_build.engines.words import quoted

from . import quantized_file, repacking

_TYPES = {"int8": ("int8", "int32"), "int16x8": ("int16", "int64")}  # of activations and biases
_FUSED = frozenset({"UNIDIRECTIONAL_SEQUENCE_LSTM", "LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "SVDF"})
_VARIABLES = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"})


def run(request: Request) -> None:
    """Quantize the float file `model` by `ranges` (or `samples`, see above) to `model.tflite`.

    Raises:
        Refused: The quantizer cannot do what is asked, or the runtime refuses its file.
        Invalid: The samples are no good.
    """
    wanted = str(request.params["quantize"])
    if wanted not in _TYPES:
        raise Refused(f"TensorFlow's quantizer makes int8 and int16x8 of a .tflite file, not {wanted}")
    kept = list(request.params.get("keep_float") or ())
    if kept:
        raise Refused(f"TensorFlow's quantizer quantizes whole models: it cannot keep {quoted(kept)} float")
    io = str(request.params.get("io") or "float32")
    model = request.inputs["model"].read_bytes()
    cases = tensors.read(request.inputs["samples"])
    parsed = graph.read(model)
    quantized_file.check_source(parsed)
    _check_samples(parsed, cases)
    operators = {operator.name for _, operator in parsed.operators()}
    loops = sorted(operators & CONTROL_FLOW)
    if loops:
        raise Refused(f"TensorFlow's quantizer crashes on models with {quoted(loops)}")
    if operators & (_FUSED | _VARIABLES):
        ranged = bytes(wrapper.AddIntermediateTensors(model))
        calibrator = _calibrator(ranged)
        _feed(calibrator, parsed, cases)
    else:
        ranged = with_ranges(model, request.read_json("ranges"))
        calibrator = _calibrator(ranged)
    quantized = _quantize(calibrator, wanted, io, str(request.params.get("granularity") or "channel"))
    if any(not s.name for s in parsed.signatures):
        quantized = _named_as(quantized, parsed)
    runner = opening.runner(request, quantized)
    made = quantized_file.check_made(quantized, wanted)
    quantized_file.check_custom(made, parsed)
    runner.load()
    quantized_file.check_ends(made, parsed, io)
    (request.outputs / "model.tflite").write_bytes(quantized)


def with_ranges(model: bytes, ranges: Mapping[str, Sequence[float]]) -> bytes:
    """The file with ranges written to its tensors, as the quantizer reads them."""
    unpacked = repacking.unpacked(model)
    for subgraph, names in zip(unpacked.subgraphs, graph.read(model).unique_names(), strict=True):
        for tensor, name in zip(subgraph.tensors, names, strict=True):
            found = ranges.get(name)
            if found is not None:
                parameters = schema.QuantizationParametersT()
                parameters.min, parameters.max = (np.array([value], np.float32) for value in found)
                tensor.quantization = parameters
    return repacking.packed(unpacked)


def _check_samples(parsed: Graph, cases: Sequence[Case]) -> None:
    given = {case.signature for case in cases if case.count}
    missing = [s.name for s in parsed.signatures if s.name not in given]
    if missing:
        raise Invalid(f"there are no calibration samples for the signatures {quoted(missing)}", "calibration.data")


def _signature(parsed: Graph, name: str) -> Signature:
    for signature in parsed.signatures:
        if signature.name == name:
            return signature
    raise Invalid(f"the model has no signature '{name}', which the samples are for", "calibration.data")


def _calibrator(model: bytes) -> Any:
    """The quantizer of `model`, which the caller has to keep: it reads those bytes whenever it is called."""
    try:
        return wrapper.CalibrationWrapper(model, [], [])
    except (ValueError, RuntimeError) as error:
        raise Refused(f"TensorFlow's quantizer cannot read the float model: {_line(error)}") from error


def _feed(calibrator: Any, parsed: Graph, cases: Sequence[Case]) -> None:
    """Let the quantizer run the samples by itself."""
    try:
        for case in cases:
            signature = _signature(parsed, case.signature)
            order = sorted(signature.inputs, key=lambda name: signature.inputs[name])
            names = () if signature.name == "" else (signature.name,)
            calibrator.Prepare([list(case.tensors[name].shape[1:]) for name in order], *names)
            for index in range(case.count):
                sample = case.sample(index)
                calibrator.FeedTensor([np.array(sample[name], order="C") for name in order], *names)
    except (ValueError, RuntimeError) as error:
        raise Refused(f"TensorFlow's quantizer fails to run the float model: {_line(error)}") from error


def _quantize(calibrator: Any, wanted: str, io: str, granularity: str) -> bytes:
    activations, biases = _TYPES[wanted]
    per_tensor = granularity == "tensor"
    kinds = [np.dtype(name).num for name in (io, io, activations, biases)]
    try:
        return bytes(calibrator.QuantizeModel(*kinds[:2], True, *kinds[2:], per_tensor, per_tensor))
    except (ValueError, RuntimeError) as error:
        raise Refused(f"TensorFlow's quantizer fails: {_line(error)}") from error


def _named_as(quantized: bytes, source: Graph) -> bytes:
    """A file without signatures, whose tensors are its interface, with the names that the source's ends have."""
    unpacked = repacking.unpacked(quantized)
    made, own = unpacked.subgraphs[0], source.subgraphs[0]
    for ends, names in ((made.inputs, own.inputs), (made.outputs, own.outputs)):
        for index, before in zip(ends, names, strict=True):
            made.tensors[index].name = own.tensors[before].name.encode()
    return repacking.packed(unpacked)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(". ")
