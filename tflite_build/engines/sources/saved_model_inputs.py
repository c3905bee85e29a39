"""What the signatures of a SavedModel take, with every dimension that the file leaves open closed by the spec.

Standard library only, so that it is known before TensorFlow starts.
"""

from __future__ import annotations

from collections.abc import Sequence

from tflite_build.engines.contract import Declared, TensorSpec

from .saved_model_file import MetaGraph
from .source_shapes import SourceInput, check_signatures, resolve


def inputs_of(meta: MetaGraph, names: Sequence[str], declared: Declared) -> dict[str, tuple[TensorSpec, ...]]:
    """Signature -> its inputs.

    Args:
        names: The signatures that are asked for.
        declared: What the spec says of inputs.

    Raises:
        Invalid: The spec does not fit the file or leaves something open.
    """
    check_signatures(declared, names)
    inputs = {}
    for name in names:
        stated = meta.signature(name)
        known = [SourceInput(i.name, i.shape, i.dtype) for i in stated.inputs]
        inputs[name] = resolve(known, declared.inputs(name), name, len(names) == 1)
    return inputs
