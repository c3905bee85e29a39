"""Literals and comments, as far as they are alike in all languages."""

from __future__ import annotations

import struct
import textwrap


def shortest(value: float) -> str:
    """The shortest decimal number that is exactly this one as a 32-bit float; "nan", "inf" or "-inf" for what is none."""
    (exact,) = struct.unpack("<f", struct.pack("<f", value))
    texts = (f"{exact:.{digits}g}" for digits in range(6, 10))
    return next((t for t in texts if struct.pack("<f", float(t)) == struct.pack("<f", exact)), str(exact))


def wrapped(text: str, prefix: str, line: int) -> str:
    """A comment's text over lines of at most `line` characters that each begin with `prefix`."""
    lines = textwrap.wrap(text, max(20, line - len(prefix)), break_long_words=False, break_on_hyphens=False)
    return f"\n{prefix}".join(lines)
