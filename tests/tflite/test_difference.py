"""What differs between two files is said from the graph down to the numbers of a weight."""

from __future__ import annotations

import shutil
from pathlib import Path

import handmade as h
import numpy as np
import pytest
import wild

from tflite_build.tflite import reader
from tflite_build.tflite.difference import changes, differences
from tflite_build.tflite.values import ValueChange

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tflite"


def weights(file: Path) -> reader.Buffer:
    with reader.model(file) as model:
        return max((model.buffers[t.buffer] for t in model.subgraphs[0].tensors), key=lambda b: b.size)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copy(FIXTURES / "float32.tflite", tmp_path / "other.tflite"))


def test_equal_files_differ_in_nothing(copy: Path) -> None:
    assert differences(FIXTURES / "float32.tflite", copy) == ()


def test_numbers_of_a_weight(copy: Path) -> None:
    data, at = bytearray(copy.read_bytes()), weights(copy)
    numbers = np.frombuffer(data, "<f4", at.size // 4, at.offset)
    numbers[3] += 0.5
    numbers[5] -= 0.25
    copy.write_bytes(data)
    (said,) = differences(FIXTURES / "float32.tflite", copy)
    assert said.endswith(f": 2 of {at.size // 4} numbers differ, by 0.5 at most")


def test_kinds_of_quantization(tmp_path: Path) -> None:
    said = differences(FIXTURES / "float32.tflite", FIXTURES / "int8.tflite", most=100)
    assert any(" bytes -> " in one for one in said)
    assert any(one.startswith("dtype of '") and one.endswith("': float32 -> int8") for one in said)
    assert any(one.startswith("quantization of '") and "': none -> scale " in one for one in said)
    few = differences(FIXTURES / "float32.tflite", FIXTURES / "int8.tflite", most=2)
    assert few == (*said[:2], f"and {len(said) - 2} more")


def test_signatures(tmp_path: Path) -> None:
    said = differences(FIXTURES / "float32.tflite", FIXTURES / "two-signatures.tflite", most=100)
    assert any(one.startswith("signature '") and one.endswith("' is new") for one in said)


def test_a_byte_that_no_part_holds(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes() + b"\0\0\0\0")
    size = (FIXTURES / "float32.tflite").stat().st_size
    assert differences(FIXTURES / "float32.tflite", copy) == (f"{size} bytes -> {size + 4} bytes",)


def test_what_is_no_model(copy: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(copy.read_bytes()[:1000])
    (said,) = differences(copy, cut)
    assert "damaged" in said or "ends" in said or "outside" in said


def constant(dtype: str, values: bytes, count: int, more: h.Fields | None = None, name: str = "c") -> bytes:
    """y = x + c with the constant `c`."""
    tensors = [h.tensor("x", dtype, [count]), h.tensor(name, dtype, [count], 1, more), h.tensor("y", dtype, [count])]
    main = h.graph(tensors, [h.operator(0, [0, 1], [2], h.options(11, {}))], [0], [2])
    return h.written(h.model([h.code("ADD")], [main], [values]))


def found(folder: Path, one: bytes, other: bytes) -> list[str]:
    (folder / "one.tflite").write_bytes(one)
    (folder / "other.tflite").write_bytes(other)
    return [c.text for c in changes(folder / "one.tflite", folder / "other.tflite")]


STORED = [
    ("float32", "f", [1, 2, 3, 4], [1, 2.5, 3, 4], "1 of 4 numbers differ, by 0.5 at most"),
    ("float64", "d", [1, 2, 3, 4], [1, 2.5, 3, 3], "2 of 4 numbers differ, by 1 at most"),
    ("float16", "e", [1, 2, 3, 4], [1, 2, 3, 4.5], "1 of 4 numbers differ, by 0.5 at most"),
    ("int8", "b", [-128, 2, 3, 4], [127, 2, 3, 5], "2 of 4 numbers differ, by 255 at most"),
    ("uint8", "B", [128, 2, 3, 4], [127, 2, 3, 4], "1 of 4 numbers differ, by 1 at most"),
    ("int64", "q", [2**60, 0, 0, 0], [2**60 + 1, 0, 0, 0], "1 of 4 numbers differ, by 1 at most"),
    ("complex64", "f", [0] * 8, [0] * 7 + [2], "1 of 8 numbers differ, by 2 at most"),
    ("float32", "f", [1, np.nan, np.nan, np.inf], [1, np.nan, 0, np.inf], "1 of 4 numbers differ"),
    ("float32", "f", [1, 0, 0, np.inf], [1, 0, 0, 5], "1 of 4 numbers differ, by inf at most"),
    ("float8_e5m2", "B", [1, 2, 3, 4], [1, 2, 3, 9], "1 of 4 numbers differ"),
    ("string", "B", [1, 2, 3, 4], [1, 2, 3, 9], "4 bytes -> 4 bytes"),
]


@pytest.mark.parametrize(("dtype", "code", "one", "other", "said"), STORED)
def test_numbers_of_every_type(
    dtype: str, code: str, one: list[float], other: list[float], said: str, tmp_path: Path
) -> None:
    made = [constant(dtype, np.array(v, code).tobytes(), 4) for v in (one, other)]
    assert found(tmp_path, *made) == [f"values of 'c': {said}"]


def test_numbers_of_less_than_a_byte_and_of_bfloat16(tmp_path: Path) -> None:
    """Three numbers of four bits: what fills the last byte is none of them."""
    scale = {4: {2: h.floats(1), 3: h.longs(0)}}
    four = [constant("int4", v, 3, scale) for v in (b"\x71\x08", b"\x81\xf8")]
    assert found(tmp_path, *four) == ["values of 'c': 1 of 3 numbers differ, by 15 at most"]
    two = [constant("int2", v, 4, scale) for v in (b"\xe4", b"\xe5")]
    assert found(tmp_path, *two) == ["values of 'c': 1 of 4 numbers differ, by 1 at most"]
    wide = np.array([1, 2], np.float32), np.array([1, 4], np.float32)
    half = [constant("bfloat16", v.tobytes()[2:4] + v.tobytes()[6:8], 2) for v in wide]
    assert found(tmp_path, *half) == ["values of 'c': 1 of 2 numbers differ, by 2 at most"]


def test_large_weights_are_compared_whole(tmp_path: Path) -> None:
    """In pieces, of which most are equal."""
    numbers = np.arange(300_000, dtype=np.float32)
    other = numbers.copy()
    other[[5, 299_999]] += 2
    assert found(tmp_path, *(constant("float32", v.tobytes(), v.size) for v in (numbers, other))) == [
        "values of 'c': 2 of 300000 numbers differ, by 2 at most"
    ]


def test_quantized_weights_are_compared_as_the_real_numbers_that_they_stand_for(tmp_path: Path) -> None:
    real = np.array([0.5, -0.25, 0.75, 0], np.float32)
    scale = {4: {2: h.floats(0.25), 3: h.longs(1)}}
    quantized = constant("int8", np.array([3, 0, 4, 3], np.int8).tobytes(), 4, scale)
    said = found(tmp_path, constant("float32", real.tobytes(), 4), quantized)
    assert "values of 'c' as real numbers: 1 of 4 numbers differ, by 0.5 at most" in said
    with_axis = {4: {2: h.floats(0.5, 0.25, 1, 2), 3: h.longs(0, 0, 0, 0), 6: h.i32(0)}}
    channels = constant("int8", np.array([1, -1, 1, 1], np.int8).tobytes(), 4, with_axis)
    (change,) = [c for c in changed(tmp_path, constant("float32", real.tobytes(), 4), channels) if c.values]
    assert change.values == ValueChange(2, 4, 2.0, real=True)


def changed(folder: Path, one: bytes, other: bytes) -> tuple:  # type: ignore[type-arg]
    found(folder, one, other)
    return changes(folder / "one.tflite", folder / "other.tflite")


def test_options_of_operators(tmp_path: Path) -> None:
    tensors = [h.tensor("x", "float32", [1, 4, 4, 1]), h.tensor("y", "float32", [1, 2, 2, 1])]

    def pool(stride: int, padding: int) -> bytes:
        fields = {0: h.i8(padding), 1: h.i32(stride), 2: h.i32(2), 3: h.i32(2), 4: h.i32(2)}
        run = h.operator(0, [0], [1], h.options(5, fields))
        return h.written(h.model([h.code("MAX_POOL_2D")], [h.graph(tensors, [run], [0], [1])]))

    assert found(tmp_path, pool(2, 0), pool(1, 1)) == [
        "options of operator 0 (MAX_POOL_2D): padding SAME -> padding VALID",
        "options of operator 0 (MAX_POOL_2D): stride_w 2 -> stride_w 1",
    ]


def test_other_names_for_the_same_graph(tmp_path: Path) -> None:
    """As another version of a converter gives them: everything else is still compared."""
    one = constant("float32", np.array([1, 2], np.float32).tobytes(), 2)
    other = constant("float32", np.array([1, 3], np.float32).tobytes(), 2, name="constant")
    assert found(tmp_path, one, other)[-2:] == [
        "name of 'c': c -> constant",
        "values of 'c': 1 of 2 numbers differ, by 1 at most",
    ]


def test_files_of_the_wild(tmp_path: Path) -> None:
    """Each is the same as itself, and differs from each other one in words."""
    files = wild.small()
    assert all(found(tmp_path, data, data) == [] for data in files.values())
    assert all(found(tmp_path, a, b) for x, a in files.items() for y, b in files.items() if x != y)
    said = found(tmp_path, files["sparse"], files["sparse"].replace(b"\0\0\x40\x40", b"\0\0\x80\x40"))
    assert said == ["values of 'weights': 1 of 3 numbers differ, by 1 at most"]
    loop = found(tmp_path, files["loop"], files["loop"].replace(b"while_body", b"while_bodi"))
    assert loop == ["graph 2: name: 'while_body' -> 'while_bodi'"]
