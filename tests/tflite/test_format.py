"""The reader, the editor and the versions, held against what LiteRT itself sees in the same files."""

from __future__ import annotations

import json
import random
import shutil
import struct
import subprocess
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli
from edited import rewrite

from tflite_build import resources
from tflite_build.tflite import edit, metadata, reader, runtimes, summary, versions
from tflite_build.tflite.edit import Edits
from tflite_build.tflite.flatbuffer import FormatError, Table
from tflite_build.tflite.opcodes import BUILTIN_OPERATORS

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "tflite"
NAMES = sorted(p.stem for p in FIXTURES.glob("*.tflite"))
RUNNABLE = [n for n in NAMES if n != "custom"]
WITH_SIGNATURES = [n for n in RUNNABLE if n not in ("no-signature", "variable")]


def parse(data: bytes) -> reader.Model:
    return reader.parse(memoryview(data))


def data_of(name: str) -> bytes:
    return (FIXTURES / f"{name}.tflite").read_bytes()


def renames(model: reader.Model) -> Edits:
    """Longer and shorter names for every tensor of every signature, true versions, and a runtime."""
    return Edits(
        {s.name: {t.name: f"{t.name}_in_a_longer_name" for t in s.inputs} for s in model.signatures},
        {s.name: {t.name: f"o{i}" for i, t in enumerate(s.outputs)} for s in model.signatures},
        versions.derive(model),
        "2.17.0",
    )


def with_outside_buffers(data: bytes) -> bytes:
    """The file as quantizers write large ones: the bytes of its buffers behind the FlatBuffer, zeros inside."""
    out = bytearray(data)
    root = Table.root(memoryview(data))
    moved = []
    for slot, table in zip(root.slots(4), list(root.tables(4)), strict=True):
        start, size = table.span(0)
        if size:
            moved.append((slot, data[start : start + size]))
            out[start : start + size] = bytes(size)
    tables = []
    for slot, value in moved:
        while (len(out) + 10) % 8:
            out.append(0)
        vtable = len(out)
        out += struct.pack("<5H", 10, 24, 0, 8, 16)  # a Buffer with offset and size alone
        table = len(out)
        out += struct.pack("<iiQQ", table - vtable, 0, 0, len(value))
        out[slot : slot + 4] = struct.pack("<I", table - slot)
        tables.append((table, value))
    for table, value in tables:
        while len(out) % 16:
            out.append(0)
        out[table + 8 : table + 16] = struct.pack("<Q", len(out))
        out += value
    return bytes(out)


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]) -> dict[str, Any]:
    """LiteRT's view of every fixture, of each after all edits, and of some with buffers outside and inside again."""
    folder = tmp_path_factory.mktemp("views")
    for name in NAMES:
        data = data_of(name)
        shutil.copy(FIXTURES / f"{name}.tflite", folder)
        model = parse(data)
        edits = renames(model) if model.has_signatures else Edits(versions=versions.derive(model), min_runtime="2.17.0")
        (folder / f"{name}+edited.tflite").write_bytes(rewrite(data, edits))
        (folder / f"{name}+more.tflite").write_bytes(rewrite(data, replace(edits, metadata=b"said of it")))
    for name in ("float32", "dynamic-int8", "int8"):
        outside = with_outside_buffers(data_of(name))
        (folder / f"{name}+outside.tflite").write_bytes(outside)
        (folder / f"{name}+inside.tflite").write_bytes(rewrite(outside, Edits()))
        (folder / f"{name}+inside+more.tflite").write_bytes(rewrite(outside, Edits(metadata=b"said of it")))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(edit, "_LARGEST_INSIDE", 0)
            stays = rewrite(outside, replace(renames(parse(data_of(name))), metadata=b"said of it"))
        (folder / f"{name}+outside+more.tflite").write_bytes(stays)
    script = Path(__file__).with_name("runtime_view.py")
    done = subprocess.run([python_of("core"), script, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / "view.json").read_text("utf-8"))
    return {name.removesuffix(".tflite"): view for name, view in found.items()}


def as_runtime(tensor: reader.Tensor) -> dict[str, Any]:
    q = tensor.quantization
    return {
        "name": tensor.name,
        "index": tensor.index,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "scales": list(q.scales) if q else [],
        "zero_points": list(q.zero_points) if q else [],
    }


def comparable(tensor: dict[str, Any]) -> dict[str, Any]:
    """LiteRT shows packed int4 as int8, and repeats a single zero point for each channel."""
    points = tensor["zero_points"]
    dtype = "int8" if tensor["dtype"] == "int4" else tensor["dtype"]
    return {**tensor, "dtype": dtype, "zero_points": points[:1] if len(set(points)) == 1 else points}


@pytest.mark.parametrize("name", RUNNABLE)
def test_the_reader_sees_what_the_runtime_sees(name: str, views: dict[str, Any]) -> None:
    view = views[name]
    assert "error" not in view
    with reader.model(FIXTURES / f"{name}.tflite") as model:
        graph = model.subgraphs[0]
        assert [model.codes[o.code].name for o in graph.operators] == view["operators"]
        own = [comparable(as_runtime(t)) for t in graph.tensors]
        theirs = {t["index"]: comparable(t) for t in view["tensors"]}
        assert [theirs[t["index"]] for t in own] == own  # the runtime may have scratch tensors of its own
        assert list(graph.inputs) == view["inputs"]
        assert list(graph.outputs) == view["outputs"]
        assert [[BUILTIN_OPERATORS.index(c.name), c.version] for c in model.codes] == view["versions"]
        assert model.has_signatures == bool(view["signatures"])
        if model.has_signatures:
            seen = {
                s.name: [{t.name: comparable(as_runtime(t.tensor)) for t in side} for side in (s.inputs, s.outputs)]
                for s in model.signatures
            }
            assert seen == {
                name: [{key: comparable(t) for key, t in side.items()} for side in sides]
                for name, sides in view["signatures"].items()
            }


def test_operators_that_the_runtime_lacks_are_read(views: dict[str, Any]) -> None:
    assert "error" in views["custom"]
    with reader.model(FIXTURES / "custom.tflite") as model:
        assert [(c.name, c.flex) for c in model.codes if c.custom] == [("FlexMatMul", True), ("ExampleSoftmax", False)]


@pytest.mark.parametrize("more", ["edited", "more"])
@pytest.mark.parametrize("name", NAMES)
def test_an_edit_changes_what_is_asked_and_nothing_else(name: str, more: str, views: dict[str, Any]) -> None:
    before, after = views[name], views[f"{name}+{more}"]
    model = parse(data_of(name))
    derived = versions.derive(model)
    assert [v for _, v in after["versions"]] == [derived.get(i, c.version) for i, c in enumerate(model.codes)]
    for part in ("tensors", "operators", "inputs", "outputs", "results"):
        assert after.get(part) == before.get(part), part
    if model.has_signatures and "signatures" in before:
        assert after["signatures"] == {
            name: [
                {f"{key}_in_a_longer_name": t for key, t in inputs.items()},
                {f"o{[t.name for t in _signature(model, name).outputs].index(key)}": t for key, t in outputs.items()},
            ]
            for name, (inputs, outputs) in before["signatures"].items()
        }


def _signature(model: reader.Model, name: str) -> reader.Signature:
    return next(s for s in model.signatures if s.name == name)


def test_the_runtime_version_is_written() -> None:
    data = data_of("float32")
    assert parse(data).min_runtime_version
    changed = rewrite(data, Edits(min_runtime="2.99.0"))
    assert parse(changed).min_runtime_version == "2.99.0"


@pytest.mark.parametrize("name", NAMES)
def test_no_edit_and_the_same_edit_twice(name: str) -> None:
    data = data_of(name)
    assert rewrite(data, Edits()) == data
    model = parse(data)
    edits = Edits(versions=versions.derive(model))
    once = rewrite(data, edits)
    assert rewrite(data, edits) == once
    assert rewrite(once, edits) == once


@pytest.mark.parametrize("metadata", [None, b"0123456789"])
def test_an_edit_of_a_large_file_holds_nothing_of_it(metadata: bytes | None, tmp_path: Path) -> None:
    data = data_of("float32") + bytes(range(256)) * 80_000
    edits = replace(renames(parse(data)), metadata=metadata)
    old, new = tmp_path / "old.tflite", tmp_path / "new.tflite"
    old.write_bytes(data)
    with reader.opened(old) as view:
        tracemalloc.start()
        try:
            edit.plan(view, edits).write(old, new)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 1 << 20
    assert new.read_bytes() == rewrite(data, edits)


def test_an_edit_of_what_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="imge"):
        rewrite(data_of("float32"), Edits({"classify": {"imge": "picture"}}))
    with pytest.raises(KeyError, match="image"):
        rewrite(data_of("float32"), Edits({"clasify": {"image": "picture"}}))


@pytest.mark.parametrize("name", ["float32", "dynamic-int8", "int8"])
def test_buffers_from_behind_the_file_are_brought_inside(name: str, views: dict[str, Any]) -> None:
    """Runtimes before 2.13 take such weights for absent. This runtime reads both, and all three files are one model."""
    assert parse(with_outside_buffers(data_of(name))).external_buffers
    inside = parse(rewrite(with_outside_buffers(data_of(name)), Edits()))
    assert not inside.external_buffers
    for part in ("tensors", "results", "signatures"):
        assert views[name][part] == views[f"{name}+outside"][part] == views[f"{name}+inside"][part]
        assert views[name][part] == views[f"{name}+inside+more"][part]
        if part != "signatures":
            assert views[name][part] == views[f"{name}+outside+more"][part]


@pytest.mark.parametrize("name", NAMES)
def test_metadata_is_added_and_replaced_and_all_other_stays(name: str) -> None:
    data = data_of(name)

    def buffers(data: bytes) -> dict[str, bytes]:
        model = parse(data)
        return {n: data[model.buffers[b].offset :][: model.buffers[b].size] for n, b in model.metadata}

    once = rewrite(data, Edits(metadata=b"first"))
    twice = rewrite(once, Edits(metadata=b"second, longer"))
    assert buffers(once) == {**buffers(data), metadata.NAME: b"first"}
    assert buffers(twice) == {**buffers(data), metadata.NAME: b"second, longer"}
    assert rewrite(twice, Edits(metadata=b"second, longer")) == twice
    assert parse(once).description == parse(data).description
    before, after = parse(data).buffers, parse(twice).buffers
    assert [b.offset % 16 for b in after] == [*(b.offset % 16 for b in before), 0]


def test_buffers_that_stay_behind_the_file_are_found_where_they_are_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit, "_LARGEST_INSIDE", 0)
    old = with_outside_buffers(data_of("float32"))
    new = rewrite(old, Edits({"classify": {"image": "picture"}}, metadata=b"said of it"))
    assert len(new) < len(old) + 2000
    before, after = parse(old), parse(new)
    assert after.external_buffers
    for one, other in zip(before.buffers, after.buffers, strict=False):
        assert other.offset % 16 == one.offset % 16
        assert new[other.offset : other.offset + other.size] == old[one.offset : one.offset + one.size]


# What LiteRT's converter leaves wrong: int4 kernels have no rule there, and it takes int64 biases for int32.
_OWN_RULES = {
    "dynamic-int4": {"CONV_2D": 7, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 12, "SOFTMAX": 1, "MEAN": 1},
    "int16x8": {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 5, "FULLY_CONNECTED": 7, "SOFTMAX": 3, "MEAN": 3},
}


@pytest.mark.parametrize("name", NAMES)
def test_versions_are_those_that_the_converter_writes(name: str, views: dict[str, Any]) -> None:
    model = parse(data_of(name))
    derived = {model.codes[i].name: version for i, version in versions.derive(model).items()}
    if name in _OWN_RULES:
        assert derived == _OWN_RULES[name]
    else:
        exported = {BUILTIN_OPERATORS[code]: version for code, version in views[name]["exported"]}
        assert derived == {k: v for k, v in exported.items() if k != "CUSTOM"}


def test_every_operator_of_the_table_exists_and_has_rising_versions() -> None:
    table = tomli.loads(resources.specs("operators.toml").read_text("utf-8"))
    repaired = table.pop("repaired")
    assert set(table) <= set(BUILTIN_OPERATORS)
    assert set(repaired) <= set(table)
    for name, known in table.items():
        runtimes_ = [[int(part) for part in known[v].split(".")] for v in sorted(known, key=int)]
        assert runtimes_ == sorted(runtimes_), name
    for name in BUILTIN_OPERATORS:
        rule = versions._RULES.get(name)
        assert rule is None or name in table, name


@pytest.mark.parametrize(
    ("name", "oldest"),
    [("float32", "2.0.0"), ("dynamic-int8", "2.17.0"), ("dynamic-int4", "2.19.0"), ("int16x8", "2.4.0")],
)
def test_the_oldest_runtime(name: str, oldest: str) -> None:
    """dynamic-int8: facts say that a Dense layer needs 2.17; int4 convolutions are read out of bounds before 2.19."""
    assert summary.of(parse(data_of(name))).oldest_runtime == oldest


def test_an_unknown_version_has_no_runtime() -> None:
    assert runtimes.need("ADD", 1).runtime == "1.5.0"
    assert runtimes.need("ADD", 99).runtime == ""
    assert runtimes.need("NO_SUCH_OPERATOR", 1).runtime == ""
    unknown = runtimes.need("ADD", 99)
    assert runtimes.oldest([runtimes.need("ADD", 1), unknown]) == ("", (unknown,))


def damaged(rng: random.Random) -> bytes:
    data = bytearray(data_of(rng.choice(NAMES)))
    if rng.random() < 0.2:
        return bytes(data[: rng.randrange(len(data))])
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        at = rng.randrange(len(data))
        if rng.random() < 0.5:
            data[at] = rng.randrange(256)
        else:
            value = rng.choice((0, 1, 4, 0x7F, 0xFF, len(data), 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
            data[at : at + 4] = value.to_bytes(4, "little")[: len(data) - at]
    return bytes(data)


@pytest.mark.parametrize("block", range(4))
def test_a_damaged_file_is_an_error_or_a_model(block: int) -> None:
    """1,600 corruptions and truncations: never another exception, in whatever reads or writes such bytes."""
    refused = 0
    for seed in range(400 * block, 400 * (block + 1)):
        data = damaged(random.Random(seed))
        try:
            model = parse(data)
            summary.of(model).to_json()
            rewrite(data, Edits(versions=versions.derive(model), min_runtime="2.17.0"))
            rewrite(data, Edits(metadata=b"of the file"))
        except FormatError as error:
            refused += 1
            assert error.code == 2
            assert error.problems[0].message
    assert 100 < refused < 400


def test_operators_with_too_few_tensors_are_read() -> None:
    """Files that no converter writes: every rule of versions on an operator with one input and no output."""
    tensor = reader.Tensor(0, "t", "int8", (1,), 0, None, False, False, True)
    for name in versions._RULES:
        operator = reader.Operator(0, (0,), (), None)
        graph = reader.Subgraph("", (tensor,), (0,), (), (operator,))
        model = reader.Model(0, 3, "", (reader.OperatorCode(name, False, 1),), (graph,), (), (), (), "", False)
        assert versions.derive(model)[0] >= 1, name


def test_an_operator_code_below_zero_names_no_operator(tmp_path: Path) -> None:
    data = bytearray((FIXTURES / "float32.tflite").read_bytes())
    for code in Table.root(memoryview(bytes(data))).tables(1):
        data[code.position(0)] = 0xFB
        if code.position(3):
            data[code.position(3) : code.position(3) + 4] = (-5).to_bytes(4, "little", signed=True)
    (tmp_path / "m.tflite").write_bytes(data)
    with reader.model(tmp_path / "m.tflite") as model:
        names = {code.name for code in model.codes}
    assert "BUILTIN_-5" in names
