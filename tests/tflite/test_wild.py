"""Any .tflite file is read: what old converters, other tools and 2 GB make of the format, beside what the runtime does."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import handmade
import pytest
import wild
from edited import rewrite
from harness import Ran, inside
from syrupy.assertion import SnapshotAssertion

import tflite_build
from tflite_build.errors import BuildError
from tflite_build.tflite import reader
from tflite_build.tflite.edit import Edits
from tflite_build.tflite.metadata import Normalization
from tflite_build.tflite.summary import Summary

FILES = wild.small()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wild")
    for name, data in FILES.items():
        (folder / f"{name}.tflite").write_bytes(data)
    wild.outside(folder / "outside.tflite", 2**31 + 2**27)
    return folder


@pytest.fixture(scope="module")
def runs(folder: Path, python_of: Callable[[str], Path]) -> dict[str, Any]:
    """What the runtime gives for inputs of ones, each file in a process of its own."""
    script = Path(__file__).with_name("runtime_runs.py")
    done = subprocess.run([python_of("core"), script, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / "runs.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def shell(module_cache: Path) -> Callable[..., Ran]:
    return inside(module_cache)


@pytest.fixture
def summary(folder: Path) -> Callable[[str], Summary]:
    return lambda name: tflite_build.inspect(folder / f"{name}.tflite")


@pytest.mark.parametrize("name", sorted(FILES))
def test_what_inspect_says(name: str, folder: Path, shell: Callable[..., Ran], snapshot: SnapshotAssertion) -> None:
    said = [shell("inspect", *parts, f"{name}.tflite", cwd=folder) for parts in ((), ("--ops", "--tensors"))]
    assert [(ran.code, ran.err) for ran in said] == [(0, "")] * 2
    assert "\n".join(ran.out for ran in said) == snapshot
    value = json.loads(shell("inspect", "--json", f"{name}.tflite", cwd=folder).out)
    assert value["version"] == 1
    assert value["size"] == len(FILES[name])


def test_loops_and_branches_are_a_tree(summary: Callable[[str], Summary], runs: dict[str, Any]) -> None:
    """The runtime runs it: from 1 to 10."""
    graphs = summary("loop").graphs
    calls = [[(c.role, c.subgraph) for o in g.operators for c in o.calls] for g in graphs]
    assert calls == [[("cond", 1), ("body", 2)], [], [("then", 3), ("else", 4)], [], []]
    assert runs["loop"] == [[10]]


def test_a_graph_that_runs_itself(folder: Path, runs: dict[str, Any], shell: Callable[..., Ran]) -> None:
    """The runtime refuses it; a reader that follows it would never end."""
    assert "graph 0 main (runs itself, which no runtime does)" in shell("inspect", "recursive.tflite", cwd=folder).out
    assert "failed to prepare" in runs["recursive"]["error"]


def test_values_behind_2_gb(folder: Path, runs: dict[str, Any], summary: Callable[[str], Summary]) -> None:
    """The runtime maps the file and adds what stands at its end; so do we, and read none of the hole."""
    found = summary("outside")
    assert found.size > 2**31
    assert found.parts["float32 weights"] == 16
    with reader.opened(folder / "outside.tflite") as data:
        model = reader.parse(data)
        buffer = model.buffers[1]
        assert model.external_buffers
        assert bytes(data[buffer.offset : buffer.offset + 16]) == wild.packed("f", 1, 2, 3, 4)
    assert runs["outside"] == [[2, 3, 4, 5]]


def test_values_in_another_file(summary: Callable[[str], Summary], runs: dict[str, Any]) -> None:
    """The runtime wants that file handed to it, which the interpreter of Python cannot."""
    (external,) = summary("in-another-file").external
    assert (external.file, external.offset, external.size) == ("weights.bin", 64, 16)
    assert "lacks data" in runs["in-another-file"]["error"]


def test_strings(summary: Callable[[str], Summary], runs: dict[str, Any]) -> None:
    assert summary("strings").tensors[0][1].dtype == "string"
    assert runs["strings"] == [["two"]]


def test_sparse_weights(summary: Callable[[str], Summary], runs: dict[str, Any]) -> None:
    """The runtime computes with the three values that are stored; the shape says eight."""
    found = summary("sparse")
    weights = found.tensors[0][1]
    assert weights.sparsity == reader.Sparsity((0, 1), (), (2, None))
    assert found.stored[0][1] == 12
    assert runs["sparse"] == [[3, 3]]


def test_integers_of_four_and_two_bits(summary: Callable[[str], Summary], runs: dict[str, Any]) -> None:
    """The runtime unpacks the lowest bits first: 0.5 (1+2+3+4), 0.5 (5+6+7+0); 0.5 (0+1-2-1), 0.5 (-1-2+1+0)."""
    assert [summary(n).parts[f"{n} weights"] for n in ("int4", "int2")] == [4, 2]
    assert [summary(n).parameters for n in ("int4", "int2")] == [8, 8]
    assert [summary(n).oldest_runtime for n in ("int4", "int2")] == ["2.20.0", "2.21.0"]
    assert runs["int4"] == [pytest.approx([5, 9])]
    assert runs["int2"] == [pytest.approx([-1, -1])]


def test_a_scale_for_each_block(summary: Callable[[str], Summary], runs: dict[str, Any]) -> None:
    """The runtime has no kernel for that here, and gives zeros without a word."""
    quantization = summary("blockwise").tensors[0][1].quantization
    assert quantization == reader.Quantization((), (), 0, True, 2, 2)
    assert runs["blockwise"] == [[0, 0]]


def test_variables_that_a_graph_of_their_own_sets(summary: Callable[[str], Summary], runs: dict[str, Any]) -> None:
    (call,) = summary("resource").graphs[0].operators[0].calls
    assert (call.role, call.subgraph) == ("init", 1)
    assert runs["resource"] == [[5, 6]]


def test_an_operator_that_stands_for_a_graph(summary: Callable[[str], Summary], runs: dict[str, Any]) -> None:
    (call,) = summary("composite").graphs[0].operators[0].calls
    assert (call.role, call.subgraph) == ("decomposition", 1)
    assert runs["composite"] == [[2, 2, 2, 2]]


def test_a_file_of_2018(summary: Callable[[str], Summary], runs: dict[str, Any]) -> None:
    """Operator codes are in the old byte, there is no signature, and the runtime still takes it."""
    found = summary("old-converter")
    assert [o.name for o in found.operators] == ["RELU6"]
    assert not found.has_signatures
    assert [t.name for t in found.signatures[0].inputs] == ["input"]
    assert found.quantization == "uint8"
    assert runs["old-converter"] == [[1, 1, 1, 1]]


def test_metadata(
    folder: Path, summary: Callable[[str], Summary], shell: Callable[..., Ran], snapshot: SnapshotAssertion
) -> None:
    assert shell("inspect", "--metadata", "described.tflite", cwd=folder).out == snapshot
    described = summary("described").described
    assert described is not None
    assert described.subgraphs[0].inputs[0].process_units[0].options == Normalization((127.5,), (127.5,))
    assert summary("described").packed == (("labels.txt", 11),)


def test_a_variable_is_marked(shell: Callable[..., Ran]) -> None:
    fixtures = Path(__file__).resolve().parents[1] / "fixtures" / "tflite"
    (row,) = [
        r for r in shell("inspect", "--tensors", "variable.tflite", cwd=fixtures).out.splitlines() if " state " in r
    ]
    assert row.endswith("variable")


@pytest.mark.parametrize("name", sorted(FILES))
def test_edits_keep_such_files(name: str) -> None:
    """What the editor writes reads as what it was."""
    data = FILES[name]
    assert rewrite(data, Edits()) == data


def nested(depth: int) -> bytes:
    """A loop in a loop in a loop ..."""
    h = handmade
    tensors = [h.tensor("x", "int32", [1]), h.tensor("y", "int32", [1])]
    graphs = []
    for i in range(depth):
        inner = min(i + 1, depth - 1)
        run = [h.operator(0, [0], [1], h.options(wild.WHILE, {0: h.i32(inner), 1: h.i32(inner)}))] if inner > i else []
        graphs.append(h.graph(tensors, run, [0], [1], f"g{i}"))
    return h.written(h.model([h.code("WHILE")], graphs))


def test_graphs_nested_deeper_than_anyone_reads(tmp_path: Path, shell: Callable[..., Ran]) -> None:
    (tmp_path / "deep.tflite").write_bytes(nested(3000))
    ran = shell("inspect", "deep.tflite", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) < 200


def only(tensors: Sequence[handmade.Fields]) -> bytes:
    """A file with tensors and nothing else."""
    return handmade.written(handmade.model([], [handmade.graph(tensors, [], [], [])]))


def test_one_vector_that_many_tensors_share(tmp_path: Path) -> None:
    """A file of a megabyte that would fill gigabytes: refused before it does."""
    data = bytearray(
        handmade.written(handmade.model([], [handmade.graph([handmade.tensor("t", "int8", [2])] * 5000, [], [], [])]))
    )
    graph = next(reader.Table.root(memoryview(bytes(data))).tables(2))
    numbers, end = 100_000, len(data)
    for tensor in graph.tables(0):
        slot = tensor.position(3)  # all names are one
        data[slot : slot + 4] = (end - slot).to_bytes(4, "little")
    data += numbers.to_bytes(4, "little") + b"n" * numbers + b"\0"
    (tmp_path / "m.tflite").write_bytes(data)
    with pytest.raises(BuildError, match="its parts overlap"):
        tflite_build.inspect(tmp_path / "m.tflite")


def test_one_tensor_that_stands_for_many(tmp_path: Path) -> None:
    """A vector of a hundred thousand references to it takes 400 kB in the file, and would take a hundred times that."""
    data = bytearray(only([handmade.tensor("t", "int8", [2])] * 100_000))
    graph = next(reader.Table.root(memoryview(bytes(data))).tables(2))
    slots = graph.slots(0)
    last = slots[-1] + int.from_bytes(data[slots[-1] : slots[-1] + 4], "little")
    for slot in slots:
        data[slot : slot + 4] = (last - slot).to_bytes(4, "little")
    (tmp_path / "m.tflite").write_bytes(data)
    with pytest.raises(BuildError, match="two of its parts are the same one"):
        tflite_build.inspect(tmp_path / "m.tflite")


def test_more_scales_than_any_dimension_is_long(tmp_path: Path) -> None:
    """No runtime takes them: a length that damage made is found before it takes memory."""
    scales = {2: handmade.floats(*[1.0] * 9), 3: handmade.longs(*[0] * 9)}
    data = handmade.written(
        handmade.model([], [handmade.graph([handmade.tensor("t", "int8", [2, 4], 0, {4: scales})], [], [], [])])
    )
    (tmp_path / "m.tflite").write_bytes(data)
    with pytest.raises(BuildError, match=r"9 numbers stand at byte .*, where 4 can be at most"):
        tflite_build.inspect(tmp_path / "m.tflite")


def test_a_broken_index_of_a_graph_is_named(tmp_path: Path) -> None:
    h = handmade
    run = h.operator(0, [0], [0], h.options(wild.WHILE, {0: h.i32(1), 1: h.i32(9)}))
    graph = h.graph([h.tensor("x", "int32", [1])], [run], [0], [0])
    (tmp_path / "m.tflite").write_bytes(h.written(h.model([h.code("WHILE")], [graph])))
    with pytest.raises(BuildError, match="WHILE runs subgraph 1, and there are 1"):
        tflite_build.inspect(tmp_path / "m.tflite")
