"""TensorFlow's numbers for the types of tensors.

Source: the enum DataType of tensorflow/core/framework/types.proto of TensorFlow 2.21; TF_DataType of its C API is the same.
"""

from __future__ import annotations

from collections.abc import Mapping

STRING = 7

# What numpy has a type for, as numpy names it.
NUMERIC: Mapping[int, str] = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    8: "complex64",
    9: "int64",
    10: "bool",
    17: "uint16",
    18: "complex128",
    19: "float16",
    22: "uint32",
    23: "uint64",
}

NAMES: Mapping[int, str] = {
    **NUMERIC,
    STRING: "string",
    11: "qint8",
    12: "quint8",
    13: "qint32",
    14: "bfloat16",
    20: "resource",
    21: "variant",
}
