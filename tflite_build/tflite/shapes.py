"""Shapes that a file does not tell, and that the kernels of operators do.

Source: detection_postprocess.cc of LiteRT.
"""

from __future__ import annotations

from . import flexbuffer
from .reader import Contents

_OPERATOR = "TFLite_Detection_PostProcess"
_MOST = 1 << 20  # boxes of any model


def true_shapes(contents: Contents) -> dict[tuple[int, int], tuple[int, ...]]:
    """Subgraph and tensor -> the shape that a run gives it, where the file says another one.

    Converters know none for the outputs of TFLite_Detection_PostProcess, and write that they are scalars; its kernel makes
    boxes, classes, scores and their count, as many as its options say.
    """
    found = {}
    for number, graph in enumerate(contents.model.subgraphs):
        for operator in graph.operators:
            if contents.name(operator) != _OPERATOR or operator.custom_options is None or len(operator.outputs) != 4:
                continue
            said = flexbuffer.integers(contents.bytes(operator.custom_options))
            count = said.get("max_detections", 0) * said.get("max_classes_per_detection", 0)
            if not 0 < count < _MOST:
                continue
            for tensor, shape in zip(operator.outputs, ((1, count, 4), (1, count), (1, count), (1,)), strict=True):
                if tensor >= 0 and graph.tensors[tensor].shape != shape:
                    found[number, tensor] = shape
    return found
