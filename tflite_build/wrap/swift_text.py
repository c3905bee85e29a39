"""Swift's literals and comments: nothing that stands in a spec can end them, or stand for anything else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from . import text
from .view import ImageView, SoundView

LINE = 120  # characters of a line, as the package's own .swift-format says


def string(value: str) -> str:
    """A string literal: nothing in it can end it, or stand for anything else."""

    def escaped(c: str) -> str:
        if c in '"\\':
            return "\\" + c
        if c in _SHORT:
            return _SHORT[c]
        if c.isprintable():
            return c
        return "\\u{fffd}" if "\ud800" <= c <= "\udfff" else f"\\u{{{ord(c):x}}}"  # half of a pair is no character

    return '"' + "".join(map(escaped, value)) + '"'


_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def ruby_string(value: str) -> str:
    """A string literal of Ruby, as podspecs have them: on one line, and nothing in it is run."""
    line = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    plain = line.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{plain}'"


def comment(value: str) -> str:
    """Text for a comment, on one line, which is all that ends one; nothing in it is a field of DocC's."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return re.sub(r"(?<!\S)[-+*](?=\s+(?:Parameters?|Returns|Throws)\b)", r"\\\g<0>", plain, flags=re.IGNORECASE)


def float_literal(value: float) -> str:
    """A Float literal that is exactly this number as a 32-bit float, where the type is known."""
    number = text.shortest(value)
    return {"nan": ".nan", "inf": ".infinity", "-inf": "-.infinity"}.get(number, number)


def wrapped(said: str, prefix: str) -> str:
    """A comment's text over lines that each begin with `prefix`."""
    return text.wrapped(said, prefix, LINE)


def parameters(pairs: Iterable[tuple[str, str]], prefix: str) -> str:
    """What a comment says of parameters and then of no more: one in a line of its own, several as a list."""
    found = list(pairs)
    if len(found) == 1:
        ((name, told),) = found
        return prefix + wrapped(f"- Parameter {name}: {told}", f"{prefix}  ")
    lines = [f"{prefix}  " + wrapped(f"- {name}: {told}", f"{prefix}    ") for name, told in found]
    return "\n".join([f"{prefix}- Parameters:", *lines])


_READERS = {
    "float32": "Float",
    "int8": "Int8",
    "uint8": "UInt8",
    "int16": "Int16",
    "int32": "Int32",
    "int64": "Int64",
    "bool": "Bool",
}


def type_of(dtype: str) -> str:
    """The type of one value."""
    return _READERS[dtype]


def call(name: str, arguments: Iterable[str]) -> str:
    """A call with an argument on each line."""
    lines = ",\n    ".join(arguments)
    return f"{name}(\n    {lines}\n)"


def image_maker(image: ImageView) -> str:
    """The call of PicturePreprocessing's initializer."""
    content = image.content
    given = [f"width: {image.width}", f"height: {image.height}", f"colorSpace: .{image.color_space}"]
    for name, values in (("mean", content.mean), ("std", content.std)):
        if values != ((0.0,) if name == "mean" else (1.0,)):
            given.append(f"{name}: [{', '.join(map(float_literal, values))}]")
    if content.invert:
        given.append("invert: true")
    given.append(f"resize: .{content.resize}")
    if content.antialias:
        given.append("antialias: true")
    given.append(f"fit: .{content.fit}")
    if content.fit == "letterbox":
        given.append(f"fill: [{', '.join(map(str, content.fill))}]")
    if image.channels_first:
        given.append("channelsFirst: true")
    return call("PicturePreprocessing", given)


def sound_maker(sound: SoundView) -> str:
    """The call of SoundPreprocessing's initializer."""
    content = sound.content
    given = [f"sampleRate: {sound.sample_rate}", f"length: {sound.length}"]
    for name, values in (("mean", content.mean), ("std", content.std)):
        if values != ((0.0,) if name == "mean" else (1.0,)):
            given.append(f"{name}: {float_literal(values[0])}")
    return call("SoundPreprocessing", given)


def listed(parts: Sequence[str], indent: int) -> str:
    """Parameters between brackets that open in a line indented by as many spaces, each in a line; nothing for none."""
    if not parts:
        return ""
    inner, outer = " " * (indent + 4), " " * indent
    return "\n" + ",\n".join(f"{inner}{part}" for part in parts) + f"\n{outer}"
