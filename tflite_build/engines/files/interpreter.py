"""The interpreter of the environment that a step runs in: LiteRT's, or TensorFlow's where that has the select kernels."""

from __future__ import annotations

import importlib
from typing import Any

try:
    from ai_edge_litert import _pywrap_tfl_calibration as profiler
    from ai_edge_litert.interpreter import InterpreterWithCustomOps, OpResolverType
except ModuleNotFoundError:
    profiler = None
    _lite: Any = importlib.import_module("tensorflow.lite.python.interpreter")
    InterpreterWithCustomOps = _lite.InterpreterWithCustomOps
    OpResolverType = _lite.OpResolverType

__all__ = ["InterpreterWithCustomOps", "OpResolverType", "profiler"]
