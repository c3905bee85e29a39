"""The user's own Python: what goes wrong in it is one clear error each, with their file and line; what it reads is seen."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Said, Workshop
from syrupy.assertion import SnapshotAssertion

FIXTURES = Path(__file__).parents[1] / "fixtures"
SHAPE = '\n[input.x]\nshape = [1, 4]\ndtype = "float32"'
JAX = 'format = "jax"\nentry = "model.py:predict"' + SHAPE
# Calibration runs the same way, and starts faster.
DATA = """format = "tflite"
path = "float32.tflite"
[variant.int8]
quantize = "int8"
[calibration]
entry = "data.py:samples"
"""
# Name -> model.toml from [source] on, and the files.
WRONG: dict[str, tuple[str, dict[str, str]]] = {
    "raises": (
        DATA,
        {"data.py": "def samples():\n    yield top()\n\n\ndef top():\n    raise ValueError('not so')\n"},
    ),
    "raises_on_import": (DATA, {"data.py": "LABELS = {}\nFIRST = LABELS['first']\n"}),
    "raises_in_helper": (
        DATA,
        {
            "data.py": "from pkg import work\n\n\ndef samples():\n    return work.halves(None)\n",
            "pkg/__init__.py": "",
            "pkg/work.py": "def halves(x):\n    return x / 2\n",
        },
    ),
    "exits": (DATA, {"data.py": "import sys\n\nsys.exit('bye')\n"}),
    "exits_in_function": (DATA, {"data.py": "def samples():\n    raise SystemExit(3)\n"}),
    "syntax": (DATA, {"data.py": "def samples():\n    return 1 +\n"}),
    "syntax_in_helper": (DATA, {"data.py": "import helper\n", "helper.py": "a = (\n"}),
    "missing_package": (DATA, {"data.py": "import einops\n"}),
    "missing_module_near": (DATA, {"data.py": "import laayers\n", "layers.py": ""}),
    "endless": (DATA, {"data.py": "def samples():\n    return samples()\n"}),
    "file_missing": (DATA, {"data.py": "W = open('weigths.txt').read()\n", "weights.txt": ""}),
    "file_outside": (DATA, {"data.py": "W = open('../weights.txt').read()\n"}),
    "below_python": (DATA, {"data.py": "import h5py\n\nW = h5py.File('weights.h5')\n", "weights.h5": "x"}),
    "below_python_listed": (
        DATA,
        {
            "data.py": "import glob\n\nimport h5py\n\nW = [h5py.File(f) for f in glob.glob('parts/*.h5')]\n",
            "parts/one.h5": "never shown" * 100,
        },
    ),
    "entry_unknown": (DATA.replace("samples", "sampels"), {"data.py": "def samples():\n    return []\n"}),
    "entry_no_function": (DATA, {"data.py": "samples = 3\n"}),
    "entry_takes_more": (DATA, {"data.py": "def samples(folder):\n    return []\n"}),
    "hides_python": (DATA.replace("data.py", "json.py"), {"json.py": "def samples():\n    return []\n"}),
    "files_missing": (DATA + 'files = ["vocab.bn"]', {"data.py": "", "vocab.bin": ""}),
    "files_outside": (DATA + 'files = ["../vocab.bin"]', {"data.py": ""}),
    "jax_no_parameters": (JAX, {"model.py": "def predict():\n    return 1\n"}),
    "jax_input_unknown": (
        JAX.replace("input.x", "input.imge"),
        {"model.py": "def predict(image):\n    return image\n"},
    ),
    "jax_undeclared": (JAX, {"model.py": "def predict(x, other):\n    return x + other\n"}),
    "jax_64_bits": (JAX.replace("float32", "float64"), {"model.py": "def predict(x):\n    return x\n"}),
    "jax_no_array": (JAX, {"model.py": "def predict(x):\n    return {'label': 'cat'}\n"}),
    "jax_nothing": (JAX, {"model.py": "def predict(x):\n    return None\n"}),
    "jax_python_if": (JAX, {"model.py": "def predict(x):\n    if x.sum() > 0:\n        return x\n    return -x\n"}),
}


def shown(said: Said, folder: Path) -> str:
    """An error as people read it, without this machine's paths."""
    error = said.error
    assert Path(error["file"]) == folder / "model.toml"
    parts = [error["message"], f"  model.toml:{error['line']} {error['key']}", error["hint"], error["detail"]]
    return f"{error['code']} " + "\n".join(part for part in parts if part)


@pytest.fixture(scope="module")
def wrong(workshop: Workshop) -> dict[str, Said]:
    (workshop.folder / "vocab.bin").write_text("")  # outside of the models' folders
    for name, (source, files) in WRONG.items():
        folder = workshop.model(name, source, files)
        if source != JAX:
            shutil.copy(FIXTURES / "tflite" / "float32.tflite", folder)
    return workshop.build(*WRONG)


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_in_user_code_is_one_clear_error(
    name: str, wrong: dict[str, Said], workshop: Workshop, snapshot: SnapshotAssertion
) -> None:
    said = wrong[name]
    assert not said.ok
    assert "/tmp" not in said.text
    assert "tflite_build/engines" not in said.text
    assert not (workshop.folder / name / "build").exists()
    assert shown(said, workshop.folder / name) == snapshot


COUNTED = """
import helper


# counts
def predict(x):
    return x * helper.FACTOR
"""


def test_a_comment_lowers_again_and_converts_nothing(
    workshop: Workshop, engine: Callable[[str], Any], tmp_path: Path
) -> None:
    folder = workshop.model("comment", JAX, {"model.py": COUNTED, "helper.py": "FACTOR = 2\n"})
    first = workshop.build("comment")["comment"]
    assert {"lower", "convert", "reference"} <= set(first.ran)
    (folder / "model.py").write_text(
        "# A comment, so that all lines move.\n" + COUNTED.replace("# counts", "# doubles")
    )
    second = workshop.build("comment")["comment"]
    assert second.ran == ["lower"]
    assert second.sha256() == first.sha256()
    (folder / "helper.py").write_text("FACTOR = 3\n")
    third = workshop.build("comment")["comment"]
    assert {"lower", "convert", "reference"} <= set(third.ran)
    np.savez(tmp_path / "in.npz", x=np.ones((1, 4), "float32"))
    params = {"signature": "serving_default", "dequantize": False}
    reply = engine("core")("execute", params, {"model": third.file(), "data": tmp_path / "in.npz"})
    with np.load(reply.outputs / "outputs.npz") as made:
        assert made["output"].tolist() == [[3, 3, 3, 3]]


READING = """
import json
import os
import tempfile
from pathlib import Path

import h5py
import numpy as np

import helper

HERE = Path(__file__).parent
PARTS = sum(float(p.name) for p in (HERE / "parts").iterdir())
BELOW = float(h5py.File("below.h5")["w"][()])
BONUS = json.loads((HERE / "bonus.json").read_text()) if (HERE / "bonus.json").exists() else 0
OUTSIDE = Path({outside!r})
HOME = float((Path.home() / ".kept" / "weights.txt").read_text())
FINE = float((OUTSIDE / "fine.txt").read_text()) if (OUTSIDE / "fine.txt").exists() else 0
SIZES = sum(os.path.getsize(p) for p in (HERE / "sizes").glob("*.bin"))
SCANNED = sum(entry.stat().st_size for entry in os.scandir(HERE / "scanned"))
OLD = all(entry.stat().st_mtime == 315532800 for entry in os.scandir(HERE / "scanned"))
THERE = (OUTSIDE / "there.txt").exists() + (OUTSIDE / "folder").exists()
AWAY = 7 * len(os.listdir(OUTSIDE / "listed")) + os.path.getsize(OUTSIDE / "size.txt")
NEWEST = float(max((OUTSIDE / "newest").iterdir(), key=os.path.getmtime).name)
ASIDE = SIZES + SCANNED + OLD + THERE + AWAY + NEWEST
NOTED = OUTSIDE / "noted" / "by_itself.txt"


def own():
    # What it writes outside by itself is no input, whether it was there before or not.
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "scratch.txt").write_text("1")
        if not NOTED.exists():
            NOTED.parent.mkdir(exist_ok=True)
            (Path(folder) / "scratch.txt").rename(NOTED)
            (NOTED.parent / "first.txt").touch()
    assert len(os.listdir(NOTED.parent)) == 2
    (NOTED.parent / "first.txt").touch()
    with NOTED.open("a") as file:
        file.write("1")


def samples():
    own()
    top = helper.FACTOR * np.load("weights.npy") + PARTS + BELOW + BONUS + HOME + FINE + ASIDE
    random = np.random.default_rng(0)
    for _ in range(4):
        yield {"image": random.uniform(0, top, (1, 8, 8, 2)).astype("float32")}
"""


def h5(python: Path, file: Path, value: float) -> None:
    code = "import h5py, sys; h5py.File(sys.argv[1], 'w')['w'] = float(sys.argv[2])"
    subprocess.run([python, "-c", code, file, str(value)], check=True)


def test_whatever_user_code_reads_is_an_input(workshop: Workshop, python_of: Callable[[str], Path]) -> None:
    python = python_of("litert")
    outside, home = workshop.folder / "outside", workshop.folder / "home" / ".kept"
    outside.mkdir()
    home.mkdir(parents=True)
    (home / "weights.txt").write_text("1")
    for name in ("there.txt", "folder/1", "listed/1", "size.txt", "newest/1", "newest/2"):
        (outside / name).parent.mkdir(exist_ok=True)
        (outside / name).write_text("")
    os.utime(outside / "newest" / "1", (1, 1))
    files = {
        "sizes/a.bin": "1",
        "scanned/a.bin": "1",
        "data.py": READING.replace("{outside!r}", repr(str(outside))),
        "helper.py": "FACTOR = 2\n",
        "parts/1": "",
        "parts/2": "",
    }
    folder = workshop.model("reads", DATA + 'files = ["below.h5"]', files)
    shutil.copy(FIXTURES / "tflite" / "float32.tflite", folder)
    np.save(folder / "weights.npy", 1.0)
    h5(python, folder / "below.h5", 1)

    def build() -> list[str]:
        said = workshop.build("reads", env={"HOME": str(home.parent)})["reads"]
        assert said.ok, said.value["errors"]
        return said.ran

    assert {"samples", "calibrate", "quantize:int8"} <= set(build())
    # Nobody reads these: a new file, and what stands in a file that was listed and not opened.
    (folder / "unrelated.txt").write_text("new")
    (folder / "parts" / "2").write_text("its name was read, and no more")
    assert build() == []
    changes: dict[str, Callable[[], object]] = {
        "an imported file": lambda: (folder / "helper.py").write_text("FACTOR = 3\n"),
        "an opened file": lambda: np.save(folder / "weights.npy", 2.0),
        "a listed folder": lambda: (folder / "parts" / "4").write_text(""),
        "a file below Python": lambda: h5(python, folder / "below.h5", 5),
        "a file looked for in vain": lambda: (folder / "bonus.json").write_text("10"),
        "a file in a hidden folder at home": lambda: (home / "weights.txt").write_text("3"),
        "a file outside looked for in vain": lambda: (outside / "fine.txt").write_text("1"),
        "a file outside": lambda: (outside / "fine.txt").write_text("7"),
        "the size of a listed file": lambda: (folder / "sizes" / "a.bin").write_text("22"),
        "the size of a scanned file": lambda: (folder / "scanned" / "a.bin").write_text("55555"),
        "a file outside that is gone": lambda: (outside / "there.txt").unlink(),
        "a folder outside that is gone": lambda: shutil.rmtree(outside / "folder"),
        "a listed folder outside": lambda: (outside / "listed" / "2").write_text(""),
        "the size of a file outside": lambda: (outside / "size.txt").write_text("22"),
        "the time of a file outside": lambda: os.utime(outside / "newest" / "2", (0, 0)),
    }
    for what, change in changes.items():
        change()
        assert {"samples", "calibrate", "quantize:int8"} <= set(build()), what
    assert build() == []


LISTING = """
from pathlib import Path

import numpy as np

NAMES = sorted(p.as_posix() for p in Path().rglob("*"))


def samples():
    yield {"image": np.full((1, 8, 8, 2), len(NAMES), "float32")}
"""


def test_what_the_tool_writes_is_never_listed(workshop: Workshop) -> None:
    """A lock of another name, an --out-dir in the folder: the next build is no other for it."""
    folder = workshop.model("lists", DATA, {"data.py": LISTING})
    shutil.copy(FIXTURES / "tflite" / "float32.tflite", folder)
    for name in ("one", "two"):
        (folder / f"{name}.toml").write_text((folder / "model.toml").read_text().replace('"lists"', f'"{name}"'))
    options = ("--out-dir", str(folder / "out"))

    def build(name: str) -> list[str]:
        said = workshop.build(f"lists/{name}.toml", options=options)[name]
        assert said.ok, said.value["errors"]
        return said.ran

    assert "samples" in build("one")
    assert (folder / "one.lock").is_file() and (folder / "out" / "one" / "one-int8.tflite").is_file()
    assert build("one") == []
    assert "samples" not in build("two")  # it is the same code, over the same folder
    assert build("one") == []
    for own in ("labels.lock", "out/labels.txt", "out/one/report.txt"):
        (folder / own).write_text("of the user's")
        assert "samples" in build("one"), own
        assert build("one") == []


def test_what_was_refused_is_never_listed(workshop: Workshop) -> None:
    """Of a first build in an --out-dir in the folder there is nothing else, not even a report."""
    strict = f"{DATA}\n[checks]\nmin_cosine = 1.0\n"
    folder = workshop.model("refused", strict, {"data.py": LISTING})
    shutil.copy(FIXTURES / "tflite" / "float32.tflite", folder)
    options = ("--out-dir", str(folder / "out"))
    first = workshop.build("refused", options=options)["refused"]
    assert (first.error["code"], "samples" in first.ran) == (4, True)
    rejected = folder / "out" / "refused" / "rejected"
    assert [p.name for p in rejected.glob("*.tflite")] == ["refused-int8.tflite"]
    assert workshop.build("refused", options=options)["refused"].ran == []
    (rejected / "refused-mine.txt").write_text("of the user's")
    assert "samples" in workshop.build("refused", options=options)["refused"].ran
    (rejected / "refused-mine.txt").unlink()
    spec = folder / "model.toml"
    spec.write_text(spec.read_text().replace("min_cosine = 1.0", ""))
    good = workshop.build("refused", options=options)["refused"]
    assert good.ok and "samples" not in good.ran and not rejected.exists()


CHANCE = """
import os

import numpy as np

SCALE = float(os.environ.get("SCALE_OF_MINE", "2"))
ORDER = "".join({chr(97 + i) * 3 for i in range(20)})


def samples():
    top = SCALE + int.from_bytes(ORDER.encode()) % 1000
    yield {"image": np.full((1, 8, 8, 2), top, "float32")}
"""


def test_the_environment_and_the_hash_seed_are_no_inputs(workshop: Workshop) -> None:
    """What is no part of a step's key has no way into its result, either."""
    folder = workshop.model("chance", DATA, {"data.py": CHANCE})
    shutil.copy(FIXTURES / "tflite" / "float32.tflite", folder)
    assert "calibrate" in workshop.build("chance")["chance"].ran
    (folder / "data.py").write_text(f"# again\n{CHANCE}")
    again = workshop.build("chance", env={"SCALE_OF_MINE": "5", "PYTHONHASHSEED": "7"})["chance"]
    assert again.ran == ["samples"]  # and what it gave was the same


NAMES = """
import os

import numpy as np

COUNT = len(os.listdir("parts"))
{more}


def samples():
    yield {{"image": np.full((1, 8, 8, 2), COUNT, "float32")}}
"""


def test_a_file_whose_name_is_no_text_may_lie_in_a_folder_that_is_listed(workshop: Workshop) -> None:
    folder = workshop.model("names", DATA, {"data.py": NAMES.format(more=""), "parts/one": ""})
    shutil.copy(FIXTURES / "tflite" / "float32.tflite", folder)
    odd = folder / "parts" / os.fsdecode(b"d\xe9j\xe0 vu")
    odd.write_text("content")
    assert workshop.build("names")["names"].ok
    assert workshop.build("names")["names"].ran == []
    odd.rename(folder / "parts" / os.fsdecode(b"d\xe9j\xe0"))
    assert "samples" in workshop.build("names")["names"].ran
    # Read, it would have to be named where only text can stand.
    (folder / "data.py").write_text(NAMES.format(more="[open(f'parts/{name}').read() for name in os.listdir('parts')]"))
    said = workshop.build("names")["names"]
    assert said.error["code"] == 2
    assert said.error["message"] == r"the user's code reads 'parts/d\xe9j\xe0', whose name is not UTF-8"
    assert said.error["hint"] == "rename it"


def test_a_mistake_is_not_remembered_when_it_is_mended(workshop: Workshop) -> None:
    code = READING.split("HERE =")[0].replace("import helper", "TOP = float(open('top.txt').read())")
    code += "def samples():\n    yield {'image': np.full((1, 8, 8, 2), TOP, 'float32')}\n"
    folder = workshop.model("mended", DATA, {"data.py": code})
    shutil.copy(FIXTURES / "tflite" / "float32.tflite", folder)
    assert "top.txt" in workshop.build("mended")["mended"].error["message"]
    (folder / "top.txt").write_text("2")  # neither model.toml nor data.py has changed
    said = workshop.build("mended")["mended"]
    assert said.ok, said.value["errors"]
