"""StableHLO to a float .tflite through litert-converter: the step `convert.litert`.

What the converter gets wrong without saying so is found here: operators that the runtime lacks, tensors with other
shapes or types than the source gives them. Wrong numbers are for `compare`. Knows nothing of Keras or JAX.

Source of the calls and their order: litert-converter 0.5.0, `converter_api_ext`.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its banners are no news

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from litert_converter import converter_api_ext as converter
from litert_converter.mlir import ir, passmanager

from tflite_build.engines.contract import FailingOperator, Interface, Refused, Request, SignatureSpec, TensorSpec
from tflite_build.engines.files.runner import Port, Runner
from tflite_build.engines.sources.lowered import Lowered
from tflite_build.engines.words import quoted, shape_text

from .litert_branches import call_branches
from .litert_cases import unfold_cases
from .litert_errors import Leftover, leftover_operators, refusal_of_passes
from .litert_iota import count_in_one_dimension
from .litert_loops import outline_loops
from .litert_top_k import keep_top_k

# What a tensor of a .tflite can hold and an app can pass.
_DTYPES = frozenset(
    "float32 float16 int8 uint8 int16 uint16 int32 uint32 int64 uint64 bool complex64".split()  # noqa: SIM905
)


def run(request: Request) -> None:
    """Convert the lowered folder `lowered` to `model.tflite`.

    Params:
        loops: Accept loops for recurrent layers that TensorFlow's converter has an operator for.

    Raises:
        Refused: The converter cannot, or its file is wrong in a way that shows without running it.
    """
    lowered = Lowered.read(request.inputs["lowered"])
    _check_dtypes(lowered.interface)
    model, leftovers = _convert(lowered, bool(request.params.get("loops")))
    _check_file(model, lowered.interface, leftovers)
    (request.outputs / "model.tflite").write_bytes(model)


def _convert(lowered: Lowered, loops: bool) -> tuple[bytes, list[Leftover]]:
    """The bytes of the file, and the operations in it that are not of TensorFlow Lite's own."""
    context = ir.Context()
    context.enable_multithreading(False)  # nothing to gain, and one order less to depend on
    converter.prepare_mlir_context(context)
    names = {s.name for s in lowered.interface.signatures}
    modules = []
    for signature, program in lowered.pairs():
        try:
            module = ir.Module.parse(lowered.code(program), context)
        except ir.MLIRError as error:
            detail = str(error)[:1000]
            raise Refused("the LiteRT converter cannot read the StableHLO of this model", detail=detail) from None
        _free_symbols(module, names)
        keep_top_k(module)
        count_in_one_dimension(module)
        inputs, outputs = [t.name for t in signature.inputs], [t.name for t in signature.outputs]
        converter.set_signature(module.operation, signature.name, inputs, outputs)
        modules.append(module)
    leftovers: list[Leftover] = []
    module = modules[0]
    try:
        module = modules[0] if len(modules) == 1 else converter.merge_modules(modules)
        with context:
            converter.run_convert_to_tfl_passes(module, passmanager.PassManager(), converter.ConvertToTFLConfig())
            unfold_cases(module)
            if outline_loops(module) and lowered.fused and not loops:
                raise Refused(
                    f"the layers {quoted(lowered.fused)} would become loops, where TensorFlow's converter has an operator "
                    "for each",
                    [FailingOperator("while", "", name) for name in lowered.fused],
                    alternative="litert-loops",
                )
            call_branches(module)
            leftovers = leftover_operators(module)
        return bytes(converter.export_flatbuffer_to_bytes(module.operation)), leftovers
    except ValueError as error:
        # The passes stop at the first operation that they cannot do; the user is told of all that nothing can.
        left = leftovers or _left_behind(module)
        hopeless = [o for o in left if o.name in _HOPELESS or o.name.startswith("lapack_")]
        raise refusal_of_passes(str(error), leftovers, hopeless) from None


def _left_behind(module: Any) -> list[Leftover]:
    """What a pass that failed has left of other dialects, most of which later passes would have brought into form."""
    with module.context:
        return leftover_operators(module)


def _free_symbols(module: Any, signatures: set[str]) -> None:
    """Rename private functions that are called like a signature, which becomes a function of that name."""
    for function in list(module.body.operations):
        name = ir.StringAttr(function.operation.attributes["sym_name"]).value
        if name != "main" and name in signatures:
            new = f"private {name}"
            ir.SymbolTable.replace_all_symbol_uses(name, new, module.operation)
            ir.SymbolTable.set_symbol_name(function.operation, new)


def _check_dtypes(interface: Interface) -> None:
    for signature in interface.signatures:
        for tensor in (*signature.inputs, *signature.outputs):
            if tensor.dtype not in _DTYPES:
                what = "input" if tensor in signature.inputs else "output"
                raise Refused(f"{what} '{tensor.name}' has the type {tensor.dtype}, which a .tflite file cannot hold")


def _check_file(model: bytes, interface: Interface, leftovers: Sequence[Leftover]) -> None:
    """Load the file and compare its signatures with the source's: names, types, shapes."""
    with _explained(leftovers):
        runner = Runner(model, kernels="optimized")
    for signature in interface.signatures:
        _check_signature(runner, signature, "" if len(interface.signatures) == 1 else f" of '{signature.name}'")
    with _explained(leftovers):
        runner.load()


@contextmanager
def _explained(leftovers: Sequence[Leftover]) -> Iterator[None]:
    """What the runtime refuses, said as the converter's doing."""
    try:
        yield
    except Refused as refused:
        missing = [o for o in refused.operators if o.name.startswith("STABLEHLO_")]
        if missing:
            left = [o for o in leftovers if o.operator == missing[0].name]
            # The runtime stops at the first one; the user is told of all.
            others = [o for o in leftovers if o.operator in _NEVER and o.operator != missing[0].name]
            if missing[0].name == "STABLEHLO_CUSTOM_CALL":
                raise refusal_of_passes(refused.detail, [*left, *others]) from None
            found = [o.source for o in left if o.source]
            operators = [replace(missing[0], source=source) for source in found] or missing
            operators += [FailingOperator(o.name, "", o.source) for o in others]
            where = f" ({', '.join(found[:3])})" if found else ""
            reason = f"the converted file needs {missing[0].name}{where}, which the LiteRT runtime does not have"
            raise Refused(reason, operators, _ADVICE.get(missing[0].name, "") + "\n" + refused.reason) from None
        reason = f"the LiteRT converter makes a file that is wrong: {refused.reason}"
        raise Refused(reason, refused.operators, refused.detail) from None


def _check_signature(runner: Runner, signature: SignatureSpec, where: str) -> None:
    made = runner.signatures.get(signature.name)
    if made is None:
        raise Refused(f"the converted file lacks the signature '{signature.name}'")
    _check_ports("input", where, signature.inputs, made.inputs)
    _check_ports("output", where, signature.outputs, made.outputs)


_NEVER = frozenset({"STABLEHLO_CUSTOM_CALL", "STABLEHLO_SORT"})  # no release of the runtime has a kernel for these
_HOPELESS = ("fft", "sort")  # what no pass brings into form, once those that could have passed
_ADVICE = {
    "STABLEHLO_SORT": "jnp.sort, jnp.argsort and jnp.median sort in StableHLO; jax.lax.top_k(x, k) converts where all "
    "dimensions are fixed, and with k = x.shape[-1] it sorts, largest first",
}


def _check_ports(what: str, where: str, wanted: Sequence[TensorSpec], ports: Mapping[str, Port]) -> None:
    names = [t.name for t in wanted]
    if set(names) != set(ports):
        raise Refused(f"the converted file has the {what}s {quoted(ports)}{where} where the source has {quoted(names)}")
    for tensor in wanted:
        port = ports[tensor.name]
        fits = len(port.shape) == len(tensor.shape) and all(
            isinstance(d, str) or d == made for d, made in zip(tensor.shape, port.shape, strict=True)
        )
        if not fits:
            raise Refused(
                f"the LiteRT converter gets {what} '{tensor.name}'{where} wrong: the shape {shape_text(port.shape)} "
                f"where the source gives {shape_text(tensor.shape)}"
            )
        if port.dtype != tensor.dtype:
            raise Refused(
                f"the LiteRT converter gets {what} '{tensor.name}'{where} wrong: the type {port.dtype} where the "
                f"source gives {tensor.dtype}"
            )
