"""Kotlin's literals and comments: nothing that stands in a spec can end them, or stand for anything else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import text
from .view import ImageView, SoundView

_LINE = 110  # characters of a line
_CALL = 80  # of a call, with what stands before it


def string(value: str) -> str:
    """A string literal: nothing in it can end it, or stand for anything else."""

    def escaped(c: str) -> str:
        if c in '"\\$':
            return "\\" + c
        if c in _SHORT:
            return _SHORT[c]
        if c.isprintable():
            return c
        units = c.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))

    return '"' + "".join(map(escaped, value)) + '"'


_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def comment(value: str) -> str:
    """Text for a comment, on one line: nothing in it can end the comment, begin another one, or be a tag of KDoc."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    plain = plain.replace("*/", "*&#47;").replace("/*", "/&#42;").replace("@", "&#64;")
    return re.sub(r"[\[\]`]", lambda m: f"&#{ord(m[0])};", plain)


def float_literal(value: float) -> str:
    """A Float literal that is exactly this number as a 32-bit float."""
    number = text.shortest(value)
    if number in _NO_NUMBERS:
        return _NO_NUMBERS[number]
    return f"{number}f" if "." in number or "e" in number else f"{number}.0f"


_NO_NUMBERS = {"nan": "Float.NaN", "inf": "Float.POSITIVE_INFINITY", "-inf": "Float.NEGATIVE_INFINITY"}


def wrapped(said: str, prefix: str) -> str:
    """A comment's text over lines that each begin with `prefix`."""
    return text.wrapped(said, prefix, _LINE)


_READERS = {
    "float32": "floats",
    "int8": "bytes",
    "uint8": "bytes",
    "int16": "shorts",
    "int32": "ints",
    "int64": "longs",
    "bool": "booleans",
}


def reader(dtype: str) -> str:
    """What reads numbers of a type from the data of a test."""
    return _READERS[dtype]


def call(name: str, given: Sequence[tuple[str, str]]) -> str:
    """A call of what is given for parameters, by their names; "" for the only one."""
    parts = [f"{parameter} = {value}" if parameter else value for parameter, value in given]
    line = f"{name}({', '.join(parts)})"
    if len(line) <= _CALL and "\n" not in line:
        return line
    lines = ",\n".join(parts).replace("\n", "\n    ")
    return f"{name}(\n    {lines},\n)"


def image_maker(image: ImageView) -> str:
    """The call of PicturePreprocessing's constructor."""
    content = image.content
    given = [
        f"width = {image.width}",
        f"height = {image.height}",
        f"colorSpace = ColorSpace.{image.color_space.upper()}",
    ]
    for name, values in (("mean", content.mean), ("std", content.std)):
        if values != ((0.0,) if name == "mean" else (1.0,)):
            given.append(f"{name} = floatArrayOf({', '.join(map(float_literal, values))})")
    if content.invert:
        given.append("invert = true")
    given.append(f"resize = Resize.{content.resize.upper()}")
    if content.antialias:
        given.append("antialias = true")
    given.append(f"fit = Fit.{content.fit.upper()}")
    if content.fit == "letterbox":
        given.append(f"fill = intArrayOf({', '.join(map(str, content.fill))})")
    if image.channels_first:
        given.append("channelsFirst = true")
    return f"PicturePreprocessing(\n    {f',{chr(10)}    '.join(given)},\n)"


def sound_maker(sound: SoundView) -> str:
    """The call of SoundPreprocessing's constructor."""
    content = sound.content
    given = [f"sampleRate = {sound.sample_rate}", f"length = {sound.length}"]
    for name, values in (("mean", content.mean), ("std", content.std)):
        if values != ((0.0,) if name == "mean" else (1.0,)):
            given.append(f"{name} = {float_literal(values[0])}")
    return f"SoundPreprocessing({', '.join(given)})"
