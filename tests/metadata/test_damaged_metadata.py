"""Damaged files with metadata: they are packed or refused, and looked into, and nothing worse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mutations import corpus, mutated

from tflite_build.actions import described, pack
from tflite_build.engines.contract import Invalid, Names, Request
from tflite_build.run import lifted
from tflite_build.spec.load import load
from tflite_build.tflite import reader
from tflite_build.tflite.flatbuffer import FormatError

SPEC = """spec = 1
[model]
name = "m"
version = "1"
[source]
format = "tflite"
path = "m.tflite"
"""


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("spec") / "model.toml"
    file.write_text(SPEC, "utf-8")
    said = described.of(load(file, files=False).spec)
    assert said is not None
    return {"names": Names().to_json(), "metadata": said.to_json()}


@pytest.mark.parametrize("block", range(2))
def test_a_damaged_file_is_packed_or_refused(block: int, params: dict[str, Any], tmp_path: Path) -> None:
    whole = corpus()
    files = {name: whole[name] for name in ("metadata", "wild-described", "wild-in-another-file", "float32", "graph")}
    bad, outputs, counts = tmp_path / "m.tflite", tmp_path / "out", [0, 0]
    outputs.mkdir()
    for seed in range(500 * block, 500 * (block + 1)):
        _, data = mutated(seed, files)
        bad.write_bytes(data)
        try:
            pack.run(Request("pack", params, {"model": bad}, outputs))
            with reader.model(outputs / "model.tflite") as model:
                assert any(name == "TFLITE_METADATA" for name, _ in model.metadata)
            counts[0] += 1
        except Invalid:
            counts[1] += 1
        try:
            lifted.of(bad)
        except FormatError:
            assert counts[1]
    assert min(counts) > 50, counts
