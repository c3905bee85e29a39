"""Keras models of all kinds: the file gives Keras's own numbers, whichever engine made it, or there is no file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Said, Workshop, events
from syrupy.assertion import SnapshotAssertion

from tflite_build.actions import inspect

HERE = Path(__file__).parent
KERAS2 = HERE.parent / "fixtures" / "keras2"
LOOPS = "would become loops"


@dataclass(frozen=True)
class Model:
    """What model.toml says of a model beside its file, which engine makes it, and why not the first.

    `of` is the model whose file, weights and numbers it has; `names` are new names of its tensors by the old.
    """

    source: str = ""
    tables: str = ""
    engine: str = "litert"
    reason: str = ""
    tolerance: float = 1e-5
    of: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


IDS = "[input.ids]\nrange = [0, 4]"
CUSTOM = 'imports = ["keras_layers.py"]'
BUILT = {
    "convolution": Model(),
    "zoo": Model(),
    "transposed": Model(engine="tensorflow", reason="TRANSPOSE_CONV"),
    "lstm": Model(tables=IDS, engine="tensorflow", reason=LOOPS),
    "loops": Model(),
    "open_lstm": Model(
        tables='[input.x]\nshape = ["b", "n", 3]\nsizes.b = [1, 2]\nsizes.n = [3, 7]',
        engine="litert-loops",
        reason=LOOPS,
    ),
    "sorted": Model(engine="tensorflow", reason="STABLEHLO_SORT"),
    "spectrum": Model(),
    # Computed in 32 bits, closer to the truth than the model's own 16.
    "mixed_float16": Model(tolerance=5e-3),
    "mixed_bfloat16": Model(engine="tensorflow", reason=LOOPS, tolerance=5e-2),
    "float64": Model(),
    "int64": Model(tables="[input.x]\nrange = [0, 4]"),
    "int64_wanted": Model(
        of="int64",
        tables='[input.x]\ndtype = "int64"\nrange = [0, 4]',
        engine="tensorflow",
        reason="Keras on JAX has no int64",
    ),
    "dicts": Model(tables="[input.b]\nrange = [0, 4]"),
    "identity": Model(),
    "open": Model(tables='[input.x]\nshape = ["n", "length", 4]\nsizes.n = [1, 3]\nsizes.length = [2, 6]'),
    "causal": Model(tables='[input.x]\nshape = [1, "n", 8]\nsizes.n = [1, 5]'),
    "tensorflow_only": Model(tables="[input.x]\nrange = [0, 4]", engine="tensorflow"),
    "lambda": Model("allow_code = true"),
    "custom": Model(CUSTOM),
    "written": Model('entry = "keras_layers.py:build"\nweights = "model.weights.h5"'),
    "foreign": Model(
        'entry = "foreign.py:build"\nweights = "model.weights.h5"',
        of="written",
        engine="tensorflow",
        reason="imports TensorFlow",
    ),
    "renamed": Model(
        of="convolution",
        tables='[input.picture]\nfrom = "image"\n[output.probabilities]\nfrom = "scores"',
        names={"image": "picture", "scores": "probabilities"},
    ),
    "subclassed": Model(CUSTOM),
    # Files of Keras 2.15, and its numbers.
    "functional.h5": Model(),
    "sequential.hdf5": Model(),
    "nested.h5": Model(),
    "custom.h5": Model('imports = ["layers.py"]'),
    "recurrent.h5": Model(tables="[input.ids]\nrange = [0, 10]", engine="tensorflow", reason=LOOPS),
}
REFUSED = {
    "fft": Model(reason="Complex"),
    "transposed_litert": Model(of="transposed", tables='[convert]\nengine = "litert"', reason="TRANSPOSE_CONV"),
}
# Works with TensorFlow's own functions between Keras's layers.
FOREIGN = """
import tensorflow as tf
from keras_layers import Scale, keras


class Same(keras.layers.Layer):
    def call(self, x):
        return tf.identity(x)


def build():
    x = keras.Input((4,), name="x")
    return keras.Model(x, Scale(name="scaled")(Same()(keras.layers.Dense(3, name="dense")(x))))
"""
WRONG = {
    "bfloat16": Model(),
    "undeclared": Model(),
    "strings": Model(),
    "lambda_refused": Model(of="lambda"),
    "not_imported": Model(of="custom"),
    "damaged": Model(of="convolution"),
    "no_model": Model(of="convolution"),
    "pointer": Model(of="convolution"),
    "written_by_keras_2": Model(of="convolution"),
    "input_near": Model(of="convolution", tables="[input.imgae]\nshape = [1, 8, 8, 3]"),
    "output_near": Model(of="convolution", tables="[output.scroes]"),
    "from_input_near": Model(of="convolution", tables='[input.picture]\nfrom = "imgae"'),
    "from_output_near": Model(of="convolution", tables='[output.probabilities]\nfrom = "scroes"'),
    "shape": Model(of="convolution", tables="[input.image]\nshape = [1, 9, 8, 3]"),
    "dtype": Model(of="convolution", tables='[input.image]\ndtype = "int32"'),
    "operations": Model(of="operations.h5"),
    "removed": Model(of="removed.h5"),
    "weights": Model(of="weights.h5"),
    "lambda_of_keras_2": Model(of="lambda.h5"),
    "custom_of_keras_2": Model(of="custom.h5"),
    "layer_fails": Model('entry = "keras_layers.py:build_wrong"', of="custom"),
    "returns_nothing": Model('entry = "keras_layers.py:build_nothing"', of="custom"),
    "other_weights": Model('entry = "keras_layers.py:build"\nweights = "model.weights.h5"', of="convolution"),
}


def name_of(model: str) -> str:
    return re.sub(r"\W", "_", model)


def expected(folder: Path, model: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The cases of a model: inputs, and what Keras gave for them."""
    if "." in model:  # an axis of samples
        with np.load(KERAS2 / "cases.npz") as file:
            arrays = {
                f"{i}/{key.removeprefix(model + '/')}": file[key][i : i + 1]
                for key in file
                if key.startswith(model + "/")
                for i in range(2)
            }
    else:
        with np.load(folder / model / "cases.npz") as file:
            arrays = dict(file)
    return [
        tuple(
            {k.split("/")[2]: v for k, v in arrays.items() if k.startswith(f"{number}/{side}/")}
            for side in ("in", "out")
        )
        for number in range(2)
    ]


@pytest.fixture(scope="module")
def built(workshop: Workshop, python_of: Callable[[str], Path]) -> dict[str, Said]:
    """All models, built at once."""
    made = workshop.folder / "made"
    subprocess.run([python_of("litert"), HERE / "keras_models.py", made], check=True, capture_output=True, timeout=300)
    for model, given in (BUILT | REFUSED | WRONG).items():
        origin = given.of or model
        file = origin if "." in origin else "model.keras"
        source = given.source if "entry" in given.source else f'path = "{file}"\n{given.source}'
        files = {"foreign.py": FOREIGN} if model == "foreign" else {}
        folder = workshop.model(name_of(model), f'format = "keras"\n{source}\n{given.tables}', files)
        shutil.copy(KERAS2 / origin if "." in origin else made / origin / file, folder)
        if "weights" in given.source:
            shutil.copy(made / origin / "model.weights.h5", folder)
        shutil.copy(HERE / "keras_layers.py", folder)
        shutil.copy(KERAS2 / "layers.py", folder)
    spoil(workshop.folder)
    # Decided by hand, and good: followed until someone asks to decide anew.
    (workshop.folder / "identity" / "model.lock").write_text(
        'lock = 1\n[decision.engine]\nchoice = "tensorflow"\n[decision.engine.refuted]\nlitert = "by hand"\n'
    )
    return workshop.build(*map(name_of, BUILT | REFUSED | WRONG))


def spoil(folder: Path) -> None:
    """Files that are not what they are called."""
    damaged = folder / "damaged" / "model.keras"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    old = folder / "written_by_keras_2" / "model.keras"
    with zipfile.ZipFile(old) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["metadata.json"] = b'{"keras_version": "2.15.0", "date_saved": "2024-01-01@00:00:00"}'
    with zipfile.ZipFile(old, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    (folder / "pointer" / "model.keras").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    )
    np.savez(folder / "no_model" / "model.npz", x=np.zeros(3))
    (folder / "no_model" / "model.npz").rename(folder / "no_model" / "model.keras")


@pytest.mark.parametrize("model", BUILT)
def test_the_file_gives_the_numbers_of_keras(
    model: str, built: dict[str, Said], workshop: Workshop, engine: Callable[[str], Any], tmp_path: Path
) -> None:
    said = built[name_of(model)]
    assert said.ok, said.value["errors"]
    names = BUILT[model].names
    for inputs, outputs in expected(workshop.folder / "made", BUILT[model].of or model):
        np.savez(tmp_path / "in.npz", **{names.get(name, name): value for name, value in inputs.items()})
        reply = engine("core")(
            "execute",
            {"signature": "serving_default", "dequantize": False},
            {"model": said.file(), "data": tmp_path / "in.npz"},
        )
        assert reply.done is not None, reply
        with np.load(reply.outputs / "outputs.npz") as made:
            assert sorted(made) == sorted(names.get(name, name) for name in outputs)
            for name, wanted in outputs.items():
                found = made[names.get(name, name)]
                assert found.shape == wanted.shape
                assert found.dtype.kind == wanted.dtype.kind
                room = BUILT[model].tolerance * max(1, np.abs(wanted).max())
                np.testing.assert_allclose(found, wanted, atol=room, rtol=0, err_msg=name)


@pytest.mark.parametrize("model", BUILT)
def test_the_lock_says_which_engine_and_why_not_the_first(
    model: str, built: dict[str, Said], workshop: Workshop
) -> None:
    decision = built[name_of(model)].value["decisions"]["engine"]
    lock = (workshop.folder / name_of(model) / "model.lock").read_text("utf-8")
    if model == "identity":
        assert decision == {"choice": "tensorflow", "refuted": {"litert": "by hand"}}
        return
    assert decision["choice"] == BUILT[model].engine
    assert f'choice = "{BUILT[model].engine}"' in lock
    if BUILT[model].engine == "litert":
        assert not decision["refuted"]
    else:
        assert BUILT[model].reason in decision["refuted"]["litert"]
        assert decision["refuted"]["litert"].replace('"', '\\"') in lock


def test_inputs_keep_the_type_that_the_spec_gives(built: dict[str, Said]) -> None:
    for model, dtype in (("int64", "int32"), ("int64_wanted", "int64"), ("float64", "float32")):
        (signature,) = inspect.tflite(built[model].file()).signatures
        assert [tensor.dtype for tensor in signature.inputs] == [dtype]


@pytest.mark.parametrize("model", REFUSED)
def test_what_no_engine_makes_right_is_no_file(model: str, built: dict[str, Said], workshop: Workshop) -> None:
    said = built[model]
    assert not said.ok
    assert any(REFUSED[model].reason in error["message"] for error in said.value["errors"])
    assert not (workshop.folder / model / "model.lock").exists()
    assert not list((workshop.folder / model).rglob("*.tflite"))
    engines = ["litert"] if model == "transposed_litert" else ["litert", "tensorflow"]
    assert [re.search(r"the (\w+) engine", e["message"])[1] for e in said.value["errors"]] == engines


@pytest.mark.parametrize("model", WRONG)
def test_a_mistake_is_one_clear_error(
    model: str, built: dict[str, Said], workshop: Workshop, snapshot: SnapshotAssertion
) -> None:
    said = built[model]
    assert not said.ok
    assert "/tmp" not in said.text
    error = said.error
    assert Path(error["file"]) == workshop.folder / model / "model.toml"
    parts = [error["message"], f"  model.toml:{error['line']} {error['key']}", error["hint"], error["detail"]]
    assert f"{error['code']} " + "\n".join(part for part in parts if part) == snapshot
    assert not list((workshop.folder / model).rglob("*.tflite"))


def test_a_later_build_goes_straight_to_the_engine_decided(
    built: dict[str, Said], workshop: Workshop, cli: Callable[..., Any]
) -> None:
    """On another machine, where nothing is remembered, the lock alone decides."""
    assert built["transposed"].ok
    assert built["open_lstm"].ok
    for model, kinds in (
        ("transposed", ["lower.tensorflow", "convert.tensorflow"]),
        ("open_lstm", ["lower.keras", "convert.litert"]),
    ):
        ran = cli("plan", "--json", workshop.folder / model)
        (plan,) = json.loads(ran.out)
        assert [s["kind"] for s in plan["steps"] if s["id"] in ("lower", "convert")] == kinds
        assert plan["decisions"]["engine"]["choice"] == BUILT[model].engine
        assert plan["decisions"]["engine"]["untried"] is False
        assert BUILT[model].reason in plan["decisions"]["engine"]["refuted"]["litert"]


def test_update_decides_anew(built: dict[str, Said], workshop: Workshop) -> None:
    assert built["identity"].value["decisions"]["engine"]["choice"] == "tensorflow"
    again = workshop.build("identity", "transposed", options=("--update",))
    assert again["identity"].value["decisions"]["engine"] == {"choice": "litert", "refuted": {}}
    assert "by hand" not in (workshop.folder / "identity" / "model.lock").read_text("utf-8")
    assert again["transposed"].value["decisions"]["engine"] == built["transposed"].value["decisions"]["engine"]
    assert again["transposed"].ran == []


def test_the_same_bytes_in_another_folder_and_process(
    built: dict[str, Said], workshop: Workshop, cli: Callable[..., Any], tmp_path: Path
) -> None:
    """Engines run isolated, so that each process has hash seeds of its own; the tool gets another one here."""
    models = ["zoo", "spectrum", "custom", "dicts", "transposed"]
    for model in models:
        shutil.copytree(
            workshop.folder / model, tmp_path / "else where" / model, ignore=shutil.ignore_patterns("build", "*.lock")
        )
    ran = cli("build", "--json", tmp_path / "else where", env={"PYTHONHASHSEED": "77"})
    again = {model["model"]: Said(model) for model in events(ran.out, "model")}
    assert {m: again[m].sha256() for m in models} == {m: built[m].sha256() for m in models}
    locks = {m: (workshop.folder / m / "model.lock").read_bytes() for m in models}
    assert {m: (tmp_path / "else where" / m / "model.lock").read_bytes() for m in models} == locks
