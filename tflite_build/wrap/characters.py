"""The tables of characters that generated code has: see scripts/make_bert_characters.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from tflite_build import resources


@cache
def _tables() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(resources.specs("tokenizers", "bert.json").read_text("utf-8"))
    return found


def table(name: str) -> Sequence[str]:
    """The lines of a table."""
    return _tables()[name]
