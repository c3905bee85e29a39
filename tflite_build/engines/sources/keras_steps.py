"""TimeDistributed over an open number of steps, which Keras 3.15 itself gets wrong or cannot trace.

There it goes through as many steps as the batch has samples (TensorFlow), or fails (JAX). Its layer treats each step
like a sample, so batch and time are made one dimension for it and parted again, as Keras 2 did. Alike under every
backend. Knows nothing of files.
"""

from __future__ import annotations

from typing import Any

import keras


def take_open_steps(model: Any) -> None:
    """Let every TimeDistributed layer take any number of steps.

    Args:
        model: A `keras.Model`, before it is traced. Where the number is known, or the layer within sees a mask, Keras's
            own way stays.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.TimeDistributed):
            layer.call = _call(layer)


def _call(layer: Any) -> Any:
    own, inner = layer.call, layer.layer

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        masked = mask is not None and inner._call_has_mask_arg
        if masked or isinstance(inputs.shape[1], int):
            return own(inputs, training=training, mask=mask)
        batch, steps, *rest = keras.ops.shape(inputs)
        keywords = {"training": training} if inner._call_has_training_arg else {}
        made = inner.call(keras.ops.reshape(inputs, (-1, *rest)), **keywords)
        return keras.ops.reshape(made, (batch, steps, *keras.ops.shape(made)[1:]))

    return call
