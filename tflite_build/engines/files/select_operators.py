"""Select operators: those of TensorFlow that a file leaves to TensorFlow's own kernels, `Flex` before their names."""

from __future__ import annotations

from collections.abc import Sequence

from tflite_build.engines.words import quoted
from tflite_build.tflite.reader import Model

KEY = "compatibility.select_tf_ops"
PARAM = "select_tf_ops"
_PREFIX = "Flex"


def of(model: Model) -> tuple[str, ...]:
    """The select operators of `model`, as TensorFlow calls them."""
    return tuple(sorted({code.name.removeprefix(_PREFIX) for code in model.codes if code.flex}))


def unnamed(names: Sequence[str], allowed: object) -> list[str]:
    """Those of `names` that the spec does not allow.

    Args:
        allowed: What the step is told: a list of names, True for all, None for none.
    """
    if allowed is True:
        return []
    return [name for name in names if not isinstance(allowed, list) or name not in allowed]


def message(refused: Sequence[str]) -> str:
    """What is wrong with a file that has operators which the spec does not allow."""
    return f"the model needs TensorFlow's own kernels for {quoted(refused)}, which the spec does not allow"


def hint(names: Sequence[str]) -> str:
    """What to do about it, with all that the file has."""
    return f"say `select_tf_ops = {listed(names)}`, or change the model"


def listed(names: Sequence[str]) -> str:
    """Names as model.toml lists them."""
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
