"""Functions of JAX that TensorFlow Lite has an operator for and that JAX itself spells out: told to the converter whole.

Spelled out, an exact GELU is some thirty operators whose unselected branches reach infinity, so that no integer file can be
made of it. litert-converter knows StableHLO composites by the names that PyTorch's operators have. Knows nothing of what is
lowered.

Source: https://openxla.org/stablehlo/spec#composite.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import jax
import jax.custom_batching

_spelled_out = jax.nn.gelu


def _gelu(approximate: bool) -> Callable[[Any], Any]:
    """A composite has no rules of its own for `vmap` and `grad`."""

    def spelled_out(x: Any, **_: str) -> Any:
        return _spelled_out(x, approximate)

    composite = jax.lax.composite(spelled_out, "aten.gelu.default")
    whole = jax.custom_batching.custom_vmap(partial(composite, approximate="tanh" if approximate else "none"))
    # Element by element: a further axis changes nothing.
    whole.def_vmap(lambda size, batched, x: (whole(x), True))
    differentiable = jax.custom_jvp(whole)
    differentiable.defjvp(lambda primals, tangents: jax.jvp(spelled_out, primals, tangents))
    return cast(Callable[[Any], Any], differentiable)


_GELU = {approximate: _gelu(approximate) for approximate in (True, False)}


def gelu(x: Any, approximate: bool = True) -> Any:
    """As `jax.nn.gelu`, which it stands in for; other types than float32 have no operator and stay spelled out."""
    if jax.numpy.result_type(x).name != "float32":
        return _spelled_out(x, approximate)
    return _GELU[bool(approximate)](jax.numpy.asarray(x))


def install() -> None:
    """Put them in the place of JAX's own: before user code runs, which may take the functions by name."""
    jax.nn.gelu = gelu
