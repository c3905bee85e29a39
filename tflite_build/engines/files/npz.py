"""Arrays in .npz files: reading what a user hands in, with checks, and writing so that equal arrays give equal bytes.

Knows nothing of models: what the arrays mean is the caller's business.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Invalid

Array = NDArray[Any]

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_HEADER = 4096  # bytes that no header of an .npy member reaches


def read(path: Path, key: str, name: str = "") -> dict[str, Array]:
    """The arrays of an .npz file by name, in the file's order.

    Args:
        key: The key of model.toml that names the file.
        name: What the user calls the file, where a staged copy is read.

    Raises:
        Invalid: It is no .npz file, it is empty or damaged, or an array holds Python objects.
    """
    called = name or path.name
    try:
        archive = np.load(path, allow_pickle=False)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise _no_archive(path, called, key) from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise Invalid(
            f"'{called}' holds a single array (.npy), an .npz file with one array per input is needed",
            key,
            "write it with numpy.savez(file, NAME=array)",
        )
    arrays: dict[str, Array] = {}
    with archive:
        for item in archive.files:
            arrays[item] = _member(archive, item, called, key)
    if not arrays:
        raise Invalid(f"'{called}' is empty, one array per input is needed", key)
    return arrays


def write(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write `arrays` uncompressed, with a fixed time for every member."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, value in arrays.items():
            array = np.asarray(storable(value), order="C")
            info = zipfile.ZipInfo(f"{name}.npy", _FIXED_TIME)
            info.file_size = array.nbytes + _HEADER  # whether the member needs the form for large ones
            with archive.open(info, "w") as member:  # in pieces: labelled data may be a good part of the memory
                np.lib.format.write_array(member, array, allow_pickle=False)


def storable(array: Array) -> Array:
    """Texts, which runtimes give as Python's bytes, as an array of bytes of one width; any other array as it is."""
    return array.astype(np.bytes_) if array.dtype.kind == "O" else array


def _no_archive(path: Path, called: str, key: str) -> Invalid:
    with path.open("rb") as file:
        begins = file.read(2)
    if begins == b"PK":
        return Invalid(f"'{called}' is damaged or cut off: its end, with the list of its arrays, is missing", key)
    what = "as the input takes it" if key == "--input" else "its first axis the samples"
    return Invalid(
        f"'{called}' is " + ("not an .npz file" if begins else "an empty file"),
        key,
        f"write it with numpy.savez: one array per input, {what}",
    )


def _member(archive: Any, item: str, called: str, key: str) -> Array:
    """One array of an open file; whatever damage does to zipfile, zlib or numpy is the same to the user."""
    try:
        value = archive[item]
    except MemoryError as error:
        raise Invalid(f"'{item}' in '{called}' says that it is larger than this machine's memory", key) from error
    except Exception as error:
        if isinstance(error, ValueError) and "Object arrays" in str(error):
            raise Invalid(
                f"'{item}' in '{called}' holds Python objects, arrays of numbers are needed",
                key,
                "samples of different shapes cannot be one array: pad them to one shape, or use an entry function",
            ) from error
        raise Invalid(f"'{item}' in '{called}' is damaged", key) from error
    if not isinstance(value, np.ndarray):
        raise Invalid(f"'{item}' in '{called}' is not an array", key)
    return value
