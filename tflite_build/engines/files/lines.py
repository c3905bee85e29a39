"""The lines of text files that the user names: labels, vocabularies, tables. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding

LARGEST = 64 << 20  # of a file that lines are read of


def of_binding(binding: Binding, key: str, inputs: Mapping[str, Path]) -> dict[str, Sequence[str]]:
    """The lines of the files that a key of a binding names: locale -> lines; the default's is "".

    Args:
        inputs: The files by the names that the binding has for them.

    Raises:
        Invalid: As `lines` does.
    """
    files = {locale: inputs[name] for locale, name in binding.files.get(key, {}).items()}
    return {locale: lines(file, file.name, binding.at(key)) for locale, file in files.items()}


def lines(path: Path, name: str, key: str) -> list[str]:
    """The lines of a file of the user's, as `split` finds them.

    Args:
        path: The file.
        name: What the user calls it.
        key: Where model.toml names it.

    Raises:
        Invalid: If it is not UTF-8, or too large for a list of words.
    """
    if path.stat().st_size > LARGEST:
        raise Invalid(f"'{name}' has more than {LARGEST >> 20} MB, which is no list of words", key)
    data = path.read_bytes()
    try:
        return split(data)
    except UnicodeDecodeError as error:
        place = data[: error.start].count(b"\n") + 1
        raise Invalid(f"'{name}' is not UTF-8 text: line {place} has byte 0x{data[error.start]:02x}", key) from None


def split(content: bytes) -> list[str]:
    """The lines of a file with this content, without their ends; one that is empty at the end is none.

    Raises:
        UnicodeDecodeError: If it is not UTF-8.
    """
    found = content.decode("utf-8").removeprefix("\ufeff").split("\n")
    if found[-1] == "":
        found.pop()
    return [line.removesuffix("\r") for line in found]
