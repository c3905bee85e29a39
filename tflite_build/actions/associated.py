"""What is in the files that go behind a model: read and held against the model, before readers do that in an app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tflite_build.engines.contract import Invalid
from tflite_build.engines.files.lines import lines
from tflite_build.engines.kinds import classes as of_classes
from tflite_build.engines.words import counted
from tflite_build.tflite.metadata import (
    AssociatedFile,
    BertTokenizer,
    RegexTokenizer,
    SentencePieceTokenizer,
    SubgraphMetadata,
)

_CALIBRATION = "tensor-axis-score-calibration"


def check(
    graph: SubgraphMetadata, classes: Mapping[int, int], files: Mapping[str, Path], keys: Mapping[str, str]
) -> None:
    """Hold the user's files against the model.

    Args:
        graph: What is finally said of a signature.
        classes: How many classes the outputs have, by their place; those that nobody knows are missing.
        files: The user's files by base name.
        keys: Where model.toml names them.

    Raises:
        Invalid: If one of them cannot be what it is said to be.
    """
    for place, tensor in enumerate(graph.outputs):
        for file in tensor.files:
            if file.name in files:
                _of_output(file, classes.get(place), files[file.name], keys[file.name])
    units = [*graph.input_process_units, *graph.output_process_units]
    units += [unit for tensor in (*graph.inputs, *graph.outputs) for unit in tensor.process_units]
    tensors = (*graph.inputs, *graph.outputs)
    for file in (*graph.files, *(file for tensor in tensors for file in tensor.files)):
        if file.type == "vocabulary" and file.name in files:
            _vocabulary(file.name, files[file.name], keys[file.name], _token)
    for unit in units:
        if isinstance(unit.options, BertTokenizer | RegexTokenizer | SentencePieceTokenizer):
            kind = _KINDS[type(unit.options)]
            for file in unit.options.vocab:
                if file.name in files:
                    _vocabulary(file.name, files[file.name], keys[file.name], kind)


def warnings(graph: SubgraphMetadata, files: Mapping[str, Path]) -> tuple[str, ...]:
    """What readers will take otherwise than it is meant.

    Args:
        graph: As for `check`, as are `files`.
    """
    calibrations = [f.name for t in graph.outputs for f in t.files if f.type == _CALIBRATION and f.name in files]
    return tuple(
        f"MediaPipe takes the end of the last line of '{name}' for the begin of one more, and refuses the file: end it "
        "without"
        for name in dict.fromkeys(calibrations)
        if files[name].read_bytes().endswith(b"\n")
    )


def _of_output(file: AssociatedFile, classes: int | None, path: Path, key: str) -> None:
    what = {"tensor-axis-labels": "label", _CALIBRATION: "line"}.get(file.type, "")
    if file.type == "tensor-value-labels" or what:
        found = lines(path, file.name, key)
        if file.type == _CALIBRATION:
            of_classes.parameters(found, f"'{file.name}'", key)
        if what and classes is not None and len(found) != classes:
            raise Invalid(
                f"'{file.name}' has {counted(len(found), what)}, and the model {classes} "
                f"class{'' if classes == 1 else 'es'}",
                key,
                "it needs one line for each class, in the order of the output",
            )


def _vocabulary(name: str, path: Path, key: str, kind: Callable[[str], str]) -> None:
    seen: dict[str, int] = {}
    for number, line in enumerate(lines(path, name, key), 1):
        token = kind(line)
        if not token:
            raise Invalid(
                f"line {number} of '{name}' is no token{' and its number' if kind is _numbered else ''}: '{line[:60]}'",
                key,
            )
        other = seen.setdefault(token, number)
        if other != number:
            raise Invalid(
                f"'{name}' has '{token}' twice, in line {other} and line {number}", key, "each token has one number"
            )
    if not seen:
        raise Invalid(f"'{name}' has no tokens", key)


def _token(line: str) -> str:
    return line


def _scored(line: str) -> str:
    return line.partition("\t")[0]  # before its score, as SentencePiece writes them


def _numbered(line: str) -> str:
    token, _, number = line.rpartition(" ")
    return token if number.isascii() and number.isdigit() else ""


_KINDS: Mapping[type, Callable[[str], str]] = {
    BertTokenizer: _token,
    RegexTokenizer: _numbered,
    SentencePieceTokenizer: _scored,
}
