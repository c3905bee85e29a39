"""Running a SavedModel by TensorFlow's C API: variables restored, tables set up, tensors fed and fetched by name.

It is what TensorFlow Serving does, and needs neither the Python package nor Keras: models that Python's loader refuses
run too. Source: tensorflow/c/c_api.h, tf_tensor.h, tf_tstring.h of TensorFlow 2.21. Knows nothing of signatures.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.native import tf_native
from tflite_build.engines.native.tf_dtypes import NUMERIC, STRING

Array = NDArray[Any]

_TSTRING_SIZE = 24
_NUMBERS = {name: number for number, name in NUMERIC.items()}

# tensorflow.ConfigProto: intra_op_parallelism_threads (2) and inter_op_parallelism_threads (5) are 1, so that sums are
# always made in the same order.
_CONFIG = bytes([2 << 3, 1, 5 << 3, 1])


class SessionError(Exception):
    """TensorFlow cannot load or run the model; the text is its own."""


class _Output(ctypes.Structure):
    _fields_ = (("operation", c_void_p), ("index", c_int))


_PROTOTYPES: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
    "TF_NewStatus": (c_void_p, ()),
    "TF_DeleteStatus": (None, (c_void_p,)),
    "TF_GetCode": (c_int, (c_void_p,)),
    "TF_Message": (c_char_p, (c_void_p,)),
    "TF_NewGraph": (c_void_p, ()),
    "TF_DeleteGraph": (None, (c_void_p,)),
    "TF_NewSessionOptions": (c_void_p, ()),
    "TF_DeleteSessionOptions": (None, (c_void_p,)),
    "TF_SetConfig": (None, (c_void_p, c_char_p, c_size_t, c_void_p)),
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        (c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int, c_void_p, c_void_p, c_void_p),
    ),
    "TF_CloseSession": (None, (c_void_p, c_void_p)),
    "TF_DeleteSession": (None, (c_void_p, c_void_p)),
    "TF_GraphOperationByName": (c_void_p, (c_void_p, c_char_p)),
    "TF_OperationNumOutputs": (c_int, (c_void_p,)),
    "TF_AllocateTensor": (c_void_p, (c_int, POINTER(c_int64), c_int, c_size_t)),
    "TF_DeleteTensor": (None, (c_void_p,)),
    "TF_TensorType": (c_int, (c_void_p,)),
    "TF_NumDims": (c_int, (c_void_p,)),
    "TF_Dim": (c_int64, (c_void_p, c_int)),
    "TF_TensorByteSize": (c_size_t, (c_void_p,)),
    "TF_TensorData": (c_void_p, (c_void_p,)),
    "TF_StringInit": (None, (c_void_p,)),
    "TF_StringCopy": (None, (c_void_p, c_char_p, c_size_t)),
    "TF_StringGetDataPointer": (c_void_p, (c_void_p,)),
    "TF_StringGetSize": (c_size_t, (c_void_p,)),
    "TF_SessionRun": (
        None,
        (c_void_p, c_void_p) + (POINTER(_Output), POINTER(c_void_p), c_int) * 2 + (c_void_p, c_int, c_void_p, c_void_p),
    ),
}


class Session:
    """A loaded SavedModel.

    Args:
        folder: The SavedModel.
        tags: The tags of the graph to load, all of them.

    Raises:
        SessionError: TensorFlow cannot load it.
    """

    def __init__(self, folder: Path, tags: Sequence[str]) -> None:
        self._tf = _functions()
        self._status = self._tf.TF_NewStatus()
        self._graph = self._tf.TF_NewGraph()
        self._session = None
        options = self._tf.TF_NewSessionOptions()
        try:
            self._tf.TF_SetConfig(options, _CONFIG, len(_CONFIG), self._status)
            self._check()
            names = (c_char_p * len(tags))(*(tag.encode() for tag in tags))
            self._session = self._tf.TF_LoadSessionFromSavedModel(
                options, None, str(folder).encode(), names, len(tags), self._graph, None, self._status
            )
            self._check()
        except SessionError:
            self.close()
            raise
        finally:
            self._tf.TF_DeleteSessionOptions(options)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the model; nothing can be run afterwards."""
        if self._session is not None:
            self._tf.TF_CloseSession(self._session, self._status)
            self._tf.TF_DeleteSession(self._session, self._status)
            self._session = None
        if self._graph is not None:
            self._tf.TF_DeleteGraph(self._graph)
            self._tf.TF_DeleteStatus(self._status)
            self._graph = self._status = None

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str]) -> list[Array]:
        """The tensors `fetches`, such as "StatefulPartitionedCall:0", with `feeds` given.

        Strings are arrays of bytes or str going in, and of bytes coming out.

        Raises:
            SessionError: There is no such tensor, or TensorFlow fails to run it.
        """
        inputs = (_Output * max(1, len(feeds)))(*map(self._output, feeds))
        outputs = (_Output * max(1, len(fetches)))(*map(self._output, fetches))
        given = (c_void_p * max(1, len(feeds)))()
        results = (c_void_p * max(1, len(fetches)))()
        try:
            for i, value in enumerate(feeds.values()):
                given[i] = self._tensor(value)
            self._tf.TF_SessionRun(
                *(self._session, None),
                *(inputs, given, len(feeds)),
                *(outputs, results, len(fetches)),
                *(None, 0, None, self._status),
            )
            self._check()
            return [self._array(results[i]) for i in range(len(fetches))]
        finally:
            for tensor in (*given, *results):
                if tensor:
                    self._tf.TF_DeleteTensor(tensor)

    def _check(self) -> None:
        if self._tf.TF_GetCode(self._status):
            raise SessionError(self._tf.TF_Message(self._status).decode("utf-8", "replace"))

    def _output(self, tensor: str) -> _Output:
        name, _, index = tensor.partition(":")
        operation = self._tf.TF_GraphOperationByName(self._graph, name.encode())
        if not operation or int(index or 0) >= self._tf.TF_OperationNumOutputs(operation):
            raise SessionError(f"the graph has no tensor '{tensor}'")
        return _Output(operation, int(index or 0))

    def _tensor(self, value: Array) -> int:
        array = np.asarray(value, order="C")
        dims = (c_int64 * max(1, array.ndim))(*array.shape)
        if array.dtype.kind in "SUO":
            size = array.size * _TSTRING_SIZE
            tensor = self._tf.TF_AllocateTensor(STRING, dims, array.ndim, size)
            at = self._tf.TF_TensorData(tensor)
            for i, item in enumerate(array.reshape(-1).tolist()):
                text = item.encode() if isinstance(item, str) else bytes(item)
                self._tf.TF_StringInit(at + i * _TSTRING_SIZE)
                self._tf.TF_StringCopy(at + i * _TSTRING_SIZE, text, len(text))
            return int(tensor)
        number = _NUMBERS.get(array.dtype.name)
        if number is None:
            raise SessionError(f"arrays of {array.dtype.name} cannot be fed")
        tensor = self._tf.TF_AllocateTensor(number, dims, array.ndim, array.nbytes)
        if array.nbytes:
            ctypes.memmove(self._tf.TF_TensorData(tensor), array.ctypes.data, array.nbytes)
        return int(tensor)

    def _array(self, tensor: int | None) -> Array:
        shape = tuple(self._tf.TF_Dim(tensor, i) for i in range(self._tf.TF_NumDims(tensor)))
        number = self._tf.TF_TensorType(tensor)
        at = self._tf.TF_TensorData(tensor)
        if number == STRING:
            count = int(np.prod(shape, dtype=np.int64))
            return np.array([self._string(at + i * _TSTRING_SIZE) for i in range(count)], np.bytes_).reshape(shape)
        if number not in NUMERIC:
            raise SessionError(f"an output has TensorFlow's type number {number}, which arrays cannot hold")
        array: Array = np.empty(shape, NUMERIC[number])
        if array.nbytes:
            ctypes.memmove(array.ctypes.data, at, array.nbytes)
        return array

    def _string(self, at: int) -> bytes:
        size = self._tf.TF_StringGetSize(at)
        return ctypes.string_at(self._tf.TF_StringGetDataPointer(at), size) if size else b""


def _functions() -> Any:
    library = tf_native.library()
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
