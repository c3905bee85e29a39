"""Files edited in memory, as tests compare them; the tool itself writes patches."""

from __future__ import annotations

from tflite_build.tflite import edit
from tflite_build.tflite.edit import Edits


def rewrite(data: bytes, edits: Edits) -> bytes:
    """`data` with `edits`."""
    view = memoryview(data)
    return edit.plan(view, edits).applied(view)
