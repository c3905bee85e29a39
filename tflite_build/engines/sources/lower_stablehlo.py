"""From a Python function that JAX can trace to StableHLO, the same bytes in every process.

Knows nothing of Keras or of user code: what tracing raises goes to the caller as it is.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.export
import numpy as np
from jax.interpreters import mlir
from jaxlib.mlir.ir import WalkResult

from tflite_build.engines.contract import Interface, Invalid, SignatureSpec, TensorSpec
from tflite_build.engines.words import table

from . import composites
from .lowered import Lowered, LoweredProgram

composites.install()

# What jaxlib's MLIR writes as bytecode, the converter's reads as the same program, except for these operations
# (`tests/engines/test_litert_convert.py` tries them all) and for the operations of dynamic shapes: those go as text.
_DIALECTS = ("builtin", "func", "stablehlo", "chlo")
_TEXT_ONLY = ("chlo.top_k", "stablehlo.custom_call")
# Words of jax's language of dimensions.
_RESERVED = ("floordiv", "mod", "max", "min", "non_negative")


@dataclass(frozen=True, slots=True)
class Program:
    """A signature to lower.

    Attributes:
        name: The signature's name.
        function: Takes one array per input, in order; returns named outputs.
        inputs: Dimensions are numbers or names; a name means the same size wherever it stands. Types are JAX's own, which
            has no 64-bit numbers.
    """

    name: str
    function: Callable[..., Sequence[tuple[str, Any]]]
    inputs: tuple[TensorSpec, ...]


def lower(programs: Sequence[Program], folder: Path, locations: bool, fused: Sequence[str] = ()) -> Lowered:
    """Lower all programs into `folder`, which is made.

    Args:
        programs: The signatures, in the order that the interface gets.
        folder: Gets what `lowered` describes.
        locations: Keep the source line of every operation. That is for messages: the bytes then depend on paths,
            comments and line numbers.
        fused: See `lowered`.

    Raises:
        Invalid: A dimension has a name that JAX cannot read.
    """
    for program in programs:
        _check_dimension_names(program, len(programs) == 1)
    folder.mkdir(parents=True)
    jax.config.update("jax_traceback_in_locations_limit", 10 if locations else 0)
    lowered, signatures = [], []
    for number, program in enumerate(programs):
        done, outputs = _lower(program, folder, str(number), locations)
        lowered.append(done)
        signatures.append(SignatureSpec(program.name, program.inputs, outputs))
    result = Lowered(folder, Interface(tuple(signatures)), tuple(lowered), tuple(fused))
    result.write()
    return result


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection: loading and tracing make much and drop little, and every pass walks all of it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _check_dimension_names(program: Program, alone: bool) -> None:
    for tensor in program.inputs:
        for name in tensor.shape:
            if isinstance(name, str) and (not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name in _RESERVED):
                raise Invalid(
                    f"'{name}' cannot name a dimension: a name is made of letters, digits and '_', does not start with "
                    f"a digit and is none of {', '.join(_RESERVED)}",
                    f"{table(program.name, alone, tensor.name)}.shape",
                )


def _lower(program: Program, folder: Path, stem: str, locations: bool) -> tuple[LoweredProgram, tuple[TensorSpec, ...]]:
    names: list[str] = []

    def model(*tensors: Any) -> tuple[Any, ...]:
        pairs = program.function(*tensors)
        names[:] = [name for name, _ in pairs]
        return tuple(value for _, value in pairs)

    dynamic = tuple(dict.fromkeys(d for i in program.inputs for d in i.shape if isinstance(d, str)))
    scope = jax.export.SymbolicScope() if dynamic else None
    specs = [jax.ShapeDtypeStruct(_shape(i, scope), np.dtype(i.dtype)) for i in program.inputs]
    # An input that the function does not use stays: the signature has it, and the app passes it.
    function = jax.jit(model, keep_unused=True)
    exported = ""
    if dynamic:
        whole = jax.export.export(function, platforms=["cpu"])(*specs)
        exported = f"{stem}.jaxexport"
        (folder / exported).write_bytes(whole.serialize())
        results = whole.out_avals
        with mlir.make_ir_context():
            file = _write(whole.mlir_module(serialized=False), folder, stem, as_text=True)
    else:
        traced = function.trace(*specs)
        results = jax.tree.leaves(traced.out_info)
        module = traced.lower(lowering_platforms=("cpu",)).compiler_ir("stablehlo")
        file = _write(module, folder, stem, needs_text(module))
    outputs = tuple(
        TensorSpec(name, tuple(d if isinstance(d, int) else str(d) for d in result.shape), str(result.dtype))
        for name, result in zip(names, results, strict=True)
    )
    return LoweredProgram(file, exported, dynamic, locations), outputs


def _shape(tensor: TensorSpec, scope: Any) -> tuple[Any, ...]:
    if scope is None:
        return tensor.shape
    if not tensor.shape:  # beside one that has dynamic dimensions
        return ()
    return tuple(jax.export.symbolic_shape(",".join(str(d) for d in tensor.shape) + ",", scope=scope))


def _write(module: Any, folder: Path, stem: str, as_text: bool) -> str:
    """Write the module; the name of its file."""
    if as_text:
        file = f"{stem}.mlir"
        # Without locations the converter would invent other tensor names.
        text = module.operation.get_asm(enable_debug_info=True)
        (folder / file).write_text(text, "utf-8")
    else:
        file = f"{stem}.mlirbc"
        with (folder / file).open("wb") as out:
            module.operation.write_bytecode(out)
    return file


def needs_text(module: Any) -> bool:
    """Whether the module has an operation that the converter does not read from bytecode."""
    found = False

    def look(operation: Any) -> WalkResult:
        nonlocal found
        found = operation.name in _TEXT_ONLY or operation.name.partition(".")[0] not in _DIALECTS
        return WalkResult.INTERRUPT if found else WalkResult.ADVANCE

    module.operation.walk(look)
    return found
