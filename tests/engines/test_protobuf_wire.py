"""Protocol buffers without TensorFlow: what the reader says of SavedModels is what TensorFlow's own messages say."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tflite_build.engines.contract import Invalid
from tflite_build.engines.native import protobuf_wire as wire
from tflite_build.engines.sources import saved_model_file

ROOT = Path(__file__).resolve().parents[2]
SAVED = {p.parent.name: p for p in sorted((ROOT / "tests/fixtures/saved_models").glob("*/saved_model.pb"))}
SAVED["autoencoder"] = ROOT / "examples/two_signatures/autoencoder/saved_model.pb"

# Run by the toolchain's own Python: everything that the reader tells, from TensorFlow's messages.
ASK = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from tensorflow.core.protobuf import saved_model_pb2
import numpy as np
from tensorflow.python.framework import dtypes

def tensors(infos):
    made = []
    for name, info in sorted(infos.items()):
        shape = None if info.tensor_shape.unknown_rank else [None if d.size < 0 else d.size for d in info.tensor_shape.dim]
        kind = dtypes.as_dtype(info.dtype).name if info.dtype else "type 0"
        made.append([name, info.name, kind, shape])
    return made

found = {}
for name, path in json.loads(sys.argv[1]).items():
    saved = saved_model_pb2.SavedModel.FromString(open(path, "rb").read())
    again = saved.SerializeToString(deterministic=True)
    graphs = []
    for meta in saved.meta_graphs:
        operators = {}
        bodies = [meta.graph_def.node, *(f.node_def for f in meta.graph_def.library.function)]
        for node in (n for body in bodies for n in body):
            operators[node.op] = operators.get(node.op, 0) + 1
        graphs.append({
            "tags": sorted(meta.meta_info_def.tags),
            "version": meta.meta_info_def.tensorflow_version,
            "signatures": [[s, tensors(d.inputs), tensors(d.outputs)] for s, d in sorted(meta.signature_def.items())
                           if not s.startswith("__saved_model_")],
            "assets": [a.filename for a in meta.asset_file_def],
            "restore": meta.saver_def.restore_op_name,
            "operators": dict(sorted(operators.items())),
            "inputs": {n.name: [i.removeprefix("^").partition(":")[0] for i in n.input] for n in meta.graph_def.node},
            "shared": {n.name: n.attr["shared_name"].s.decode() for n in meta.graph_def.node if n.attr["shared_name"].s},
        })
    found[name] = {"version": saved.saved_model_schema_version, "graphs": graphs}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def by_tensorflow(python_of: Callable[[str], Path]) -> dict[str, Any]:
    paths = json.dumps({name: str(path) for name, path in SAVED.items()})
    done = subprocess.run([python_of("tensorflow"), "-c", ASK, paths], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def told(path: Path) -> dict[str, Any]:
    saved = saved_model_file.parse(path.read_bytes())

    def tensors(infos: Any) -> list[Any]:
        return [[i.name, i.tensor, i.dtype, None if i.shape is None else list(i.shape)] for i in infos]

    return {
        "version": saved.version,
        "graphs": [
            {
                "tags": list(g.tags),
                "version": g.tensorflow_version,
                "signatures": [[s.name, tensors(s.inputs), tensors(s.outputs)] for s in g.signatures],
                "assets": list(g.assets),
                "restore": g.restore,
                "operators": g.graph.operators(),
                "inputs": {name: list(node.inputs) for name, node in g.graph.nodes.items()},
                "shared": {name: node.shared_name for name, node in g.graph.nodes.items() if node.shared_name},
            }
            for g in saved.meta_graphs
        ],
    }


@pytest.mark.parametrize("name", SAVED)
def test_reader_agrees_with_tensorflows_own_messages(name: str, by_tensorflow: dict[str, Any]) -> None:
    assert told(SAVED[name]) == by_tensorflow[name]


def test_fixtures_hold_what_the_reader_has_to_see() -> None:
    facts = {name: told(path)["graphs"] for name, path in SAVED.items()}
    assert facts["table_asset"][0]["assets"] == ["words.txt"]
    assert [g["tags"] for g in facts["tf1_tags"]] == [["cpu", "serve"], ["gpu", "serve"]]
    assert {shape is None for g in facts["beyond_builtins"] for s in g["signatures"] for *_, shape in s[2]} == {
        True,
        False,
    }


def weights_are_restored(name: str) -> set[str]:
    meta = saved_model_file.parse(SAVED[name].read_bytes()).meta_graph(None)
    return meta.unrestored([s.name for s in meta.signatures])


def test_only_the_fitted_keras_3_model_reads_weights_that_are_not_restored() -> None:
    with_serve = [name for name in SAVED if name != "tf1_tags"]
    assert {name for name in with_serve if weights_are_restored(name)} == {"keras3_fitted"}


def parse_all(data: bytes) -> None:
    """All that the reader would do with a file."""
    saved = saved_model_file.parse(data)
    for meta in saved.meta_graphs:
        names = [s.name for s in meta.signatures]
        saved_model_file.interface(meta, names)
        try:
            meta.unrestored(names)
            meta.asset_tables(names)
        except wire.DamagedError:
            pass


@pytest.mark.parametrize("name", ["tf1_builder", "keras3_archive", "table_asset", "tf1_ragged"])
def test_damaged_bytes_are_never_more_than_an_error(name: str) -> None:
    data = SAVED[name].read_bytes()
    rng = random.Random(name)
    refused = 0
    for _ in range(120):
        made = bytearray(data)
        for _ in range(rng.choice((1, 1, 8))):
            made[rng.randrange(len(made))] = rng.randrange(256)
        if rng.random() < 0.3:
            del made[rng.randrange(len(made)) :]
        try:
            parse_all(bytes(made))
        except Invalid as error:
            refused += 1
            assert (error.key == "source.path" and "damaged" in error.message) or "holds no graph" in error.message
    assert refused > 40


@given(st.binary(max_size=200))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_fields_or_damage(data: bytes) -> None:
    try:
        found = list(wire.fields(data))
    except wire.DamagedError:
        return
    assert list(wire.fields(wire.pack(found))) == found


FIELDS = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 2**29 - 1), st.just(wire.VARINT), st.integers(0, 2**64 - 1)),
        st.tuples(st.integers(1, 2**29 - 1), st.just(wire.BYTES), st.binary(max_size=300)),
        st.tuples(st.integers(1, 2**29 - 1), st.just(wire.FIXED64), st.binary(min_size=8, max_size=8)),
        st.tuples(st.integers(1, 2**29 - 1), st.just(wire.FIXED32), st.binary(min_size=4, max_size=4)),
    ),
    max_size=12,
)


@given(FIELDS)
@settings(max_examples=300, deadline=None)
def test_what_is_packed_is_read_again_and_nothing_shorter_is(message: list[Any]) -> None:
    data = wire.pack(message)
    assert list(wire.fields(data)) == message
    if message and message[-1][1] != wire.VARINT and len(message[-1][2]):
        with pytest.raises(wire.DamagedError):
            list(wire.fields(data[:-1]))


def test_numbers_have_signs_and_packed_forms() -> None:
    data = wire.pack([(1, wire.VARINT, -1), (2, wire.BYTES, bytes([1, 0x96, 1])), (2, wire.VARINT, 7)])
    assert wire.signed(wire.number(data, 1)) == -1
    assert list(wire.integers(data, 2)) == [1, 150, 7]
    assert wire.number(data, 9, default=5) == 5
