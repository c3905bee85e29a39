"""What is wrong with a SavedModel, or with what model.toml says of it: one golden each, and never a traceback.

Each case changes a copy of a fixture, and all are built together.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Said, Workshop
from syrupy.assertion import SnapshotAssertion

FIXTURES = Path(__file__).parents[1] / "fixtures" / "saved_models"
PB = "saved_model.pb"
INDEX = "variables/variables.index"
DATA = "variables/variables.data-00000-of-00001"

Change = Callable[[Path], object]


def cut(name: str, size: int) -> Change:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def holding(*names: str) -> Change:
    """The folder holds these empty files instead."""

    def change(folder: Path) -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        for name in names:
            (folder / name).touch()

    return change


def inside(folder: Path) -> None:
    moved = folder.rename(folder.with_name("moved"))
    folder.mkdir()
    moved.rename(folder / "1")


def one_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


# case -> (fixture, the end of its model.toml, what is done to the copy)
CASES: dict[str, tuple[str, str, Change | None]] = {
    "tags_near": ("tf1_simple_save", 'tags = ["srve"]', None),
    "tags_some": ("tf1_builder", 'tags = ["gpu"]', None),
    "tags_needed": ("tf1_tags", "", None),
    "signature_near": ("tf1_builder", 'signatures = ["clasify", "embed"]', None),
    "signature_far": ("tf1_builder", 'signatures = ["xyzzy"]', None),
    "no_signature": ("no_signature", "", None),
    "asset_table": ("table_asset", "", None),
    "text": ("string_input", "", None),
    "sparse": ("tf1_sparse", "", None),
    "ragged": ("tf1_ragged", "", None),
    "select_operators": ("beyond_builtins", 'signatures = ["select"]', None),
    "custom_operators": ("beyond_builtins", 'signatures = ["custom"]', None),
    "unregistered_operator": (
        "beyond_builtins",
        'signatures = ["custom"]',
        lambda f: (f / PB).write_bytes((f / PB).read_bytes().replace(b"Erfinv", b"MyOper")),
    ),
    "shape_depends_on_values": ("beyond_builtins", 'signatures = ["positive"]', None),
    "fails_at_one_size": (
        "beyond_builtins",
        'signatures = ["thirds"]\n[input.x]\nshape = ["n", 1]\nsizes.n = [3, 4]',
        None,
    ),
    "lstm_with_an_open_batch": (
        "keras2_lstm",
        'signatures = ["serve"]\n[input.sequence]\nshape = ["n", 5, 3]',
        None,
    ),
    "operators_of_both_kinds": ("beyond_builtins", 'signatures = ["select", "custom"]', None),
    "calls_python": ("beyond_builtins", 'signatures = ["python"]', None),
    "shape_open": ("module_pair", "", None),
    "shape_contradicts": ("tf1_simple_save", "[input.x]\nshape = [1, 5]", None),
    "dtype_contradicts": ("tf1_simple_save", '[input.x]\ndtype = "int32"', None),
    "input_near": ("keras3_export", 'signatures = ["serve"]\n[input.measure]\nshape = [1, 4]', None),
    "input_of_which_signature": ("tf1_builder", "[input.x]\nshape = [1, 4]", None),
    "signature_table_near": ("tf1_builder", "[signature.embd.input.x]\nshape = [1, 4]", None),
    "shared_placeholder": (
        "tf1_builder",
        "[signature.embed.input.x]\nshape = [3, 4]\n[signature.classify.input.x]\nshape = [2, 4]",
        None,
    ),
    "output_near": ("tf1_simple_save", '[output.result]\nfrom = "z"', None),
    "output_name_taken": (
        "module_pair",
        '[input.minuend]\nshape = [1, 2]\n[input.deduct]\nshape = [1, 2]\n[output.quotient]\nfrom = "difference"',
        None,
    ),
    "missing": ("tf1_simple_save", "", shutil.rmtree),
    "a_file": ("tf1_simple_save", "", one_file),
    "empty_folder": ("tf1_simple_save", "", holding()),
    "other_files": ("tf1_simple_save", "", holding("model.py", "notes.txt")),
    "one_folder_up": ("tf1_simple_save", "", inside),
    "a_checkpoint": ("tf1_simple_save", "", holding("checkpoint", "ckpt-1.index", "ckpt-1.data-00000-of-00001")),
    "text_form": ("tf1_simple_save", "", holding("saved_model.pbtxt")),
    "tensorflow_js": ("tf1_simple_save", "", holding("model.json", "group1-shard1of1.bin")),
    "keras_inside": ("tf1_simple_save", "", holding("model.keras")),
    "graph_empty": ("tf1_simple_save", "", cut(PB, 0)),
    "graph_cut": ("tf1_simple_save", "", cut(PB, 2000)),
    "graph_is_no_graph": ("tf1_simple_save", "", lambda f: (f / PB).write_text("Not Found\n" * 20)),
    "no_variables": ("tf1_simple_save", "", lambda f: shutil.rmtree(f / "variables")),
    "no_index": ("tf1_simple_save", "", lambda f: (f / INDEX).unlink()),
    "no_data": ("tf1_simple_save", "", lambda f: (f / DATA).unlink()),
    "data_cut": ("tf1_simple_save", "", cut(DATA, 40)),
    "data_changed": ("tf1_simple_save", "", lambda f: (f / DATA).write_bytes(b"\1" * (f / DATA).stat().st_size)),
    "index_cut": ("tf1_simple_save", "", cut(INDEX, 100)),
    "data_of_resaved": ("keras3_fitted", "", cut(DATA, 40)),
    "index_of_resaved": ("keras3_fitted", "", cut(INDEX, 100)),
    "index_of_another": (
        "tf1_simple_save",
        "",
        lambda f: shutil.copytree(FIXTURES / "module_state" / "variables", f / "variables", dirs_exist_ok=True),
    ),
}


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> dict[str, Said]:
    for name, (fixture, tail, change) in CASES.items():
        folder = workshop.model(name, f'format = "saved_model"\npath = "saved"\n{tail}', {})
        shutil.copytree(FIXTURES / fixture, folder / "saved")
        if change is not None:
            change(folder / "saved")
    return workshop.build(*CASES)


@pytest.mark.parametrize("name", CASES)
def test_error(name: str, built: dict[str, Said], workshop: Workshop, snapshot: SnapshotAssertion) -> None:
    said = built[name]
    assert not said.ok
    assert not list((workshop.folder / name / "build").glob("*/*.tflite"))
    assert told(said, workshop) == snapshot(name=name)


def told(said: Said, workshop: Workshop) -> str:
    lines = []
    for e in said.value["errors"]:
        lines += [f"{e['code']}: {e['message']}", f"at {e['key']}, line {e['line']}", f"hint: {e['hint']}", e["detail"]]
    return "\n".join(lines).replace(str(workshop.folder), "FOLDER")


SEEDS = range(48)


def corrupted(data: bytes, seed: int) -> bytes:
    """A few random bytes changed, or a piece removed, doubled or replaced."""
    rng = random.Random(seed)
    made = bytearray(data)
    at = rng.randrange(len(made))
    match seed % 4:
        case 0:
            for _ in range(rng.choice((1, 4, 64))):
                made[rng.randrange(len(made))] = rng.randrange(256)
        case 1:
            del made[at : at + rng.choice((1, 50, 5000))]
        case 2:
            made[at:at] = made[at : at + rng.choice((1, 200))]
        case _:
            made[at : at + 8] = rng.choice((b"\xff" * 8, b"\0" * 8, rng.randbytes(8)))
    return bytes(made)


def test_damaged_files_never_end_in_more_than_an_error(workshop: Workshop) -> None:
    """Of many corruptions of graphs and variables each is refused with a reason, or nothing is wrong with what is made."""
    names = []
    for seed in SEEDS:
        fixture = ("tf1_builder", "module_state", "keras3_archive")[seed % 3]
        file = PB if seed % 5 else (INDEX, DATA)[seed % 2]
        names.append(f"damaged_{seed}")
        folder = workshop.model(names[-1], 'format = "saved_model"\npath = "saved"\n[limits]\nmemory = "6 GB"', {})
        shutil.copytree(FIXTURES / fixture, folder / "saved")
        (folder / "saved" / file).write_bytes(corrupted((FIXTURES / fixture / file).read_bytes(), seed))
    results = workshop.build(*names)
    refused = 0
    for name in names:
        said = results[name]
        errors = said.value["errors"]
        refused += bool(errors)
        for error in errors:
            assert error["message"] and error["code"] in (1, 2, 3), error
            assert not any(word in said.text for word in ("Traceback", str(workshop.folder.parent), "/tmp")), error
            assert error["code"] != 3 or "crash" in error["message"] or "memory" in error["message"], error
    assert len(SEEDS) / 3 < refused < len(SEEDS)
