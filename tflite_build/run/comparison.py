"""Comparing two .tflite files, and on request what they compute: the `diff` command."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from tflite_build import named
from tflite_build.errors import BuildError, ExitCode, Place, Problem, UsageError
from tflite_build.progress import Listener, silent
from tflite_build.tflite.difference import Change, changes
from tflite_build.tflite.values import ValueChange

from . import arguments

VERSION = 1


@dataclass(frozen=True, slots=True)
class OutputChange:
    """An output of both files for the same inputs, quantized ones as real numbers.

    Attributes:
        name: What the first file calls it; "" where only the second has it.
        other: The same for the second.
        before: Its shape in the first file; None where it has no such output.
        after: The same for the second.
        count: How many numbers it has; 0 where the shapes differ.
        changed: How many of them differ.
        largest: The largest difference; None where something is no number, or there is nothing to compare.
        spread: The largest size of a value of the first file, to hold that against.
    """

    name: str
    other: str
    before: tuple[int, ...] | None
    after: tuple[int, ...] | None
    count: int
    changed: int
    largest: float | None
    spread: float | None

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return self.before == self.after and self.changed == 0


@dataclass(frozen=True, slots=True)
class ModelDifference:
    """How a .tflite file differs from another one.

    Attributes:
        changes: What differs, the coarsest first; nothing where all bytes are equal.
        outputs: What they compute for the given data; None without data.
    """

    one: Path
    other: Path
    changes: tuple[Change, ...]
    outputs: tuple[OutputChange, ...] | None

    @property
    def same(self) -> bool:
        """Whether the two files are equal byte by byte."""
        return not self.changes

    def to_json(self) -> dict[str, Any]:
        """As JSON values; numbers that are none are null."""
        return {
            "version": VERSION,
            "same": self.same,
            "one": str(self.one),
            "other": str(self.other),
            "changes": [
                {
                    "part": c.part,
                    "graph": c.graph,
                    "name": c.name,
                    "before": c.before,
                    "after": c.after,
                    "text": c.text,
                    "values": c.values and _values(c.values),
                }
                for c in self.changes
            ],
            "counts": dict(sorted(Counter(c.part for c in self.changes).items())),
            "outputs": None
            if self.outputs is None
            else [
                {
                    "name": o.name or None,
                    "other": o.other or None,
                    "before": None if o.before is None else list(o.before),
                    "after": None if o.after is None else list(o.after),
                    "count": o.count,
                    "changed": o.changed,
                    "largest": o.largest,
                    "spread": o.spread,
                }
                for o in self.outputs
            ],
        }


def _values(values: ValueChange) -> dict[str, Any]:
    largest = values.largest if values.largest is not None and isfinite(values.largest) else None
    return {"changed": values.changed, "count": values.count, "largest": largest, "real": values.real}


def diff(
    one: str | Path,
    other: str | Path,
    *,
    data: str | Path | None = None,
    signature: str | None = None,
    spec: str | Path | None = None,
    offline: bool = False,
    on_event: Listener = silent,
) -> ModelDifference:
    """How the .tflite file `other` differs from the file `one`.

    Args:
        one: A file.
        other: Another one.
        data: An .npz file with one array per input: both files are run on it, and their outputs compared. Floats are
            quantized where an input is an integer, and integer outputs are compared as the real numbers they stand for.
        signature: Which one to run, where the files have several.
        spec: The model.toml that names libraries of custom operators; default: the one that each file was built from.
        offline: Install nothing.
        on_event: Called with notes, such as of an installation.

    Returns:
        What differs: look at `same`, `changes` and `outputs`.

    Raises:
        UsageError: If a signature or a spec is named, and there is no data to run the files on.
        BuildError: If a file cannot be read or is no .tflite file, the arrays are wrong, or the runtime refuses one.
    """
    files = arguments.path(one, "one"), arguments.path(other, "other")
    arrays = None if data is None else arguments.path(data, "data")
    chosen = arguments.text(signature, "signature")
    named_spec = None if spec is None else arguments.path(spec, "spec")
    if arrays is None and (chosen is not None or named_spec is not None):
        word = "signature" if chosen is not None else "spec"
        raise UsageError(Problem(f"a {word} says how the files are run, and nothing is run without data"))
    with arguments.listening(on_event) as listener:
        first, second = (named.file(path) for path in files)
        values = None if arrays is None else named.file(arrays)
        found = changes(first, second)
        outputs = None if values is None else _outputs((first, second), values, chosen, named_spec, offline, listener)
    return ModelDifference(first, second, found, outputs)


def _outputs(
    files: tuple[Path, Path],
    data: Path,
    signature: str | None,
    spec: Path | None,
    offline: bool,
    listener: Listener,
) -> tuple[OutputChange, ...]:
    from . import execution  # only here, since what builds takes longer to import than most files to compare
    from .driver import Options, Session

    with Session(Options(offline=offline), listener) as session, session.store.scratch() as scratch:
        folders = {"one": scratch / "one", "other": scratch / "other"}
        for file, folder in zip(files, folders.values(), strict=True):
            try:
                execution.execute(session, file, data, folder, signature, dequantize=True, spec=spec)
            except BuildError as error:
                # 1 says of this command that the files differ.
                code = ExitCode.ENGINE_FAILED if error.code == ExitCode.BUILD_FAILED else error.code
                raise BuildError([_of(file, p) for p in error.problems], code) from None
        execution.answer(session, "outputs", {}, folders, scratch / "distances", files[0])
        rows = json.loads((scratch / "distances" / "distances.json").read_text("utf-8"))
    return tuple(_output(row) for row in rows)


def _output(row: Mapping[str, Any]) -> OutputChange:
    before, after = (None if shape is None else tuple(shape) for shape in row["shapes"])
    return OutputChange(
        row["name"] or "",
        row["other"] or "",
        before,
        after,
        row.get("count", 0),
        row.get("changed", 0),
        row.get("largest"),
        row.get("spread"),
    )


def _of(file: Path, problem: Problem) -> Problem:
    """A problem of a run, with the file that it is of."""
    told = problem.place is not None or problem.message.startswith(f"{file}: ")
    return problem if told else replace(problem, place=Place(file))
