"""TensorFlow's compiled parts without its Python package: 0.3 s to load instead of 2 to 5 s, at a third of the memory.

The converter is the extension module that `tf.lite.TFLiteConverter` calls in the end, with the same flags; the file that
it writes has the same bytes. Both orders work in one process: these modules first and `import tensorflow` later, or the
other way round. It is a private interface: the toolchain pins TensorFlow exactly. Knows nothing of SavedModels.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from pathlib import Path
from typing import Any

from . import protobuf_wire as wire

# Results must not depend on which of oneDNN's kernels a CPU has, and logs say nothing below errors. Both are read once,
# when the library is loaded.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_CONVERTER = "tensorflow.compiler.mlir.lite.python._pywrap_converter_api"
_FUNCTION_LIBRARY = "tensorflow.compiler.mlir.quantization.tensorflow.python.pywrap_function_lib"
_FLOAT = 1
_QUANTIZED_INT8 = 9

# Field numbers of tflite.ConverterFlags (converter_flags.proto) and the values that `tf.lite` 2.21 gives them.
_FLAGS: Mapping[str, tuple[int, int]] = {
    "input_format": (1, 1),  # a TensorFlow graph
    "output_format": (2, 2),  # TFLite
    "inference_type": (4, _FLOAT),
    "reorder_across_fake_quant": (8, 0),
    "allow_custom_ops": (10, 0),
    "inference_input_type": (11, _FLOAT),
    "drop_control_dependency": (12, 1),
    "post_training_quantize": (26, 0),
    "enable_select_tf_ops": (27, 0),
    "quantize_to_float16": (29, 0),
    "enable_tflite_resource_variables": (34, 1),
    "unfold_batchmatmul": (35, 0),
    "lower_tensor_list_ops": (36, 1),
    "allow_bfloat16": (38, 0),
    "allow_all_select_tf_ops": (39, 0),
    "unfold_large_splat_constant": (40, 0),
    "default_to_single_batch_in_tensor_list_ops": (42, 0),
    "guarantee_all_funcs_one_use": (50, 0),
    "enable_composite_direct_lowering": (63, 1),
    "canonicalizing_inf_as_min_max_float": (65, 1),
}
# Field numbers of tflite.ModelFlags (model_flags.proto).
_MODEL_DIR, _MODEL_VERSION, _MODEL_TAGS, _MODEL_NAMES = 20, 21, 22, 23


class ConversionError(Exception):
    """The converter failed; `collected` are its serialized ConverterErrorData messages."""

    def __init__(self, text: str, collected: Sequence[bytes]) -> None:
        super().__init__(text)
        self.collected = tuple(collected)


@functools.cache
def package_folder() -> Path:
    """The folder of the installed tensorflow package, which is not imported."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
    return Path(spec.origin).parent


def extension(name: str) -> Any:
    """The extension module `name`, loaded without the packages around it."""
    if name in sys.modules:
        return sys.modules[name]
    stem = package_folder().parent.joinpath(*name.split("."))
    for suffix in EXTENSION_SUFFIXES:
        path = stem.with_name(stem.name + suffix)
        if path.is_file():
            loader = ExtensionFileLoader(name, str(path))
            spec = importlib.util.spec_from_file_location(name, path, loader=loader)
            assert spec is not None
            module = importlib.util.module_from_spec(spec)
            loader.exec_module(module)
            # Under its real name, so that `import tensorflow` finds it instead of registering its types twice.
            sys.modules[name] = module
            return module
    raise ModuleNotFoundError(f"No module named '{name}'", name=name)


@functools.cache
def library() -> ctypes.CDLL:
    """TensorFlow's C API (tensorflow/c/c_api.h)."""
    extension(_CONVERTER)  # brings in what the library depends on
    file = "libtensorflow_cc.2.dylib" if sys.platform == "darwin" else "libtensorflow_cc.so.2"
    return ctypes.CDLL(str(package_folder() / file))


def convert(
    folder: Path, version: int, tags: Sequence[str], signatures: Sequence[str], flags: Mapping[str, int]
) -> bytes:
    """The .tflite file of a SavedModel's signatures, in this order.

    Args:
        version: The SavedModel's schema version.
        flags: What differs from `tf.lite`'s own choice, by name.

    Raises:
        ConversionError: The converter fails.
    """
    unknown = set(flags) - set(_FLAGS)
    if unknown:
        raise ValueError(f"unknown flags: {sorted(unknown)}")
    api = extension(_CONVERTER)
    functions = extension(_FUNCTION_LIBRARY).PyFunctionLibrary()
    model: list[tuple[int, int, int | bytes]] = [
        (_MODEL_DIR, wire.BYTES, str(folder).encode()),
        (_MODEL_VERSION, wire.VARINT, version),
        *((_MODEL_TAGS, wire.BYTES, tag.encode()) for tag in tags),
        *((_MODEL_NAMES, wire.BYTES, name.encode()) for name in signatures),
    ]
    converter: list[tuple[int, int, int | bytes]] = [
        (number, wire.VARINT, flags.get(name, value)) for name, (number, value) in _FLAGS.items()
    ]
    try:
        result = api.Convert(wire.pack(model), wire.pack(converter), None, False, None, functions)
    except Exception as error:
        raise ConversionError(str(error), [bytes(e) for e in api.RetrieveCollectedErrors()]) from error
    api.RetrieveCollectedErrors()  # what passes complained of on the way belongs to this conversion, not to the next
    return bytes(result)


def quantized_as_trained() -> dict[str, int]:
    """Flags that keep the quantization that a model was trained with; inputs and outputs stay float."""
    return {"inference_type": _QUANTIZED_INT8}
