"""Custom operators: those that every runtime carries, and those that an app has to register by itself."""

from __future__ import annotations

from .reader import Model

# The custom operators that every runtime carries: tflite/core/kernels/register.cc of LiteRT at f674577 (August 2026).
STOCK = frozenset(
    {"AudioSpectrogram", "Mfcc", "NumericVerify", "TFLite_Detection_PostProcess", "aeq.hadamard_rotation"}
)


def own(model: Model) -> tuple[str, ...]:
    """The custom operators of `model` that no runtime carries, which an app has to register."""
    codes = {operator.code for graph in model.subgraphs for operator in graph.operators}
    found = {model.codes[c].name for c in codes if model.codes[c].custom and not model.codes[c].flex}
    return tuple(sorted(found - STOCK))
