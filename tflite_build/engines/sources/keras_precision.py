"""Mixed precision is for training: a model that computes in 16 bits with 32-bit variables is deployed in 32 bits.

No kernel of TensorFlow Lite computes in bfloat16, and few in float16; `quantize = "float16"` is what makes a file
small. Results are closer to the exact ones than the mixed model's own. Alike under every Keras backend.
"""

from __future__ import annotations

from typing import Any


def compute_in_full(model: Any) -> None:
    """Make every layer compute in the type of its variables.

    Args:
        model: A `keras.Model`, before it is traced. Layers that Keras itself has quantized stay as they are.
    """
    for layer in model._flatten_layers():
        policy = layer.dtype_policy
        if getattr(policy, "quantization_mode", None) is None and policy.compute_dtype != policy.variable_dtype:
            layer.dtype_policy = policy.variable_dtype
