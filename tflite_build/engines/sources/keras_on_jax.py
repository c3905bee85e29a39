"""Keras on JAX, imported without what is not used here: `jax` and `keras`.

Keras imports the attention kernels of TPUs, and JAX its solvers for sparse matrices, which import much of scipy: a third
of the time that the imports take. They are put off until something asks for them. Knows nothing of models.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

_SPLASH = "jax.experimental.pallas.ops.tpu.splash_attention"
_LATER: dict[str, tuple[str, ...]] = {
    "jax.experimental.sparse.linalg": (),
    _SPLASH: ("splash_attention_kernel", "splash_attention_mask"),
}


class _Later(ModuleType):
    """Stands in for a module until one of its attributes is read."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for other in _LATER:
            if isinstance(sys.modules.get(other), _Later):
                del sys.modules[other]
        return getattr(importlib.import_module(self.__name__), name)


def _put_off() -> None:
    for name, members in _LATER.items():
        if name not in sys.modules:
            module = _Later(name)
            for member in members:
                setattr(module, member, _Later(f"{name}.{member}"))
            sys.modules[name] = module


# Both are read once, when Keras and JAX are imported.
os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
_put_off()
jax: Any = importlib.import_module("jax")
keras: Any = importlib.import_module("keras")
