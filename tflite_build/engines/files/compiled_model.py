"""Running a file by LiteRT's C API: for custom operators whose kernels register with the CompiledModel API.

Structures and constants are those of litert/c/litert_*.h in LiteRT 2.3; `libLiteRt.so` of the environment has them.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from ctypes import byref, c_bool, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint32, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from tflite_build.engines.contract import Invalid, Refused
from tflite_build.tflite import reader

from .custom_operators import Library
from .runner import Array, Kernels, Port, Runner

_TYPES = {
    "float32": 1,
    "int32": 2,
    "uint8": 3,
    "int64": 4,
    "bool": 6,
    "int16": 7,
    "int8": 9,
    "float16": 10,
    "float64": 11,
}
_CPU = 1
_READ, _WRITE = 0, 1
_AUTO_ACCELERATORS, _LOG = 24, 25  # tags of environment options
_INT, _ERRORS = 2, 3
_ASSIGN_VARIABLE = "ASSIGN_VARIABLE"


class _EnvironmentOption(ctypes.Structure):
    _fields_ = [("tag", c_int), ("padding", c_int), ("kind", c_int), ("value", c_int64)]


class _Layout(ctypes.Structure):
    """The rank in the lower seven bits of the first field, and whether there are strides in the eighth."""

    _fields_ = [("rank", c_uint32), ("dimensions", c_int32 * 8), ("strides", c_uint32 * 8)]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.dimensions[: self.rank & 0x7F])


class _TensorType(ctypes.Structure):
    _fields_ = [("element", c_int), ("layout", _Layout)]


class CompiledModelRunner(Runner):
    """A loaded .tflite file whose custom operators run by LiteRT's CompiledModel on the CPU.

    What this API says of a failure is a number, which does not tell the file from the library: it counts as the library's.

    Raises:
        Refused: The runtime does not load the file.
        Invalid: A library is no good, or more is asked for than this API shows.
    """

    def __init__(
        self,
        model: Path | bytes,
        libraries: Sequence[Library],
        kernels: Kernels = "default",
        *,
        keep: bool = False,
    ) -> None:
        if keep or kernels != "default":
            raise Invalid(
                f"'{libraries[0].name}' registers with the CompiledModel API, which does not show the values inside of a "
                "model that int8 and int16x8 take their ranges from",
                f"{libraries[0].key}.library",
                "give a library that registers with the Interpreter API, or another kind of quantization",
            )
        super().__init__(model)
        self._content = model.read_bytes() if isinstance(model, Path) else model  # which the API does not copy
        self._libraries = libraries
        self._c = _library()  # first: the user's libraries find its functions
        self._functions = [library.function() for library in libraries]
        read = reader.parse(memoryview(self._content))
        self._order = {s.name: number for number, s in enumerate(read.signatures)}
        self._stateful = any(t.is_variable for g in read.subgraphs for t in g.tensors) or any(
            code.name == _ASSIGN_VARIABLE for code in read.codes
        )
        self._open_handles = [ExitStack()]  # one: what is open now
        weakref.finalize(self, _close, self._open_handles)
        self._compiled: c_void_p | None = None
        self._names: dict[tuple[str, str], list[str]] = {}

    def load(self) -> None:
        """Compile the model.

        Raises:
            Invalid: LiteRT does not compile it with the libraries.
        """
        self._ready()

    def run(self, signature: str, inputs: Mapping[str, Array], *, fresh: bool = True) -> dict[str, Array]:
        """As `Runner.run`.

        Raises:
            Refused: An array has another type than the file takes.
            Invalid: LiteRT does not run it with the libraries.
        """
        chosen = self.signatures[signature]
        compiled, number = self._ready(), self._order[signature]
        with ExitStack() as handles:
            given = []
            for index, name in enumerate(self._names[signature, "Input"]):
                port = chosen.inputs[name]
                value = np.asarray(inputs[name])
                if port.scale is not None and value.dtype.kind == "f":
                    value = port.quantize(value)
                self._check(port, value)
                self._resize(compiled, number, index, value.shape)
                given.append((port, np.ascontiguousarray(value)))
            outputs = [chosen.outputs[name] for name in self._names[signature, "Output"]]
            shapes = self._output_shapes(compiled, number, len(outputs))
            taken = [
                self._buffer(handles, compiled, number, index, port, value.shape, "Input")
                for index, (port, value) in enumerate(given)
            ]
            for buffer, (_, value) in zip(taken, given, strict=True):
                with self._locked(buffer, _WRITE) as address:
                    ctypes.memmove(address, value.ctypes.data, value.nbytes)
            made = [
                self._buffer(handles, compiled, number, index, port, shape, "Output")
                for index, (port, shape) in enumerate(zip(outputs, shapes, strict=True))
            ]
            values = {port.index: value for port, value in given}
            for port, buffer in zip(outputs, made, strict=True):
                if port.index in values:  # an input that is handed on: the runtime computes with the output's memory
                    with self._locked(buffer, _WRITE) as address:
                        ctypes.memmove(address, values[port.index].ctypes.data, values[port.index].nbytes)
            self._call("LiteRtRunCompiledModel", compiled, c_size_t(number), *_counted(taken), *_counted(made))
            found = {}
            for port, shape, buffer in zip(outputs, shapes, made, strict=True):
                array = np.empty(shape, port.dtype)
                with self._locked(buffer, _READ) as address:
                    ctypes.memmove(array.ctypes.data, address, array.nbytes)
                found[port.index] = array
            return {name: found[port.index] for name, port in chosen.outputs.items()}

    def _check(self, port: Port, value: Array) -> None:
        if value.dtype.name != port.dtype:
            raise Refused(f"'{port.name}' is {value.dtype}; the file takes {port.dtype}")
        if not value.shape:
            raise Invalid(
                f"the CompiledModel API runs no inputs without dimensions, as '{port.name}' is",
                f"{self._libraries[0].key}.library",
                "give the input the shape [1], or a library that registers with the Interpreter API",
            )

    def invoke(self, signature: str) -> None:
        """Not by this API."""
        raise Invalid("times are measured with the Interpreter API alone", f"{self._libraries[0].key}.library")

    def _ready(self) -> c_void_p:
        """The compiled model: a new one for each call where a call leaves something behind."""
        if self._compiled is not None and not self._stateful:
            return self._compiled
        self._compiled = None
        _close(self._open_handles)
        handles = self._open_handles[0] = ExitStack()
        options = (_EnvironmentOption * 2)(
            _EnvironmentOption(_AUTO_ACCELERATORS, 0, _INT, _CPU), _EnvironmentOption(_LOG, 0, _INT, _ERRORS)
        )
        environment, model, compiled, wanted = c_void_p(), c_void_p(), c_void_p(), c_void_p()
        self._call("LiteRtCreateEnvironment", c_int(2), options, byref(environment))
        handles.callback(self._c.LiteRtDestroyEnvironment, environment)
        size = c_size_t(len(self._content))
        self._call("LiteRtCreateModelFromBuffer", environment, c_char_p(self._content), size, byref(model))
        handles.callback(self._c.LiteRtDestroyModel, model)
        self._call("LiteRtCreateOptions", byref(wanted))
        with ExitStack() as short:
            short.callback(self._c.LiteRtDestroyOptions, wanted)
            self._call("LiteRtSetOptionsHardwareAccelerators", wanted, c_int(_CPU))
            for library, function in zip(self._libraries, self._functions, strict=True):
                assert wanted.value is not None  # what was created has an address
                status = function(wanted.value)
                if status:
                    raise Invalid(
                        f"'{library.registerer}' of '{library.name}' gives {status}, and 0 is what stands for success",
                        f"{library.key}.registerer",
                        "return what LiteRtAddCustomOpKernelOption gives",
                    )
            self._call("LiteRtCreateCompiledModel", environment, model, wanted, byref(compiled))
        handles.callback(self._c.LiteRtDestroyCompiledModel, compiled)
        self._compiled = compiled
        self._names = {
            (name, side): self._signature_names(model, number, side)
            for name, number in self._order.items()
            for side in ("Input", "Output")
        }
        return compiled

    def _signature_names(self, model: c_void_p, number: int, side: str) -> list[str]:
        """The inputs or outputs of a signature, in the order that this API counts them by."""
        signature, count, name = c_void_p(), c_size_t(), c_char_p()
        self._call("LiteRtGetModelSignature", model, c_size_t(number), byref(signature))
        self._call(f"LiteRtGetNumSignature{side}s", signature, byref(count))
        names = []
        for index in range(count.value):
            self._call(f"LiteRtGetSignature{side}Name", signature, c_size_t(index), byref(name))
            names.append((name.value or b"").decode())
        return names

    def _resize(self, compiled: c_void_p, signature: int, index: int, shape: tuple[int, ...]) -> None:
        layout = _Layout()
        self._call(
            "LiteRtGetCompiledModelInputTensorLayout", compiled, c_size_t(signature), c_size_t(index), byref(layout)
        )
        if layout.shape != shape:
            sizes = (c_int * len(shape))(*shape)
            self._call(
                "LiteRtCompiledModelResizeInputTensorNonStrict",
                compiled,
                c_size_t(signature),
                c_size_t(index),
                sizes,
                c_size_t(len(shape)),
            )

    def _output_shapes(self, compiled: c_void_p, signature: int, count: int) -> list[tuple[int, ...]]:
        layouts = (_Layout * max(1, count))()
        self._call(
            "LiteRtGetCompiledModelOutputTensorLayouts",
            compiled,
            c_size_t(signature),
            c_size_t(count),
            layouts,
            c_bool(True),
        )
        return [layouts[index].shape for index in range(count)]

    def _buffer(
        self,
        handles: ExitStack,
        compiled: c_void_p,
        signature: int,
        index: int,
        port: Port,
        shape: tuple[int, ...],
        side: str,
    ) -> c_void_p:
        if port.dtype not in _TYPES:
            raise Refused(f"the CompiledModel API has no tensors of {port.dtype}, as '{port.name}' is")
        kind = _TensorType(_TYPES[port.dtype], _Layout(len(shape), (c_int32 * 8)(*shape)))
        needs, buffer = c_void_p(), c_void_p()
        self._call(
            f"LiteRtGetCompiledModel{side}BufferRequirements",
            compiled,
            c_size_t(signature),
            c_size_t(index),
            byref(needs),
        )
        environment = self._environment(compiled)
        self._call("LiteRtCreateManagedTensorBufferFromRequirements", environment, byref(kind), needs, byref(buffer))
        handles.callback(self._c.LiteRtDestroyTensorBuffer, buffer)
        return buffer

    def _environment(self, compiled: c_void_p) -> c_void_p:
        found = c_void_p()
        self._call("LiteRtGetCompiledModelEnvironment", compiled, byref(found))
        return found

    @contextmanager
    def _locked(self, buffer: c_void_p, mode: int) -> Iterator[int]:
        """The address of a buffer's memory."""
        address = c_void_p()
        self._call("LiteRtLockTensorBuffer", buffer, byref(address), c_int(mode))
        try:
            yield address.value or 0
        finally:
            self._c.LiteRtUnlockTensorBuffer(buffer)

    def _call(self, function: str, *arguments: Any) -> None:
        status = getattr(self._c, function)(*arguments)
        if status:
            first = self._libraries[0]
            raise Invalid(
                f"LiteRT's CompiledModel does not run it with '{first.name}': {function} gives {status}",
                f"{first.key}.library",
                f"does '{first.registerer}' register '{first.operator}'? This API also runs no outputs whose shape depends "
                "on what inputs hold; a library that registers with the Interpreter API may",
            )


def _close(handles: Sequence[ExitStack]) -> None:
    for stack in handles:
        stack.close()


def _counted(handles: Sequence[c_void_p]) -> tuple[Any, Any]:
    """How many, and an array of them."""
    return c_size_t(len(handles)), (c_void_p * max(1, len(handles)))(*(handle.value for handle in handles))


def _library() -> ctypes.CDLL:
    """LiteRT's C API, whose functions the user's libraries find."""
    found = importlib.util.find_spec("ai_edge_litert")
    if found is None or not found.submodule_search_locations:
        raise Refused(
            "a library for the CompiledModel API does not run where TensorFlow's own kernels are, which have the "
            "Interpreter API alone"
        )
    name = "libLiteRt.dylib" if sys.platform == "darwin" else "libLiteRt.so"
    library = ctypes.CDLL(str(Path(found.submodule_search_locations[0]) / name), mode=ctypes.RTLD_GLOBAL)
    for name in ("TensorBuffer", "CompiledModel", "Options", "Model", "Environment"):
        destroy = getattr(library, f"LiteRtDestroy{name}")
        destroy.argtypes, destroy.restype = [c_void_p], None
    library.LiteRtUnlockTensorBuffer.argtypes = [c_void_p]
    return library
