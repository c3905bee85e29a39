"""The Python files that TensorFlow's autograph writes, which it removes when its process ends by itself. Ours is ended."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Iterator
from types import SimpleNamespace

from tensorflow.python.autograph.pyct import loader


@contextlib.contextmanager
def removed() -> Iterator[None]:
    """Inside, they go into a folder of their own, which is removed. TMPDIR stays: data of the user's may lie there."""
    with tempfile.TemporaryDirectory() as folder:
        loader.tempfile = SimpleNamespace(NamedTemporaryFile=functools.partial(tempfile.NamedTemporaryFile, dir=folder))
        try:
            yield
        finally:
            loader.tempfile = tempfile
