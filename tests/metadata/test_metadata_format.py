"""The metadata's own format: what is written is read again, and TFLite Support reads the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from everything import ANY, EVERYTHING, GRAPH, file_with, official
from hypothesis import given, settings

from tflite_build.tflite import metadata
from tflite_build.tflite.flatbuffer import FormatError
from tflite_build.tflite.metadata import (
    AssociatedFile,
    AudioProperties,
    BertTokenizer,
    Content,
    CustomMetadata,
    ModelMetadata,
    Normalization,
    ProcessUnit,
    RegexTokenizer,
    ScoreThreshold,
    SentencePieceTokenizer,
    SubgraphMetadata,
    TensorGroup,
    TensorMetadata,
)

Official = Callable[[Sequence[Path]], list[Any]]


def read(data: bytes) -> ModelMetadata:
    return metadata.read(memoryview(data))


@settings(max_examples=200, deadline=None)
@given(ANY)
def test_what_is_written_is_read_and_written_alike(said: ModelMetadata) -> None:
    data = metadata.write(said)
    assert read(data) == said
    assert metadata.write(read(data)) == data


def test_json_has_everything_and_makes_it_again() -> None:
    assert metadata.from_json(ModelMetadata, metadata.to_json(EVERYTHING)) == EVERYTHING


def test_the_official_reader_sees_every_field(official_said: Any) -> None:
    assert official_said["said"] == official(EVERYTHING)
    assert official_said["version"] == metadata.parser_version(EVERYTHING) == "1.5.0"


@pytest.fixture
def official_said(official: Official, tmp_path: Path) -> Any:
    file = tmp_path / "everything.tflite"
    file.write_bytes(file_with(metadata.write(EVERYTHING), len(GRAPH.inputs), len(GRAPH.outputs)))
    return official([file])[0]


def _graph(**parts: Any) -> ModelMetadata:
    return ModelMetadata("m", subgraphs=(SubgraphMetadata(**parts),))


def _tensor(**parts: Any) -> ModelMetadata:
    return _graph(inputs=(TensorMetadata(**parts),))


def _unit(options: Any) -> tuple[ProcessUnit, ...]:
    return (ProcessUnit(options),)


_FILE = AssociatedFile("a.txt")
VERSIONS = {
    "nothing": (_graph(), "1.0.0"),
    "file": (_tensor(files=(replace(_FILE, type="tensor-axis-labels"),)), "1.0.0"),
    "normalization": (_tensor(process_units=_unit(Normalization((1,), (1,)))), "1.0.0"),
    "vocabulary": (_tensor(files=(replace(_FILE, type="vocabulary"),)), "1.0.1"),
    "vocabulary-of-the-model": (ModelMetadata("m", files=(replace(_FILE, type="vocabulary"),)), "1.0.1"),
    "bert": (_tensor(process_units=_unit(BertTokenizer((_FILE,)))), "1.1.0"),
    "sentencepiece": (_tensor(process_units=_unit(SentencePieceTokenizer((_FILE,)))), "1.1.0"),
    "unit-of-inputs": (_graph(input_process_units=_unit(ScoreThreshold(1))), "1.1.0"),
    "unit-of-outputs": (_graph(output_process_units=_unit(ScoreThreshold(1))), "1.1.0"),
    "group-of-inputs": (_graph(input_groups=(TensorGroup("g"),)), "1.2.0"),
    "group-of-outputs": (_graph(output_groups=(TensorGroup("g"),)), "1.2.0"),
    "regex": (_tensor(process_units=_unit(RegexTokenizer("a", (_FILE,)))), "1.2.1"),
    "audio": (_tensor(content=Content(AudioProperties(1, 1))), "1.3.0"),
    "scann": (_tensor(files=(replace(_FILE, type="scann-index-file"),)), "1.4.0"),
    "version-of-a-file": (_tensor(files=(replace(_FILE, version="2"),)), "1.4.1"),
    "custom": (_graph(custom=(CustomMetadata("c", b"1"),)), "1.5.0"),
}


def test_the_parser_that_is_needed_is_what_the_official_library_says(official: Official, tmp_path: Path) -> None:
    files = []
    for name, (said, _) in VERSIONS.items():
        files.append(tmp_path / f"{name}.tflite")
        files[-1].write_bytes(file_with(metadata.write(said), 1, 1))
    theirs = {file.stem: found["version"] for file, found in zip(files, official(files), strict=True)}
    ours = {name: metadata.parser_version(said) for name, (said, _) in VERSIONS.items()}
    assert ours == theirs == {name: version for name, (_, version) in VERSIONS.items()}


def test_damaged_metadata_is_an_error_or_metadata() -> None:
    whole = metadata.write(EVERYTHING)
    refused = 0
    for seed in range(1500):
        rng = random.Random(seed)
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(len(data) - 4)
            data[at : at + 4] = rng.choice((0, 1, 4, len(data), 0x7FFFFFFF, 0xFFFFFFFF)).to_bytes(4, "little")
        del data[rng.choice((len(data), rng.randrange(len(data)))) :]
        try:
            said = read(bytes(data))
            metadata.to_json(said)
        except FormatError:
            refused += 1
    assert 100 < refused < 1500
