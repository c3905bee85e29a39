"""Labels of files in a CSV: `file` and one or more further columns, all of them numbers."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import counted, near_or_all, quoted

_LARGEST = 2**53  # beyond it float64 leaves whole numbers out


def read(path: Path, files: Sequence[str], shown: str, key: str, *, classes: bool) -> NDArray[Any]:
    """A label for each of `files`, in their order.

    One column of whole numbers gives (files,) of int64; other numbers give float64, several columns (files, columns).

    Args:
        path: The CSV file: UTF-8, its first line the names of the columns, the first of which is `file`.
        files: Paths below the folder of data.
        shown: What the user calls the CSV file.
        key: The key of model.toml that names it.
        classes: Whether labels are for whole numbers alone.

    Raises:
        Invalid: It is no such file, names a file twice or one that is not there, or leaves one out.
    """
    try:
        text = path.read_text("utf-8-sig")
        rows = list(csv.reader(text.splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"'{shown}' is no CSV file in UTF-8", key) from error
    if not rows or len(rows[0]) < 2 or rows[0][0].strip() != "file":
        raise Invalid(f"'{shown}' has no first line 'file,label'", key, "name the columns: file, then the label")
    found: dict[str, list[float]] = {}
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        name = row[0].strip().removeprefix("./")
        if len(row) != len(rows[0]):
            raise Invalid(
                f"line {number} of '{shown}' has {counted(len(row), 'value')}, its first line {len(rows[0])}", key
            )
        if name not in files:
            raise Invalid(
                f"line {number} of '{shown}' names '{name}', which is not in the data", key, near_or_all(name, files)
            )
        if name in found:
            raise Invalid(f"line {number} of '{shown}' names '{name}' again", key)
        found[name] = [_number(cell, number, shown, key, classes) for cell in row[1:]]
    missing = [name for name in files if name not in found]
    if missing:
        raise Invalid(f"'{shown}' has no label for {quoted(missing)}", key, "add a line for each, or remove the files")
    values = np.array([found[name] for name in files])
    if len(rows[0]) == 2:
        values = values[:, 0]
        if (values == np.floor(values)).all():
            return values.astype(np.int64)
    return values


def _number(cell: str, line: int, shown: str, key: str, classes: bool) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (classes and not value.is_integer()):
        raise Invalid(
            f"line {line} of '{shown}' has '{cell.strip()}' as label; a {'whole ' if classes else ''}number is needed",
            key,
            "for classes the number of the output's value, from 0",
        )
    if abs(value) > _LARGEST:
        raise Invalid(f"line {line} of '{shown}' has the label '{cell.strip()}', which is beyond exact numbers", key)
    return value
