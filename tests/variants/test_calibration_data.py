"""Representative data that does not fit is told with its key and line, before anything is made of the model."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import CLASSIFIER, Shop, pictures
from syrupy.assertion import SnapshotAssertion

PAIR = {
    "signatures": [
        {"name": "left", "input": [1, 4], "layers": [["dense", 3]]},
        {"name": "right", "input": [1, 6], "layers": [["dense", 3]]},
    ]
}
INT8 = '[variant.int8]\nquantize = "int8"\n[calibration]\n'
GOOD = pictures(5)


def _npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _with(array: Any, place: tuple[int, ...], value: float) -> Any:
    changed = array.copy()
    changed[place] = value
    return changed


def _compressed_and_damaged() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, x=GOOD)
    data = bytearray(file.getvalue())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    return bytes(data)


def _flipped(data: bytes, word: bytes, by: int) -> bytes:
    changed = bytearray(data)
    changed[changed.index(word) + len(word) + by] ^= 0x10
    return bytes(changed)


def _member(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def _header(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue()


def _npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


# Name -> what data.npz holds. Those in PAIRED are for the model with two signatures.
FILES: Mapping[str, bytes] = {
    "name_near": _npz(X=GOOD),
    "name_far": _npz(picture=GOOD),
    "name_too_many": _npz(x=GOOD, labels=np.arange(5)),
    "signature_near": _npz(**{"serv/x": GOOD}),
    "shape": _npz(x=GOOD.reshape(5, 8, 4, 4)),
    "shape_flat": _npz(x=GOOD.reshape(5, -1)),
    "type_pixels": _npz(x=np.zeros((5, 8, 8, 2), np.uint8)),
    "type_text": _npz(x=np.full((5, 8, 8, 2), "a")),
    "type_complex": _npz(x=GOOD.astype(np.complex64)),
    "no_samples": _npz(x=GOOD[:0]),
    "a_number": _npz(x=np.float32(3)),
    "nan": _npz(x=_with(GOOD, (3, 1, 1, 0), np.nan)),
    "infinite": _npz(x=_with(GOOD, (2, 1), np.inf)),
    "too_large_for_float32": _npz(x=_with(GOOD.astype(np.float64), (1, 0, 0, 0), 1e300)),
    "objects": _npz(x=np.array([GOOD[0], "a"], object)),
    "a_single_array": _npy(GOOD),
    "no_archive": b"x,y\n1,2\n",
    "no_bytes": b"",
    "no_arrays": _npz(),
    "cut_off": _npz(x=GOOD)[:-400],
    "checksum": _flipped(_npz(x=GOOD), b"x.npy", 200),
    "compressed": _compressed_and_damaged(),
    "not_an_array": _member("x.npy", b"hello"),
    "header": _member("x.npy", _npy(GOOD).replace(b"'shape': (5, 8, 8, 2)", b"'shape': (5, 8, 8, x)")),
    "endless": _member("x.npy", _header((5, 8, 8, 1 << 50)) + GOOD.tobytes()),
    "text_file_inside": _member("notes.txt", b"hello"),
}
PAIRED: Mapping[str, bytes] = {
    "input_missing": _npz(**{"left/x": np.zeros((3, 4), "f")}),
    "without_signature": _npz(x=np.zeros((3, 4), "f")),
    "signature_unknown": _npz(**{"left/x": np.zeros((3, 4), "f"), "rihgt/x": np.zeros((3, 6), "f")}),
    "other_signatures_shape": _npz(**{"left/x": np.zeros((3, 6), "f"), "right/x": np.zeros((3, 6), "f")}),
}
# Name -> the user's code. `GOOD` is one sample.
CODE: Mapping[str, str] = {
    "yields_nothing": "def samples():\n    return iter(())",
    "returns_a_dict": "def samples():\n    return {'x': GOOD}",
    "name": "def samples():\n    yield {'X': GOOD}",
    "shape": "def samples():\n    yield {'x': GOOD}\n    yield {'x': GOOD[0, 0]}",
    "type": "def samples():\n    yield {'x': GOOD.astype('uint8')}",
    "nan": "def samples():\n    yield {'x': GOOD}\n    yield {'x': GOOD * np.nan}",
    "ragged": "def samples():\n    yield {'x': GOOD}\n    yield {'x': [[1.0], [1.0, 2.0]]}",
    "none": "def samples():\n    yield None",
    "number": "def samples():\n    yield {'x': 3.0}",
    "text": "def samples():\n    yield 'picture.png'",
    "empty": "def samples():\n    yield {'x': GOOD[:0]}",
    "tuple": "def samples():\n    yield GOOD, GOOD",
    "signature": "def samples():\n    yield {'serv': {'x': GOOD}}",
    "raises": "def samples():\n    yield {'x': GOOD}\n    raise KeyError('picture 2')",
    "argument": "def samples(folder):\n    yield {'x': GOOD}",
    "other_name": "def sample():\n    yield {'x': GOOD}",
}
FEWER = {
    "fewer_in_a_file": 'data = "data.npz"\nsamples = 6\n',
    "fewer_from_code": 'entry = "data.py:samples"\nsamples = 4\n',
}
# Ways to say the same: each gives the samples of GOOD.
SAME_TOML = '[variant.int8]\nquantize = "int8"\n[calibration]\n'
SAME_FILES = {
    "plain": {"x": GOOD},
    "with_batch_axis": {"x": GOOD[:, None]},
    "in_double_precision": {"x": GOOD.astype(np.float64)},
    "with_signature": {"serve/x": GOOD},
}
SAME_CODE = {
    "dicts": "yield {'x': x[None]}",
    "without_batch_axis": "yield {'x': x}",
    "arrays": "yield x",
    "tuples": "yield (x.tolist(),)",
    "by_signature": "yield {'serve': {'x': x}}",
    "endless": "yield {'x': x}\n    while True:\n        yield {'x': x * 100}",
}
CODE_HEAD = "import numpy as np\nGOOD = np.ones((1, 8, 8, 2), 'f')\n"


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    """One build of all of them."""
    one, two = shop.folder / "one.tflite", shop.folder / "two.tflite"
    shop.make({one: CLASSIFIER, two: PAIR})
    for names, source in ((FILES, one), (PAIRED, two)):
        for name, data in names.items():
            folder = shop.tflite(f"file_{name}", INT8 + 'data = "data.npz"\n', source=source)
            (folder / "data.npz").write_bytes(data)
    codes = {**CODE, "fewer_from_code": "def samples():\n    for _ in range(3):\n        yield {'x': GOOD}"}
    for name, code in codes.items():
        toml = INT8 + FEWER.get(name, 'entry = "data.py:samples"\n')
        folder = shop.tflite(f"code_{name}", toml, source=one)
        (folder / "data.py").write_text(CODE_HEAD + code + "\n")
    shop.tflite("file_fewer_in_a_file", INT8 + FEWER["fewer_in_a_file"], source=one, x=GOOD)
    folder = shop.tflite("code_no_signature", INT8 + 'entry = "data.py:samples"\n', source=two)
    (folder / "data.py").write_text("import numpy as np\ndef samples():\n    yield {'x': np.ones((1, 4), 'f')}\n")
    folder = shop.tflite("code_one_signature", INT8 + 'entry = "data.py:samples"\n', source=two)
    (folder / "data.py").write_text(
        "import numpy as np\ndef samples():\n    yield {'left': {'x': np.ones((1, 4), 'f')}}\n"
    )
    for name, arrays in SAME_FILES.items():
        shop.tflite(f"same_{name}", SAME_TOML + 'data = "data.npz"\n', source=one, **arrays)
    for name, code in SAME_CODE.items():
        folder = shop.tflite(f"same_{name}", SAME_TOML + 'entry = "data.py:samples"\nsamples = 5\n', source=one)
        np.save(folder / "good.npy", GOOD)
        (folder / "data.py").write_text(
            f"import numpy as np\ndef samples():\n    for x in np.load('good.npy'):\n        {code}\n"
        )
    return shop.build()


NAMES = sorted(
    [f"file_{n}" for n in (*FILES, *PAIRED, "fewer_in_a_file")]
    + [f"code_{n}" for n in (*CODE, "fewer_from_code", "no_signature", "one_signature")]
)


@pytest.mark.parametrize("name", NAMES)
def test_data_that_does_not_fit(name: str, said: dict[str, Said], snapshot: SnapshotAssertion) -> None:
    assert said[name].told == snapshot(name=name)
    assert {e["code"] for e in said[name].errors} == {2}
    assert all(str(e["key"]).startswith("calibration") for e in said[name].errors)
    assert all(e["line"] >= 9 for e in said[name].errors)
    # A .tflite source is taken over, once for all of them since it is the same file; nothing is made of it.
    assert set(said[name].ran) <= {"convert"}
    assert not said[name].value["variants"]


def test_each_mistake_is_told_in_its_own_words(said: dict[str, Said]) -> None:
    assert set(said) == {*NAMES, *(f"same_{name}" for name in (*SAME_FILES, *SAME_CODE))}


def test_every_way_to_give_the_same_samples_gives_the_same_file(said: dict[str, Said]) -> None:
    names = [f"same_{name}" for name in (*SAME_FILES, *SAME_CODE)]
    assert not [said[n].told for n in names if said[n].errors]
    assert len({said[n].file("int8").read_bytes() for n in names}) == 1
