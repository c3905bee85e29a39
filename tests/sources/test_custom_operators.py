"""`[compatibility.custom_ops]`: operators that an app registers, run by real libraries of both interfaces of the runtime.

The kernels are compiled here with the machine's C++ compiler, and loaded by the real runtimes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli
from harness import Ran, Said, Workshop

from tflite_build.engines.contract import Refused
from tflite_build.engines.files import graph
from tflite_build.engines.variants import quantized_file

KERNELS = Path(__file__).resolve().parent.parent / "fixtures" / "custom_operators"
MODELS = """
import sys
import tensorflow as tf

SCALE = 'name: "MyScale" attr { key: "tfl_fusable_op" value { b: true } }'

class Model(tf.Module):
    def __init__(self):
        self.a = tf.Variable(tf.random.stateless_normal([8, 16], [1, 2]))
        self.b = tf.Variable(tf.random.stateless_normal([16, 4], [3, 4]))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], tf.float32)])
    def atan(self, x):
        return {"y": tf.matmul(tf.atan(tf.matmul(x, self.a)), self.b)}

    @tf.function(input_signature=[tf.TensorSpec([2, 4], tf.float32)])
    def both(self, x):
        return {"y": tf.linalg.cholesky(tf.matmul(x, x, transpose_b=True) + tf.eye(2)), "z": tf.atan(x)}

    @tf.function(experimental_implements=SCALE)
    def times(self, x):
        return x * 2.5

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def scale(self, x):
        return {"y": tf.nn.relu(self.times(x))}

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def shared(self, x):
        return {"y": tf.atan(x), "z": x + tf.matmul(x, self.b[:4])}

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32), tf.TensorSpec([2, 3], tf.int32)])
    def ends(self, second, first):
        a = tf.atan(second)
        return {"z": a, "b": a, "same": tf.identity(second), "a": first + 1}

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def scalar(self, x):
        return {"y": tf.atan(x)}

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def two(self, x):
        return {"y": self.times(tf.atan(x))}

model = Model()
for name in ("atan", "both", "scale", "shared", "ends", "scalar", "two"):
    tf.saved_model.save(model, f"{sys.argv[1]}/{name}", signatures={"serving_default": getattr(model, name)})
"""
SAVED = 'format = "saved_model"\npath = "../saved/{name}"\n'
SHAPE = '[input.x]\nshape = ["n", 8]\nsizes.n = [1, 3]\n'
FIXED = "[input.x]\nshape = [1, 8]\n"
VARIANTS = '[variant.float32]\n[variant.half]\nquantize = "float16"\n[variant.dynamic]\nquantize = "dynamic-int8"\n'
INT8 = '[variant.int8]\nquantize = "int8"\n[calibration]\ndata = "data.npz"\n'


def library(file: str, registerer: str = "RegisterAtan", more: str = "") -> str:
    return f'[compatibility.custom_ops.Atan]\nlibrary = "../{file}"\nregisterer = "{registerer}"\n{more}'


def compiled(source: str, target: Path, *flags: str) -> Path:
    file = KERNELS / source
    command = ["g++", "-std=c++17", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", *flags, "-o", target, file]
    subprocess.run(command, check=True)
    return target


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran], python_of: Callable[[str], Path]
) -> Workshop:
    shop = Workshop(tmp_path_factory.mktemp("custom"), module_cli)
    (shop.folder / "saved").mkdir()
    subprocess.run([python_of("tensorflow"), "-c", MODELS, shop.folder / "saved"], check=True, capture_output=True)
    compiled("interpreter.cc", shop.folder / "libinterpreter.so")
    compiled("compiled_model.cc", shop.folder / "libcompiled.so")
    compiled("interpreter.cc", shop.folder / "libwrong.so", "-DKERNEL=x")
    compiled("interpreter.cc", shop.folder / "libcrash.so", "-DKERNEL=(std::abort(), x)")
    (shop.folder / "libtext.so").write_text("no library")
    return shop


@pytest.fixture(scope="module")
def said(shop: Workshop) -> dict[str, Said]:
    atan = SAVED.format(name="atan")
    data = np.random.default_rng(0).normal(size=(32, 1, 8)).astype("f")
    for name, more in {
        "unnamed": "",
        "bare": SHAPE + "[compatibility.custom_ops.Atan]\n" + VARIANTS,
        "interpreter": SHAPE + library("libinterpreter.so") + VARIANTS,
        "compiled": SHAPE + library("libcompiled.so") + VARIANTS,
        "wrong": library("libwrong.so"),
        "crash": library("libcrash.so"),
        "text": library("libtext.so"),
        "nameless": library("libinterpreter.so", "register_atan"),
        "failing": library("libcompiled.so", "RegisterNothing"),
        "misspelt": "[compatibility.custom_ops.Atan]\n[checks]\nmax_error = { yy = 1 }\n",
        "limited": "[compatibility.custom_ops.Atan]\n[checks]\nmin_cosine = 0.9\nmax_error = 1.0\n",
    }.items():
        shop.model(name, atan + more)
    for name, more in {
        "int8": library("libinterpreter.so"),
        "int8-compiled": library("libcompiled.so"),
        "int8-missed": library("libinterpreter.so") + "[checks]\nmin_cosine = 0.9999\n",
        "int8-bare": "[compatibility.custom_ops.Atan]\n",
    }.items():
        shop.model(name, atan + FIXED + more + INT8, x=data)
    scale = SAVED.format(name="scale")
    shop.model("scale", scale + "[compatibility.custom_ops.MyScale]\n")
    for name, file in (("ends-interpreter", "libinterpreter.so"), ("ends-compiled", "libcompiled.so")):
        shop.model(name, SAVED.format(name="ends") + "[input.first]\nrange = [0, 9]\n" + library(file))
    other = library("libcompiled.so").replace("Atan]", "MyScale]")
    kept = INT8.replace("[calib", "keep_float = ['MatMul1']\n[calib")
    shop.model("int8-kept", atan + FIXED + library("libinterpreter.so") + kept, x=data)
    shop.model("mixed", SAVED.format(name="two") + library("libinterpreter.so") + other)
    shop.model("scalar", SAVED.format(name="scalar") + library("libcompiled.so"))
    shop.model("another", scale + library("libinterpreter.so").replace("Atan]", "MyScale]"))
    shared = np.random.default_rng(1).normal(size=(32, 1, 4)).astype("f")
    shop.model("shared", SAVED.format(name="shared") + library("libinterpreter.so") + INT8, x=shared)
    shop.model("unused", atan + library("libcompiled.so") + library("libtext.so").replace("Atan]", "Unused]"))
    both = SAVED.format(name="both") + "[input.x]\nrange = [0.1, 2.0]\n[compatibility]\nselect_tf_ops = ['Cholesky']\n"
    shop.model("both", both + library("libinterpreter.so"))
    return shop.build()


def test_one_that_is_not_named(said: dict[str, Said]) -> None:
    text = said["unnamed"].text
    assert "the TensorFlow converter has no form of 'Atan'" in text
    assert "[compatibility.custom_ops.Atan]" in text


def test_without_a_library_the_files_are_built_and_said_not_to_be_run(shop: Workshop, said: dict[str, Said]) -> None:
    made = said["bare"]
    assert made.ok, made.told
    for row in made.variants.values():
        assert row["custom_ops"] == row["not_run"] == ["Atan"]
        assert row["cosine"] is None and row["outputs"] == [] and row["custom_ops_api"] == ""
    lock = tomli.loads((shop.folder / "bare" / "model.lock").read_text())
    assert lock["not_run"] == {f"bare-{v}.tflite": ["Atan"] for v in ("float32", "half", "dynamic")}
    report = json.loads((shop.folder / "bare" / "build" / "bare" / "report.json").read_text())
    assert {tuple(v["not_run"]) for v in report["variants"]} == {("Atan",)}
    ran = shop.cli("build", shop.folder / "bare")
    assert "  not run: needs Atan\n" in ran.out and ran.code == 0
    assert "0 steps run" in shop.cli("build", "--locked", shop.folder / "bare").out


@pytest.mark.parametrize(("name", "api"), [("interpreter", "Interpreter"), ("compiled", "CompiledModel")])
def test_a_library_runs_the_files(shop: Workshop, said: dict[str, Said], name: str, api: str) -> None:
    made = said[name]
    assert made.ok, made.told
    for row in made.variants.values():
        assert row["custom_ops"] == ["Atan"] and row["not_run"] == [] and row["cosine"] > 0.999
    assert made.variants["float32"]["max_abs"] < 1e-5, "against TensorFlow's own atan, at two sizes"
    assert made.sha256("half") == said["bare"].sha256("half"), "a library changes no file"
    lock = tomli.loads((shop.folder / name / "model.lock").read_text())
    assert "not_run" not in lock and not any("lib" in source for source in lock["source"])
    out = shop.cli("build", "--update", shop.folder / name).out
    assert f"  custom operators: Atan; the app registers them with the {api} API, as here\n" in out


@pytest.mark.parametrize("name", ["interpreter", "compiled"])
def test_run_finds_the_library_in_the_spec(shop: Workshop, said: dict[str, Said], name: str) -> None:
    folder = shop.folder / name
    x = np.linspace(-2, 2, 16, dtype="f").reshape(2, 8)
    np.savez(folder / "x.npz", x=x)
    file = said[name].file("half")
    ran = shop.cli("run", file, "-i", folder / "x.npz", "-o", folder / "y.npz")
    assert ran.code == 0, ran.text
    expected = np.load(folder / "y.npz")["y"]
    assert expected.shape == (2, 4) and np.ptp(expected) > 0.1
    elsewhere = shutil.copy(file, shop.folder / "elsewhere.tflite")
    command = ("run", elsewhere, "-i", folder / "x.npz", "-o", folder / "z.npz")
    ran = shop.cli(*command)
    assert ran.code == 1 and "not run: it needs Atan" in ran.err and "--spec" in ran.err
    ran = shop.cli(*command, "--spec", folder / "model.toml")
    assert ran.code == 0, ran.text
    assert np.array_equal(np.load(folder / "z.npz")["y"], expected)


def test_both_libraries_give_the_same(shop: Workshop, said: dict[str, Said]) -> None:
    x = np.random.default_rng(3).normal(size=(3, 8)).astype("f")
    np.savez(shop.folder / "x.npz", x=x)
    found = []
    for name in ("interpreter", "compiled"):
        ran = shop.cli("run", said[name].file(), "-i", shop.folder / "x.npz", "-o", shop.folder / f"{name}.npz")
        assert ran.code == 0, ran.text
        found.append(np.load(shop.folder / f"{name}.npz")["y"])
    assert np.allclose(*found, rtol=1e-5, atol=1e-6)


def test_a_kernel_that_computes_something_else_is_refused(said: dict[str, Said]) -> None:
    assert said["wrong"].errors[-1]["code"] == 1
    assert "output 'y' of 'serving_default' is too far from the source" in said["wrong"].told


def test_int8_takes_ranges_from_the_library(said: dict[str, Said]) -> None:
    made = said["int8"]
    assert made.ok, made.told
    assert made.variants["int8"]["cosine"] > 0.99 and made.variants["int8"]["not_run"] == []


def test_what_is_kept_in_float_beside_a_library(shop: Workshop, said: dict[str, Said]) -> None:
    assert said["int8-kept"].ok, said["int8-kept"].told
    assert said["int8-kept"].variants["int8"]["cosine"] > said["int8"].variants["int8"]["cosine"]
    ran = shop.cli("check", "--suggest", shop.folder / "int8-missed")
    assert ran.code == 4 and "keep_float = ['MatMul1']" in ran.text, ran.text


@pytest.mark.parametrize(
    ("name", "key", "message"),
    [
        ("int8-bare", 'compatibility.custom_ops."Atan"', "take ranges from running the model, and it is not run"),
        ("int8-compiled", 'compatibility.custom_ops."Atan".library', "the CompiledModel API, which does not show"),
        ("text", 'compatibility.custom_ops."Atan".library', "'../libtext.so' cannot be loaded: "),
        ("nameless", 'compatibility.custom_ops."Atan".registerer', "has no function 'register_atan'"),
        ("failing", 'compatibility.custom_ops."Atan".registerer', "gives 7, and 0 is what stands for success"),
        ("scalar", 'compatibility.custom_ops."Atan".library', "runs no inputs without dimensions, as 'x' is"),
        ("another", 'compatibility.custom_ops."MyScale".registerer', "registers no operator 'MyScale'"),
        ("mixed", 'compatibility.custom_ops."MyScale".library', "no runtime has both"),
    ],
)
def test_what_is_wrong_with_a_library(said: dict[str, Said], name: str, key: str, message: str) -> None:
    error = said[name].errors[0]
    assert message in error["message"] and error["hint"] and error["code"] == 2
    assert error["key"].replace('"', "") == key.replace('"', "")


@pytest.mark.parametrize("name", ["ends-interpreter", "ends-compiled"])
def test_inputs_and_outputs_by_name(shop: Workshop, said: dict[str, Said], name: str) -> None:
    """Two outputs that are one tensor, one that is an input, and names in another order than the tensors."""
    assert said[name].ok, said[name].told
    second, first = np.array([[-2, 0, 1, 5]], "f"), np.arange(6, dtype="i").reshape(2, 3)
    np.savez(shop.folder / "ends.npz", second=second, first=first)
    ran = shop.cli("run", said[name].file(), "-i", shop.folder / "ends.npz", "-o", shop.folder / "out.npz")
    assert ran.code == 0, ran.text
    found = np.load(shop.folder / "out.npz")
    assert np.allclose(found["z"], np.arctan(second)) and np.array_equal(found["b"], found["z"])
    assert np.array_equal(found["same"], second) and np.array_equal(found["a"], first + 1)


def test_a_kernel_keeps_the_types_that_it_was_written_for(shop: Workshop, said: dict[str, Said]) -> None:
    """What it takes has another reader, which becomes an integer one."""
    assert said["shared"].ok, said["shared"].told
    assert said["shared"].variants["int8"]["cosine"] > 0.99
    float32 = graph.read(said["shared"].file("int8"))
    (operator,) = (o for _, o in float32.operators() if o.name == "Atan")
    tensors = float32.subgraphs[0].tensors
    assert {tensors[i].dtype for i in (*operator.inputs, *operator.outputs)} == {"float32"}
    changed = list(tensors)
    changed[operator.inputs[0]] = replace(changed[operator.inputs[0]], dtype="int8")
    made = replace(float32, subgraphs=(replace(float32.subgraphs[0], tensors=tuple(changed)),))
    with pytest.raises(Refused, match="gives the custom operator 'Atan' int8 where its kernel takes float32"):
        quantized_file.check_custom(made, float32)


def test_a_library_for_an_operator_that_the_model_lacks_is_not_loaded(said: dict[str, Said]) -> None:
    assert said["unused"].ok, said["unused"].told
    assert said["unused"].variants["float32"]["custom_ops_api"] == "compiled-model"


def test_a_library_that_was_built_anew(shop: Workshop) -> None:
    shutil.copy(shop.folder / "libinterpreter.so", shop.folder / "librebuilt.so")
    shop.model("rebuilt", SAVED.format(name="atan") + library("librebuilt.so"))
    assert shop.build("rebuilt")["rebuilt"].ok
    shutil.copy(shop.folder / "libwrong.so", shop.folder / "librebuilt.so")
    assert "is too far from the source" in shop.build("rebuilt")["rebuilt"].told
    shutil.copy(shop.folder / "libcompiled.so", shop.folder / "librebuilt.so")
    made = shop.build("rebuilt", options=("--locked",))["rebuilt"]
    assert made.ok and made.variants["float32"]["custom_ops_api"] == "compiled-model"
    (shop.folder / "librebuilt.so").rename(shop.folder / "libmoved.so")
    shop.model("rebuilt", SAVED.format(name="atan") + library("libmoved.so"))
    made = shop.build("rebuilt", options=("--locked",))["rebuilt"]
    assert made.ok, "where a machine has a library is nothing that a file hangs on"


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("registrations.cc", "'registrations.cc' is a file that a build writes into the folder of the runtime"),
        ("my op.cc", "'my op.cc' is no name that Bazel and a shell take as it is"),
    ],
)
def test_sources_that_would_not_be_built(shop: Workshop, file: str, message: str) -> None:
    spec = f'[runtime]\ntarget = "custom"\n[compatibility.custom_ops.Atan]\nsources = ["{file}"]\n'
    shop.model("sources", SAVED.format(name="atan") + spec, {file: "// Atan\n"})
    error = shop.build("sources")["sources"].error
    assert error["message"] == message and error["code"] == 2


def test_a_kernel_that_crashes(said: dict[str, Said]) -> None:
    error = said["crash"].errors[0]
    assert error["code"] == 3 and "compare" in error["message"]


def test_limits_that_nothing_can_be_held_against_are_missed(shop: Workshop, said: dict[str, Said]) -> None:
    messages = [error["message"] for error in said["limited"].errors]
    assert len(messages) == 2 and all("is not run: it needs Atan" in message for message in messages)
    assert {error["code"] for error in said["limited"].errors} == {4}
    ran = shop.cli("check", shop.folder / "limited")
    assert ran.code == 4 and ran.out.count("not run: needs Atan") == 2


def test_a_limit_of_an_output_that_is_not_there(said: dict[str, Said]) -> None:
    error = said["misspelt"].error
    assert error["message"] == "there is no output 'yy'" and error["code"] == 2


def test_an_operator_of_ones_own(shop: Workshop, said: dict[str, Said]) -> None:
    assert said["scale"].ok and said["scale"].variants["float32"]["custom_ops"] == ["MyScale"]
    ran = shop.cli("inspect", said["scale"].file(), "--json")
    assert '"MyScale"' in ran.out


def test_beside_operators_of_tensorflow(said: dict[str, Said]) -> None:
    """Where these are linked the converter leaves to them whatever they have."""
    error = said["both"].error
    assert error["key"] == "compatibility.select_tf_ops"
    assert error["message"].startswith("the model needs TensorFlow's own kernels for 'Atan'")


def test_a_tflite_source(shop: Workshop, said: dict[str, Said]) -> None:
    source = f'format = "tflite"\npath = "{said["bare"].file()}"\n'.replace(str(shop.folder), "..")
    shop.model("taken", source)
    made = shop.build("taken")["taken"]
    assert (
        made.error["code"] == 1
        and "[compatibility.custom_ops.Atan] says that the app registers its kernel" in made.text
    )
    ran = shop.cli("evaluate", shop.folder / "taken")
    assert ran.code == 0 and "with custom operators: Atan" in ran.out
    shop.model("taken", source + library("libinterpreter.so") + '[variant.half]\nquantize = "float16"\n')
    made = shop.build("taken")["taken"]
    assert made.ok and made.variants["half"]["cosine"] > 0.999


def test_evaluate_measures_with_the_library(shop: Workshop, said: dict[str, Said]) -> None:
    assert said["interpreter"].ok and said["bare"].ok
    evaluated = [json.loads(shop.cli("evaluate", "--json", shop.folder / n).out) for n in ("interpreter", "bare")]
    timings = [[bool(file["timings"]) for file in value["files"]] for value in evaluated]
    assert all(timings[0]) and not any(timings[1])


def test_play_services_have_none(shop: Workshop) -> None:
    shop.model(
        "play", SAVED.format(name="atan") + "[runtime]\ntarget = 'play-services'\n[compatibility.custom_ops.Atan]\n"
    )
    error = shop.build("play")["play"].error
    assert error["message"] == "Google Play services run no custom operators" and error["code"] == 2


def test_its_sources_go_where_an_own_runtime_is_built(shop: Workshop, tmp_path: Path) -> None:
    sources = '[runtime]\ntarget = "custom"\n[compatibility.custom_ops.Atan]\nsources = ["atan.cc"]\n'
    for name, text in (("one", "// Atan\n"), ("two", "// Atan\n")):
        shop.model(name, SAVED.format(name="atan") + sources, {"atan.cc": text})
        assert shop.build(name)[name].ok
    place = shop.folder / "one" / "build" / "one" / "runtime"
    assert (place / "atan.cc").read_text() == "// Atan\n"
    assert 'CUSTOM_OP_SRCS = ["atan.cc"]' in (place / "BUILD.bazel").read_text()
    tree = tmp_path / "tree" / "tflite" / "tools"
    tree.mkdir(parents=True)
    (tree / "build_aar.sh").write_text('printf "%s\\n" "$@"')
    told = subprocess.run(["sh", place / "build_aar.sh", tmp_path / "tree"], check=True, capture_output=True, text=True)
    assert f"--tflite_custom_ops_srcs={place / 'atan.cc'}" in told.stdout
    command = ("runtime", shop.folder / "one", shop.folder / "two", "--output", tmp_path / "union")
    ran = shop.cli(*command)
    assert ran.code == 0 and (tmp_path / "union" / "atan.cc").read_text() == "// Atan\n", ran.text
    (place / "atan.cc").write_text("// edited\n")
    ran = shop.cli(*command)
    assert ran.code == 1 and "the source 'atan.cc' of a custom operator was edited or removed" in ran.err
    (place / "atan.cc").write_text("// Atan\n")
    (shop.folder / "two" / "atan.cc").write_bytes(b"// another one \xe9\n")
    assert shop.build("two")["two"].ok
    ran = shop.cli(*command)
    assert ran.code == 2 and "two different sources of custom operators are called atan.cc" in ran.err
