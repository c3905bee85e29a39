"""Writing to a terminal, a pipe or a CI log: lines, errors, tables. Colour only where a terminal reads it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from tflite_build.errors import Problem, StoreError, printable
from tflite_build.progress import Event, Note, Warning_

from .front import BOLD, PLAIN, coloured, colourful

_LONE = re.compile("[\ud800-\udfff]")  # what Python makes of bytes that are not UTF-8
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


def write(stream: TextIO | None, text: str) -> None:
    """Write `text` at once. Where nobody reads any more, as behind `| head`, nothing more is written.

    Raises:
        StoreError: If the stream is a file that cannot be written, such as one on a full disk.
    """
    if stream is None:  # closed before we began, as by `>&-`
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        lost(stream, error)


def lost(stream: TextIO, error: OSError) -> None:
    """Write nothing more to `stream`, which failed with `error`; StoreError where somebody has to hear of it."""
    give_up(stream)
    if not isinstance(error, BrokenPipeError) and stream is not sys.stderr:  # which would have to say so itself
        raise StoreError(Problem(f"cannot write the output: {error.strerror}")) from None


def give_up(stream: TextIO) -> None:
    """Let what is written to `stream` from now on go nowhere, and what is left in its buffer at exit too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def line(text: str = "") -> None:
    """A line of the command's own output."""
    write(sys.stdout, text + "\n")


def error(text: str) -> None:
    """Text for the error stream; the words `error:` and `warning:` are coloured on a terminal."""
    if colourful(sys.stderr):
        text = "\n".join(
            f"\033[1;31merror\033[0m{row[5:]}" if row.startswith("error:") else row for row in text.split("\n")
        )
    write(sys.stderr, text + "\n")


def note(event: Event) -> None:
    """A listener that shows notes and warnings alone."""
    if isinstance(event, Note | Warning_):
        write(sys.stderr, event.text + "\n")


def json_document(value: object) -> None:
    """A JSON document."""
    line(json_text(value, indent=2))


def json_text(value: object, *, indent: int | None = None) -> str:
    """`value` as JSON that every parser takes: in a file's name what is not UTF-8 becomes U+FFFD, a character of JSON."""
    separators = None if indent is not None else (",", ":")
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False)
    whole = _LONE.sub("\ufffd", text)
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], whole)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), indent: str = "") -> None:
    """Print `table_text`, its head in bold on a terminal."""
    write(sys.stdout, coloured(table_text(head, rows, right=right, indent=indent)))


def table_text(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), indent: str = ""
) -> str:
    """Rows in aligned columns, under a bold head; `right` names the columns aligned right. Cells may have several lines."""
    everything = ([list(head)] if head else []) + [list(r) for r in rows]
    if not everything:
        return ""
    cells = [[cell.split("\n") for cell in row] for row in everything]
    widths = [max(len(text) for row in cells for text in row[i]) for i in range(len(cells[0]))]
    lines = []
    for number, row in enumerate(cells):
        for part in range(max(len(cell) for cell in row)):
            texts = [cell[part] if part < len(cell) else "" for cell in row]
            shown = "  ".join(
                t.rjust(w) if i in right else t.ljust(w) for i, (t, w) in enumerate(zip(texts, widths, strict=True))
            )
            text = (indent + shown).rstrip()
            lines.append(f"{BOLD}{text}{PLAIN}\n" if head and number == 0 else f"{text}\n")
    return "".join(lines)


def size(count: float) -> str:
    """Bytes for people, in powers of 1000."""
    for unit in ("B", "kB", "MB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"


def relative(path: Path) -> str:
    """`path` from the current folder where it lies under it, for people."""
    here = current_folder()
    absolute = path.absolute() if here else path
    return printable(str(absolute.relative_to(here)) if here and absolute.is_relative_to(here) else str(path))


def current_folder() -> Path | None:
    """The current folder; None where it was removed meanwhile."""
    try:
        return Path.cwd()
    except OSError:
        return None


def shell_path(spec: Path) -> str:
    """How to name a spec on the command line: its folder for a model.toml, "" in the current one."""
    if spec.name != "model.toml":
        return relative(spec)
    return "" if spec.absolute().parent == current_folder() else relative(spec.parent)
