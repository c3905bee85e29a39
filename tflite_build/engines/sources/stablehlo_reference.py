"""What a lowered model itself computes: its StableHLO run by XLA on the CPU, the step `reference.stablehlo`.

Needs the lowered folder alone: neither Keras nor the user's code. Knows nothing of .tflite files.
"""

from __future__ import annotations

import os

os.environ["JAX_PLATFORMS"] = "cpu"

from collections.abc import Callable, Iterator, Sequence

import jax
import jax.export
import numpy as np
from jaxlib import xla_client

from tflite_build.engines.contract import Refused, Request, SignatureSpec
from tflite_build.engines.files import tensors
from tflite_build.engines.files.tensors import Array, Case

from .lowered import Lowered, LoweredProgram

# XLA takes a sixth of the time to compile and the same plain float32 arithmetic; a few samples never win that back.
_QUICK = {"xla_backend_optimization_level": "0", "xla_cpu_use_fusion_emitters": False}

_WIDE = ("int64", "uint64", "float64", "complex128")

_Function = Callable[[Sequence[Array]], list[Array]]


def run(request: Request) -> None:
    """Compute `outputs/` for the first `limit` samples of every case in `samples`.

    Raises:
        Refused: XLA cannot compile or run the program.
    """
    lowered = Lowered.read(request.inputs["lowered"])
    tensors_of = [t for s in lowered.interface.signatures for t in (*s.inputs, *s.outputs)]
    # Code of the user's may have switched 64 bits on; without that, JAX would pass 32.
    with jax.enable_x64(any(t.dtype in _WIDE for t in tensors_of)):
        done = list(_computed(lowered, request))
    tensors.write(request.outputs / "outputs", done)


def _computed(lowered: Lowered, request: Request) -> Iterator[Case]:
    limit = request.params.get("limit")
    pairs = {signature.name: (signature, program) for signature, program in lowered.pairs()}
    functions: dict[str, _Function] = {}
    for case in tensors.read(request.inputs["samples"]):
        signature, program = pairs[case.signature]
        try:
            if case.signature not in functions:
                functions[case.signature] = _function(lowered, program)
            yield _compute(case, signature, functions[case.signature], limit)
        except jax.errors.JaxRuntimeError as error:
            text = str(error)
            raise Refused(f"XLA cannot run the source: {text.splitlines()[0][:300]}", (), text[:2000]) from None


def _compute(case: Case, signature: SignatureSpec, function: _Function, limit: int | None) -> Case:
    count = case.count if limit is None else min(limit, case.count)
    rows: list[list[Array]] = []
    for index in range(count):
        sample = case.sample(index)
        rows.append(function([sample[i.name].astype(i.dtype, copy=False) for i in signature.inputs]))
    outputs = {
        output.name: np.stack([row[number] for row in rows]) if rows else np.empty((0,))
        for number, output in enumerate(signature.outputs)
    }
    return Case(case.signature, outputs, case.sizes)


def _function(lowered: Lowered, program: LoweredProgram) -> _Function:
    if program.exported:
        exported = jax.export.deserialize(bytearray((lowered.folder / program.exported).read_bytes()))
        # One compilation per choice of sizes.
        quick = jax.jit(exported.call, compiler_options=_QUICK)
        return lambda arrays: [np.asarray(a) for a in quick(*arrays)]
    device = jax.devices("cpu")[0]
    options = xla_client.CompileOptions()
    options.env_option_overrides = list(_QUICK.items())
    # The client takes the program as it lies there; tracing it again through jax costs as much as the compilation.
    executable = device.client.compile_and_load(lowered.code(program), xla_client.DeviceList((device,)), options)

    def compute(arrays: Sequence[Array]) -> list[Array]:
        results = executable.execute_sharded([jax.device_put(a, device) for a in arrays])
        return [np.asarray(shards[0]) for shards in results.disassemble_into_single_device_arrays()]

    return compute
