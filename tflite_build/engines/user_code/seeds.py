"""Fixed seeds for the random numbers of user code, so that an unseeded generator gives the same in every build.

Seeds what draws from a state of the whole process. Objects that the user makes, such as `numpy.random.default_rng()`,
take theirs from the system, and nothing here reaches them. Knows nothing of what the numbers are for.
"""

from __future__ import annotations

import random
import sys

import numpy as np

_SEED = 0
_TENSORFLOW_SEED = 20240229  # unlike what people choose: it is to be told from theirs


def plant() -> None:
    """Seed Python's and NumPy's own generators; for before any of the user's code runs."""
    random.seed(_SEED)
    np.random.seed(_SEED)


def plant_tensorflow() -> None:
    """Seed TensorFlow's own generator where the user's code has imported it and has not seeded it."""
    if "tensorflow" in sys.modules:
        import tensorflow as tf
        from tensorflow.python.eager import context

        if context.global_seed() is None:
            tf.random.set_seed(_TENSORFLOW_SEED)


def lift_tensorflow() -> None:
    """Take this module's seed away, and leave one of the user's.

    A function that is traced under a seed draws the same numbers in the app for ever.
    """
    import tensorflow as tf
    from tensorflow.python.eager import context

    if context.global_seed() == _TENSORFLOW_SEED:
        tf.random.set_seed(None)
