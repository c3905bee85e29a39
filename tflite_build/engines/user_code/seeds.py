"""Fixed seeds for the random numbers of user code, so that an unseeded generator gives the same in every build.

Seeds what draws from a state of the whole process. Objects that the user makes, such as `numpy.random.default_rng()`,
take theirs from the system, and nothing here reaches them. Knows nothing of what the numbers are for.
"""

from __future__ import annotations

import contextlib
import importlib.util
import random
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np

_SEED = 0
_TENSORFLOW_SEED = 20240229  # unlike what people choose: it is to be told from theirs


def plant() -> None:
    """Seed Python's and NumPy's own generators; for before any of the user's code runs."""
    random.seed(_SEED)
    np.random.seed(_SEED)


def plant_tensorflow() -> None:
    """Seed TensorFlow's own generator anew, now or as soon as it is imported; for before any of the user's code runs."""
    if "tensorflow" in sys.modules:
        _seed_tensorflow()
    elif not any(isinstance(finder, _TensorFlowFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TensorFlowFinder())


def lift_tensorflow() -> None:
    """Take this module's seed away, and leave one of the user's.

    A function that is traced under a seed draws the same numbers in the app for ever.
    """
    import tensorflow as tf
    from tensorflow.python.eager import context

    if context.global_seed() == _TENSORFLOW_SEED:
        tf.random.set_seed(None)


def forget_keras() -> None:
    """Have Keras, where it was imported, make its generator anew, whose seed is one of Python's random numbers."""
    clear = getattr(getattr(sys.modules.get("keras"), "utils", None), "clear_session", None)
    if clear is not None:
        clear(free_memory=False)


def _seed_tensorflow() -> None:
    with contextlib.suppress(ImportError, AttributeError):  # another module of that name
        import tensorflow as tf

        tf.random.set_seed(_TENSORFLOW_SEED)


class _TensorFlowFinder:
    """Finds TensorFlow as the finders behind it do, and has it seeded before whoever imports it can draw.

    It takes seconds to import, so it is not imported for this.
    """

    def __init__(self) -> None:
        self._asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As the import machinery asks for it."""
        if fullname != "tensorflow" or self._asking:
            return None
        self._asking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_seed(module: ModuleType) -> None:
                execute(module)
                _seed_tensorflow()

            spec.loader.exec_module = execute_and_seed  # type: ignore[method-assign]
        return spec
