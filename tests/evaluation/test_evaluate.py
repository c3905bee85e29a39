"""`evaluate` of files, sources and specs: the verdict, what does not convert and what to write instead, nothing written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Ran, command, new_cache, under_permissions

import tflite_build
from tflite_build.errors import BuildError, ExitCode
from tflite_build.progress import StepStarted

FIXTURES = Path(__file__).parents[1] / "fixtures"
HOPELESS = """
import jax
import jax.numpy as jnp


def hopeless(x):
    y = jnp.sort(x)
    w = jnp.linalg.svd(x.reshape(4, 4), compute_uv=False)
    return y + w.sum() + jnp.fft.fft(x).real
"""
SPEC = """
spec = 1
[model]
name = "hopeless"
[source]
format = "jax"
entry = "model.py:hopeless"
[input.x]
shape = [16]
dtype = "float32"
"""

WHITEN = """
import keras


@keras.saving.register_keras_serializable("team")
class Whiten(keras.layers.Layer):
    def call(self, x):
        values, vectors = keras.ops.eigh(x @ keras.ops.transpose(x, (0, 2, 1)))
        return vectors @ x / values[..., None]
"""
WHITENED = """
import keras, layers
x = keras.Input((4, 6), batch_size=1)
y = layers.Whiten(name="whiten")(keras.layers.Dense(6, name="first")(x))
keras.Model(x, keras.layers.Dense(2, name="last")(y)).save("m.keras")
"""
# Random numbers for its weights would be compiled one by one, which takes longer than all the rest.
MOBILENET = """
import sys
import keras
import numpy as np
rng = np.random.default_rng(0)
keras.initializers.VarianceScaling.__call__ = lambda self, shape, dtype=None: rng.normal(0, 0.05, shape).astype("float32")
keras.applications.MobileNetV2(weights=None).save(sys.argv[1])
"""


@pytest.fixture(scope="module")
def hopeless(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> tuple[Path, Ran, Ran]:
    """A model that does not convert, what `evaluate --json` says of it, and what `build` does."""
    folder = tmp_path_factory.mktemp("hopeless")
    (folder / "model.py").write_text(HOPELESS.lstrip(), "utf-8")
    (folder / "model.toml").write_text(SPEC, "utf-8")
    return folder, module_cli("evaluate", "--json", folder), module_cli("build", folder)


def ways(value, runtime: str) -> list[str]:
    (found,) = [r for r in value["verdict"]["runtimes"] if r["runtime"] == runtime]
    return [way["kind"] for way in found["ways"]]


def test_all_that_does_not_convert_is_told_with_its_line_and_a_way_out(hopeless) -> None:
    folder, ran, _ = hopeless
    assert ran.code == 0, ran.text
    value = json.loads(ran.out)
    assert value["version"] == 1 and not value["converts"] and value["files"] == []
    found = {o["operator"]: o for o in value["obstacles"]}
    lines = {"sort": "model.py:6", "lapack_sgesdd_ffi": "model.py:7", "fft": "model.py:8"}
    for operator, line in lines.items():
        (name,) = [n for n in found if n == operator or n.startswith(f"{operator} of")]
        assert found[name]["source"] == line
    assert "top_k" in found["sort"]["change"]["instead"]
    assert "matmul" in found["lapack_sgesdd_ffi"]["change"]["instead"]
    assert ways(value, "standard") == ["change"]
    assert sorted(p.name for p in folder.iterdir() if p.name != "__pycache__") == ["model.py", "model.toml"]


def test_obstacles_come_from_layers_as_the_model_names_them(
    tmp_path: Path, python_of: Callable[[str], Path], module_cli: Callable[..., Ran]
) -> None:
    (tmp_path / "layers.py").write_text(WHITEN.lstrip(), "utf-8")
    env = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([python_of("litert"), "-c", WHITENED], cwd=tmp_path, check=True, env=env, capture_output=True)
    value = json.loads(module_cli("evaluate", "--json", "--no-time", tmp_path / "m.keras").out)
    found = {(o["engine"], o["operator"]): o for o in value["obstacles"]}
    assert set(found) == {("litert", "lapack_ssyevd_ffi"), ("tensorflow", "SelfAdjointEigV2")}
    assert {o["source"] for o in found.values()} == {"whiten"}
    (way,) = value["verdict"]["runtimes"][0]["ways"]
    assert way["what"] == "replace lapack_ssyevd_ffi in 'whiten'"


def test_a_failing_build_says_the_verdict(hopeless) -> None:
    *_, built = hopeless
    assert built.code == ExitCode.BUILD_FAILED
    assert "verdict: standard, play-services, custom: after a change (replace " in built.err
    assert "help: sort in 'model.py:6': instead of sorting" in built.err


def test_a_file_that_needs_more_than_builtins() -> None:
    evaluated = tflite_build.evaluate(FIXTURES / "tflite" / "custom.tflite")
    found = {r.runtime: [w.kind for w in r.ways] for r in evaluated.verdict.runtimes}
    assert found["play-services"] == ["change"] and found["custom"] == ["change", "custom-operators"]
    assert {o.needs for o in evaluated.files[0].figures.operators} == {"builtin", "select", "custom"}
    assert evaluated.converts and {(o.operator, o.needs) for o in evaluated.obstacles} == {
        ("MatMul", "select"),
        ("ExampleSoftmax", "custom"),
    }
    assert "ExampleSoftmax" in evaluated.files[0].not_timed and evaluated.files[0].timings == ()


def test_a_quantized_file_is_advised_nothing_that_cannot_be_made_of_it(tmp_path: Path) -> None:
    """And a file is known by what it holds."""
    for name in ("int8", "dynamic-int8"):
        shutil.copy(FIXTURES / "tflite" / f"{name}.tflite", tmp_path / "model")
        evaluated = tflite_build.evaluate(tmp_path / "model", timed=False)
        (file,) = evaluated.files
        assert file.figures.smaller == {} and not file.figures.is_float
        assert {a.variant for a in evaluated.verdict.accelerators} == {"as it is"}
    shutil.copy(tmp_path / "model", tmp_path / "m.tflite")
    (tmp_path / "model.toml").write_text(
        'spec = 1\n[model]\nname = "m"\n[source]\nformat = "tflite"\npath = "m.tflite"\n'
    )
    (file,) = tflite_build.evaluate(tmp_path, timed=False).files
    assert file.figures.quantization.startswith("int8 weights")


def test_open_shapes_speak_against_accelerators() -> None:
    evaluated = tflite_build.evaluate(FIXTURES / "tflite" / "dynamic-shape.tflite", timed=False)
    found = {a.accelerator: a for a in evaluated.verdict.accelerators}
    assert "rows is open" in found["NPU"].but and found["GPU"].variant == ""
    assert any("fixed shape" in a.change.instead for a in evaluated.advice)
    assert [r.ways[0].kind for r in evaluated.verdict.runtimes] == ["as-is"] * 3


def test_select_operators_are_named_by_the_converter(tmp_path: Path, module_cli: Callable[..., Ran]) -> None:
    source = 'format = "saved_model"\npath = "m"\nsignatures = ["select"]\n'
    shutil.copytree(FIXTURES / "saved_models" / "beyond_builtins", tmp_path / "m")
    (tmp_path / "model.toml").write_text(f'spec = 1\n[model]\nname = "select"\n[source]\n{source}', "utf-8")
    value = json.loads(module_cli("evaluate", "--json", tmp_path).out)
    assert ways(value, "standard") == ["change", "select-tf-ops"] and ways(value, "play-services") == ["change"]
    assert [(o["operator"], o["needs"]) for o in value["obstacles"]] == [("MatrixInverse", "select")]


def test_a_source_without_a_spec(tmp_path: Path, module_cli: Callable[..., Ran]) -> None:
    shutil.copy(FIXTURES / "init" / "plain.keras", tmp_path / "plain.keras")
    ran = module_cli("evaluate", "--no-time", tmp_path / "plain.keras")
    assert ran.code == 0, ran.text
    assert "standard       as it is" in ran.out and "accelerator" in ran.out
    assert [p.name for p in tmp_path.iterdir()] == ["plain.keras"], "nothing is written beside it"


def test_a_spec_that_is_built_is_read_from_the_store(zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop, _ = zoo
    monkeypatch.setenv("TFLITE_BUILD_CACHE", str(workshop.folder.parent / "cache"))
    started: list[str] = []
    evaluated = tflite_build.evaluate(
        workshop.folder / "residual",
        on_event=lambda e: started.append(e.step) if isinstance(e, StepStarted) else None,
    )
    assert started == []
    assert [f.variant for f in evaluated.files] == ["float32", "float16", "dynamic", "int8"]
    sizes = [f.figures.data.file for f in evaluated.files]
    assert sizes == [zoo[1]["residual"].variants[f.variant]["size"] for f in evaluated.files]
    threads = {1, len(os.sched_getaffinity(0))} if hasattr(os, "sched_getaffinity") else {1}
    for file in evaluated.files:
        assert {t.threads for t in file.timings} == threads
        assert all(0 < t.fastest <= t.median <= t.slowest and t.runs >= 5 for t in file.timings)
    (one,) = tflite_build.evaluate(f"{workshop.folder / 'residual'}:int8", timed=False).files[1:]
    assert one.variant == "int8"


@pytest.mark.parametrize(
    ("model", "instead"),
    [
        ("saved_models/table_asset", "in the app"),
        ("saved_models/string_input", "split the text"),
        ("saved_models/tf1_sparse", "dense tensors"),
        ("init/lambda.keras", "allow_code"),
    ],
)
def test_what_no_engine_is_asked_for_has_a_way_out_too(cache: Path, model: str, instead: str) -> None:
    evaluated = tflite_build.evaluate(FIXTURES / model)
    assert not evaluated.converts
    (obstacle,) = evaluated.obstacles
    assert obstacle.change is not None and instead in obstacle.change.instead
    assert [way.kind for way in evaluated.verdict.runtimes[0].ways] == ["change"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.tflite", None, "there is no file or folder 'missing.tflite'"),
        ("text.tflite", b"no model at all", "not a .tflite file"),
        ("text.keras", b"no model at all", "text.keras"),
        ("notes.txt", b"no model at all", "notes.txt"),
        ("empty", "folder", "there is no model.toml in 'empty'"),
    ],
)
def test_what_is_no_model(tmp_path: Path, cli: Callable[..., Ran], name: str, content: object, said: str) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content == "folder":
        (tmp_path / name).mkdir()
    ran = cli("evaluate", name, cwd=tmp_path)
    assert ran.code in (ExitCode.USAGE, ExitCode.SPEC_WRONG), ran.text
    assert said in ran.err and "Traceback" not in ran.text
    told = json.loads(cli("evaluate", "--json", name, cwd=tmp_path).out)
    assert told["errors"] and told["version"] == 1


@pytest.mark.parametrize("command", ["evaluate", "init"])
@pytest.mark.parametrize("name", ["plain.keras", "folder", "saved/saved_model.pb"])
def test_what_may_not_be_read(tmp_path: Path, cache: Path, name: str, command: str) -> None:
    shutil.copy(FIXTURES / "init" / "plain.keras", tmp_path)
    shutil.copytree(FIXTURES / "saved_models" / "table_values", tmp_path / "saved")
    (tmp_path / "folder").mkdir()
    (tmp_path / name).chmod(0)
    asked = [sys.executable, "-m", "tflite_build", command, name.partition("/")[0]]
    ran = subprocess.run(asked, cwd=tmp_path, preexec_fn=under_permissions, capture_output=True, text=True)
    (tmp_path / name).chmod(0o755)
    assert ran.returncode in (ExitCode.USAGE, ExitCode.SPEC_WRONG), ran.stderr
    assert "Permission denied" in ran.stderr or "is not readable" in ran.stderr
    assert name.rpartition("/")[2] in ran.stderr and "Traceback" not in ran.stderr


def test_a_folder_of_several_models(zoo) -> None:
    with pytest.raises(BuildError) as caught:
        tflite_build.evaluate(zoo[0].folder)
    assert "holds 3 models" in str(caught.value) and " more" not in caught.value.problems[0].hint


LOOPED = """
import jax
import jax.numpy as jnp
import numpy as np

W = np.random.default_rng(0).normal(0, 0.2, (32, 32)).astype("float32")


def looped(x):
    return jax.lax.fori_loop(0, 7, lambda _, y: jnp.tanh(y @ W), x)


def median(x):
    middle = jnp.sort(x, axis=-1)[:, 8]
    return middle / jnp.abs(jnp.fft.fft(x)).max()
"""


def jax_model(folder: Path, function: str, shape: str) -> Path:
    folder.mkdir()
    (folder / "model.py").write_text(LOOPED.lstrip(), "utf-8")
    source = f'[source]\nformat = "jax"\nentry = "model.py:{function}"\n[input.x]\nshape = {shape}\ndtype = "float32"\n'
    (folder / "model.toml").write_text(f'spec = 1\n[model]\nname = "{function}"\n{source}', "utf-8")
    return folder


def test_int8_is_advised_where_a_quantizer_makes_it(tmp_path: Path, module_cli: Callable[..., Ran]) -> None:
    """Which is outside of loops; weights are made smaller everywhere."""
    value = json.loads(
        module_cli("evaluate", "--json", "--no-time", jax_model(tmp_path / "m", "looped", "[1, 32]")).out
    )
    (file,) = value["files"]
    assert file["kinds"] == ["float16", "dynamic-int8"] and set(file["smaller"]) == {"float16", "dynamic-int8"}
    found = {a["accelerator"]: a for a in value["verdict"]["accelerators"]}
    assert found["NPU"]["variant"] == "" and "nothing outside of the bodies of its loops" in found["NPU"]["but"]
    assert found["CPU"]["variant"] == "dynamic-int8" and "int8 is faster" not in found["CPU"]["why"]
    tables = json.loads(module_cli("evaluate", "--json", FIXTURES / "saved_models" / "table_values").out)
    assert tables["files"][0]["kinds"] == []
    assert {a["accelerator"]: a["variant"] for a in tables["verdict"]["accelerators"]} == {
        "CPU": "float32",
        "GPU": "",
        "NPU": "",
    }


def test_what_is_inside_of_an_operation_is_not_blamed(tmp_path: Path, module_cli: Callable[..., Ran]) -> None:
    value = json.loads(module_cli("evaluate", "--json", jax_model(tmp_path / "m", "median", "[1, 16]")).out)
    assert [(o["operator"], o["source"]) for o in value["obstacles"]] == [
        ("sort", "model.py:13"),
        ("fft", "model.py:14"),
    ]


def test_all_signatures_are_told_of(module_cli: Callable[..., Ran]) -> None:
    """Where the converter stops at shapes that are wrong, which is no lack of a form."""
    value = json.loads(module_cli("evaluate", "--json", FIXTURES / "saved_models" / "beyond_builtins").out)
    found = {o["operator"] or o["source"]: o for o in value["obstacles"]}
    assert set(found) == {"Erfinv", "Svd", "PyFunc", "MatrixInverse", "Reshape"}
    assert "elements be a multiple of 3, but got 1" in found["Reshape"]["message"]
    assert found["Reshape"]["needs"] == "shape" and "declare a size" in found["Reshape"]["change"]["instead"]
    assert "no form of 'Reshape'" not in json.dumps(value)


def test_outputs_that_depend_on_the_data(tmp_path: Path, module_cli: Callable[..., Ran]) -> None:
    source = 'format = "saved_model"\npath = "m"\nsignatures = ["positive"]\n'
    shutil.copytree(FIXTURES / "saved_models" / "beyond_builtins", tmp_path / "m")
    (tmp_path / "model.toml").write_text(f'spec = 1\n[model]\nname = "positive"\n[source]\n{source}', "utf-8")
    ran = module_cli("evaluate", "--json", tmp_path)
    value = json.loads(ran.out)
    (obstacle,) = value["obstacles"]
    assert ran.code == 0 and not value["converts"] and ways(value, "standard") == ["change"]
    assert "depends on what the inputs hold" in obstacle["message"] and "fixed size" in obstacle["change"]["instead"]


def test_a_mistake_in_a_source_without_a_spec_stands_at_the_source(
    tmp_path: Path, module_cli: Callable[..., Ran]
) -> None:
    shutil.copy(FIXTURES / "keras2" / "custom.h5", tmp_path)
    ran = module_cli("evaluate", "--json", "custom.h5", cwd=tmp_path)
    (error,) = json.loads(ran.out)["errors"]
    assert (ran.code, error["file"], error["line"]) == (2, str(tmp_path / "custom.h5"), None)
    assert "`tflite-build init custom.h5` writes a model.toml" in error["hint"]


def test_what_it_says(cli: Callable[..., Ran]) -> None:
    """Numbers and verbs agree, figures of a row are of one kind, and advice is no complaint."""
    custom = cli("evaluate", "--no-time", FIXTURES / "tflite" / "custom.tflite").out
    assert "give the runtime a kernel of your own" in custom and "is no builtin operator\n" not in custom
    assert "a TensorFlow operator (select TF op)" in custom
    two = cli("evaluate", "--no-time", FIXTURES / "tflite" / "two-signatures.tflite").out
    assert "peak memory, MACs and times: of the signature with the most" in two
    for text in (custom, two):
        assert "pieces of none" not in text and " 1 kinds" not in text and "1 operators" not in text
    value = tflite_build.evaluate(FIXTURES / "tflite" / "two-signatures.tflite", timed=False)
    (cpu,) = (a for a in value.verdict.accelerators if a.accelerator == "CPU")
    assert cpu.why.endswith("XNNPACK takes all operators") and cpu.but == "", (
        "what speaks for it does not speak against it"
    )


def test_mobilenet(tmp_path: Path, python_of: Callable[[str], Path], shared_cache: Path) -> None:
    env = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run(
        [python_of("litert"), "-c", MOBILENET, tmp_path / "m.keras"], check=True, env=env, capture_output=True
    )
    run = command(new_cache(tmp_path / "cache", shared_cache))
    value = json.loads(run("evaluate", "--json", tmp_path / "m.keras").out)
    assert value["converts"], value["notes"]
    (file,) = value["files"]
    (signature,) = file["signatures"]
    assert 299e6 < signature["compute"]["total"] < 302e6, "about 300 million, as its paper says"
    assert 3.4e6 < file["data"]["parameters"] < 3.6e6
    assert signature["compute"]["by_layer"]["Conv1"] == 112 * 112 * 32 * 27
    assert file["data"]["by_layer"]["predictions"] == 4 * 1280 * 1000, "biases of zeros are one for all layers"
    assert signature["gpu"]["pieces"] == [65] and signature["xnnpack"]["pieces"] == [65]
