"""One way to run a .tflite file: arrays by name in, arrays by name out, for each of its signatures.

Variables (and the state that a fused LSTM keeps) are as in the file before every call, so that a call depends on its
inputs alone. Inputs are resized where their shapes ask for it. A file without signatures has one called "" with the
names of its tensors. Knows nothing of samples, cases or comparisons.
"""

from __future__ import annotations

import functools
import mmap
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import FailingOperator, Refused, TensorSpec
from tflite_build.tflite.flatbuffer import Table

from .custom_operators import Library
from .interpreter import InterpreterWithCustomOps as Interpreter
from .interpreter import OpResolverType, profiler

Array = NDArray[Any]
Kernels = Literal["default", "profiled", "optimized", "reference"]

_RESOLVERS = {
    "default": OpResolverType.AUTO,  # with XNNPACK, as apps have it
    "profiled": OpResolverType.BUILTIN,
    "optimized": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}
_QUANTIZED = (np.int8, np.uint8, np.int16)
# XNNPACK's messages follow each other without so much as a space: this is where the next one begins.
_MESSAGE = re.compile(r"(?<=[^\s(])(?=(?:unsupported|mismatching|missing|unexpected|invalid|failed to) )")
_ASSIGN_VARIABLE = 144  # of BuiltinOperator in schema.fbs


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a signature.

    Attributes:
        index: The tensor's number in its subgraph.
        shape: -1 for a dynamic dimension.
        dtype: As numpy names it, or "string".
        scale: The quantization scale, where the tensor is quantized as a whole; else None.
        zero_point: What stands for zero.
    """

    name: str
    index: int
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int = 0

    def spec(self, *, real: bool) -> TensorSpec:
        """The tensor as callers see it, open dimensions with names; with `real` they pass or get real numbers."""
        shape = tuple(d if d >= 0 else f"d{i}" for i, d in enumerate(self.shape))
        return TensorSpec(self.name, shape, "float32" if real else self.dtype)

    def quantize(self, values: Array) -> Array:
        """Real numbers as the tensor holds them: rounded half to even, saturated; NaN becomes zero."""
        if self.scale is None:
            return values
        limits = np.iinfo(self.dtype)
        scaled = np.rint(np.asarray(values, np.float32) / np.float32(self.scale)) + np.float32(self.zero_point)
        scaled = np.nan_to_num(scaled, nan=self.zero_point, posinf=limits.max, neginf=limits.min)
        clipped: Array = np.clip(scaled, limits.min, limits.max).astype(self.dtype)
        return clipped

    def dequantize(self, values: Array) -> Array:
        """What the tensor's values stand for, as float32; values of a tensor that is not quantized as they are."""
        if self.scale is None:
            return values
        return (values.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


@dataclass(frozen=True, slots=True)
class RunnableSignature:
    """A signature with its ports by name."""

    name: str
    subgraph: int
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]


class Runner:
    """A loaded .tflite file.

    Args:
        model: The file, or its bytes.
        kernels: "default" runs as apps do; "profiled" too, and lets `extremes` see every tensor; "optimized" without
            delegates; "reference" the plain kernels, which compute alike on every CPU and are slow.
        keep: Keep the values of all tensors after a run, for `values`.
        libraries: The user's kernels of custom operators, for the Interpreter API.

    Raises:
        Refused: The runtime does not load the file.
        Invalid: A library is no good.
    """

    def __init__(
        self,
        model: Path | bytes,
        threads: int = 1,
        kernels: Kernels = "default",
        *,
        keep: bool = False,
        libraries: Sequence[Library] = (),
    ) -> None:
        options = {"preserve_all_tensors": True} if keep else {}
        if kernels == "profiled":
            options = {"disable_delegate_node_fusion": True, "force_delegate_node_profiling": True}
        self._libraries = libraries
        registerers = [library.function() for library in libraries]
        self._new: Callable[[], Interpreter] = functools.partial(
            open_interpreter, model, threads, _RESOLVERS[kernels], registerers, **options
        )
        with self._refusals("the runtime refuses it"):
            self._open()
            self.signatures: Mapping[str, RunnableSignature] = {s.name: s for s in self._read_signatures()}
        self._used = False
        self._lasting = _outlasts_reset(model)

    def _open(self) -> None:
        self._interpreter = self._new()
        self._native = self._interpreter._interpreter
        self._shapes: dict[tuple[str, str], tuple[int, ...]] = {}

    def load(self) -> None:
        """Prepare every signature, where no input has a dynamic dimension.

        Raises:
            Refused: The runtime has no kernel for an operator, or does not accept its tensors.
        """
        with self._refusals("the runtime refuses it"):
            for signature in self.signatures.values():
                if all(-1 not in port.shape for port in signature.inputs.values()):
                    self._native.AllocateTensors(signature.subgraph)

    def run(self, signature: str, inputs: Mapping[str, Array], *, fresh: bool = True) -> dict[str, Array]:
        """The outputs by name, of the file's own types.

        Args:
            inputs: An array for each input of the signature. Floats for a quantized input are quantized, anything else
                must have the tensor's own type.
            fresh: Whether variables have their first values; else those that the last run left.

        Raises:
            Refused: The runtime cannot run it on these inputs.
        """
        chosen = self.signatures[signature]
        with self._refusals("the runtime fails to run it"):
            self._set(chosen, inputs, fresh=fresh)
            self._native.Invoke(chosen.subgraph)
            return {name: self._native.GetTensor(port.index, chosen.subgraph) for name, port in chosen.outputs.items()}

    def extremes(self, signature: str, inputs: Mapping[str, Array]) -> dict[str, tuple[float, float]]:
        """The lowest and the highest value of each float tensor by name, as the runtime's own profiler sees them.

        With "profiled" kernels; it does not look into loops and branches.

        Raises:
            Refused: The runtime cannot run it on these inputs.
        """
        chosen = self.signatures[signature]
        with self._refusals("the runtime fails to run it"):
            self._set(chosen, inputs)
            seen = profiler.InvokeWithCalibration(self._interpreter._native_handle(), chosen.subgraph)
            return {name: (found.min, found.max) for name, found in seen.items()}

    def invoke(self, signature: str) -> None:
        """Run once more on the inputs of the last `run`; variables stay as that left them.

        Raises:
            Refused: The runtime cannot run it.
        """
        with self._refusals("the runtime fails to run it"):
            self._native.Invoke(self.signatures[signature].subgraph)

    @contextmanager
    def _refusals(self, what: str) -> Iterator[None]:
        """The runtime's errors as refusals, save those that are of the user's libraries."""
        try:
            with _refusals(what):
                yield
        except Refused as refused:
            for library in self._libraries:
                if any(o.name == library.operator and o.needs == "custom" for o in refused.operators):
                    raise library.registers_another() from None
            raise

    def _set(self, signature: RunnableSignature, inputs: Mapping[str, Array], *, fresh: bool = True) -> None:
        """Make everything ready for a call, which is to be like the first one where it is `fresh`."""
        if self._lasting and self._used and fresh:
            self._open()
        self._used = True
        self._fit(signature, inputs)
        if not self._lasting and fresh:
            self._interpreter.reset_all_variables()
        for name, port in signature.inputs.items():
            value = np.asarray(inputs[name])
            if port.scale is not None and value.dtype.kind == "f":
                value = port.quantize(value)
            self._native.SetTensor(port.index, np.asarray(value, order="C"), signature.subgraph)

    def run_real(self, signature: str, inputs: Mapping[str, Array], *, fresh: bool = True) -> dict[str, Array]:
        """As `run`, with quantized outputs as the real numbers that they stand for."""
        ports = self.signatures[signature].outputs
        return {name: ports[name].dequantize(value) for name, value in self.run(signature, inputs, fresh=fresh).items()}

    def value(self, signature: str, index: int) -> Array | None:
        """The value of a tensor after a run with `keep`; None where it has none."""
        try:
            return np.asarray(self._native.GetTensor(index, self.signatures[signature].subgraph))
        except ValueError:
            return None

    def _fit(self, signature: RunnableSignature, inputs: Mapping[str, Array]) -> None:
        """Resize inputs whose shapes differ from the last call's, and allocate."""
        wanted = {(signature.name, name): tuple(np.shape(inputs[name])) for name in signature.inputs}
        if wanted.items() <= self._shapes.items():
            return
        for name, port in signature.inputs.items():
            shape = np.array(np.shape(inputs[name]), np.int32)
            self._native.ResizeInputTensor(port.index, shape, False, signature.subgraph)
        self._native.AllocateTensors(signature.subgraph)
        self._shapes.update(wanted)

    def _read_signatures(self) -> Iterator[RunnableSignature]:
        definitions = self._native.GetSignatureDefs()
        for name, definition in definitions.items():
            subgraph = self._native.GetSubgraphIndexFromSignature(name)
            inputs, outputs = definition["inputs"], definition["outputs"]
            yield RunnableSignature(name, subgraph, self._ports(inputs, subgraph), self._ports(outputs, subgraph))
        if not definitions:
            names = [{self._native.TensorName(i, 0): i for i in indices}
                     for indices in (self._native.InputIndices(), self._native.OutputIndices())]  # fmt: skip
            yield RunnableSignature("", 0, self._ports(names[0], 0), self._ports(names[1], 0))

    def _ports(self, indices: Mapping[str, int], subgraph: int) -> dict[str, Port]:
        return {name: self._port(name, int(index), subgraph) for name, index in indices.items()}

    def _port(self, name: str, index: int, subgraph: int) -> Port:
        signature = self._native.TensorSizeSignature(index, subgraph)
        shape = signature if len(signature) else self._native.TensorSize(index, subgraph)
        kind = np.dtype(self._native.TensorType(index, subgraph))
        dtype = "string" if kind.kind in "SO" else kind.name
        scales, zero_points, *_ = self._native.TensorQuantizationParameters(index, subgraph)
        if len(scales) == 1 and kind.type in _QUANTIZED:
            return Port(name, index, tuple(map(int, shape)), dtype, float(scales[0]), int(zero_points[0]))
        return Port(name, index, tuple(map(int, shape)), dtype)


def open_interpreter(
    model: Path | bytes,
    threads: int,
    resolver: OpResolverType,
    registerers: Sequence[Callable[[int], object]] = (),
    **options: bool,
) -> Interpreter:
    """An interpreter without its warnings on stderr.

    Args:
        registerers: Called with the address of its `tflite::MutableOpResolver`.
        options: Further `experimental_` options by their names.
    """
    given = {"model_path": str(model)} if isinstance(model, Path) else {"model_content": model}
    switches = {f"experimental_{name}": value for name, value in options.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Interpreter(
            list(registerers), num_threads=threads, experimental_op_resolver_type=resolver, **given, **switches
        )


def _outlasts_reset(model: Path | bytes) -> bool:
    """Whether a call leaves something behind that `reset_all_variables` does not set back.

    It does so for the variable tensors of subgraphs that are all allocated, and never for resource variables.
    """
    if isinstance(model, bytes):
        return _state_lasts(model)
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _state_lasts(data)


def _state_lasts(data: bytes | mmap.mmap) -> bool:
    with memoryview(data) as view:
        model = Table.root(view)
        if any(code.scalar(3, "i32") == _ASSIGN_VARIABLE for code in model.tables(1)):
            return True
        graphs = list(model.tables(2))
        return len(graphs) > 1 and any(tensor.scalar(5, "u8") for graph in graphs for tensor in graph.tables(0))


def refusal(what: str, error: Exception) -> Refused:
    """The runtime's error as a refusal: its first message, the operator that it blames, and all messages a line each."""
    text = " ".join(str(error).split())
    unknown = re.search(r"Op type not registered '([^']*)'", text)
    if unknown:
        name = f"no operator '{unknown[1]}'" if unknown[1] else "no operator without a name"
        text = f"TensorFlow 2.15, which runs files with TensorFlow's own operators, has {name}"
    elif profiler is None:
        text += "; files with TensorFlow's own kernels are run by TensorFlow 2.15, the last one that brings them"
    if text.startswith("Select TensorFlow op(s)"):  # followed by advice for apps
        text = "it has select TensorFlow operators (Flex), which this runtime does not carry"
    blamed = re.search(r"Node number \d+ \((\w+)\) failed to (?:prepare|invoke)", text)
    missing = re.search(r"Didn't find op for builtin opcode '(\w+)'|Encountered unresolved custom op: (\w+)", text)
    operators: list[FailingOperator] = []
    if missing:
        operators.append(FailingOperator(missing[1] or missing[2], "custom" if missing[2] else ""))
    elif blamed and blamed[1] != "TfLiteXNNPackDelegate":
        operators.append(FailingOperator(blamed[1]))
    text = re.sub(r"\.? See instructions: \S+", "", text)
    text = re.sub(r"(?:\S*/)?(\w+\.cc:\d+) ", "", text)  # a place in the runtime's source says nothing to people
    text = re.sub(r"\.?\s*Node number \d+ \((\w+)\) failed to (prepare|invoke)\.?", r" (\1 failed to \2)", text)
    failed = re.search(r" \(\w+ failed to (?:prepare|invoke)\)$", text)
    ending = failed[0] if failed else ""
    first, *more = (message[:300].rstrip(". ") for message in _MESSAGE.split(text.removesuffix(ending)))
    return Refused(f"{what}: {first}{ending}", operators, "\n".join(more))


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise refusal(what, error) from error
