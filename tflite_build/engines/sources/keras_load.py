"""Loading a Keras model on JAX without running its initializers, whose values the file overwrites anyway.

Keras runs every random initializer while it builds a model, and JAX compiles each: nine tenths of the time that a load
takes. Here a new variable holds a placeholder until it is assigned or really read; what still holds one in the end is
initialized as Keras would have done it, so that the model is the same. Knows nothing of files or of user code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .keras_on_jax import jax


@contextmanager
def lazy_variables() -> Iterator[None]:
    """While inside, variables are initialized when first read; afterwards all hold JAX arrays, as ever."""
    from keras.src.backend.common import KerasVariable
    from keras.src.backend.common.stateless_scope import in_stateless_scope
    from keras.src.backend.jax.core import JaxVariable

    pending: dict[int, tuple[Any, Any]] = {}
    made: list[Any] = []
    initialize = JaxVariable._initialize_with_initializer
    convert = JaxVariable._convert_to_tensor
    read = KerasVariable.value.fget

    def initialize_later(self: Any, initializer: Any) -> None:
        self._initialize_layout()
        made.append(self)
        if self._layout is not None:  # spread over devices: not this module's business
            initialize(self, initializer)
            return
        self._value = np.broadcast_to(np.zeros((), jax.numpy.dtype(self._dtype)), self._shape)
        pending[id(self)] = (self._value, initializer)

    def settle(self: Any) -> None:
        placeholder, initializer = pending.pop(id(self), (None, None))
        if placeholder is not None and self._value is placeholder:
            initialize(self, initializer)

    def convert_on_host(self: Any, value: Any, dtype: Any = None) -> Any:
        if isinstance(value, np.ndarray) or type(value).__module__.startswith("h5py"):
            array = np.asarray(value)
            return array if dtype is None else array.astype(jax.numpy.dtype(dtype), copy=False)
        return convert(self, value, dtype)

    def value_of(self: Any) -> Any:
        # Inside of a stateless scope Keras only infers shapes: a placeholder has the right one.
        if id(self) in pending and not in_stateless_scope():
            settle(self)
        return read(self)

    JaxVariable._initialize_with_initializer = initialize_later
    JaxVariable._convert_to_tensor = convert_on_host
    JaxVariable.value = property(value_of)
    try:
        yield
    finally:
        JaxVariable._initialize_with_initializer = initialize
        JaxVariable._convert_to_tensor = convert
        del JaxVariable.value
    for variable in made:
        settle(variable)
        if isinstance(variable._value, np.ndarray):
            variable._value = jax.device_put(variable._value)
