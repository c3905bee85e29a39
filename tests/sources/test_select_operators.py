"""`[compatibility] select_tf_ops`: operators that only TensorFlow's own kernels run, by leave and by name."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import podspecs
import pytest
from harness import Ran, Said, Workshop

from tflite_build.tflite import reader
from tflite_build.tflite.used import used

MODELS = """
import sys
import tensorflow as tf

class Model(tf.Module):
    def __init__(self):
        self.w = tf.Variable(tf.random.stateless_normal([4, 4], [1, 2]))

    @tf.function(input_signature=[tf.TensorSpec([2, 4], tf.float32)])
    def cholesky(self, x):
        h = tf.matmul(x, self.w)
        return {"y": tf.linalg.cholesky(tf.matmul(h, h, transpose_b=True) + tf.eye(2) * 3)}

model = Model()
tf.saved_model.save(model, sys.argv[1], signatures={"serving_default": model.cholesky})
"""
SOURCE = 'format = "saved_model"\npath = "{path}"\n[input.x]\nrange = [0.1, 2.0]\n'


@pytest.fixture(scope="module")
def said(
    tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran], python_of: Callable[[str], Path]
) -> tuple[Workshop, dict[str, Said]]:
    shop = Workshop(tmp_path_factory.mktemp("select"), module_cli)
    saved = shop.folder / "saved"
    subprocess.run([python_of("tensorflow"), "-c", MODELS, saved], check=True, capture_output=True)
    source = SOURCE.format(path="../saved")
    data = np.random.default_rng(0).uniform(0.1, 2, (8, 2, 4)).astype("f")
    for name, more in {
        "none": "",
        "other": '[compatibility]\nselect_tf_ops = ["Lgamma"]\n',
        "named": '[compatibility]\nselect_tf_ops = ["Cholesky"]\n[variant.float32]\n[variant.half]\nquantize = "float16"\n',
        "own": '[compatibility]\nselect_tf_ops = ["Cholesky"]\n[runtime]\ntarget = "custom"\n',
        "app": '[compatibility]\nselect_tf_ops = ["Cholesky"]\n[android]\npackage = "com.example.app"\n[ios]\n',
        "app_gpu": '[compatibility]\nselect_tf_ops = true\n[android]\npackage = "com.example.app"\n[runtime]\n'
        'accelerators = ["gpu", "cpu"]\n',
        "any": "[compatibility]\nselect_tf_ops = true\n[variant.dynamic]\nquantize = 'dynamic-int8'\n",
        "static": "[compatibility]\nselect_tf_ops = true\n[variant.int8]\nquantize = 'int8'\n[calibration]\n"
        "data = 'data.npz'\n",
    }.items():
        shop.model(name, source + more, **({"x": data} if name == "static" else {}))
    return shop, shop.build()


def test_without_leave_the_error_names_operator_and_key(said: tuple[Workshop, dict[str, Said]]) -> None:
    text = said[1]["none"].text
    assert "has no form of 'Cholesky'; only TensorFlow's own kernels run that" in text
    assert '`select_tf_ops = ["Cholesky"]` in [compatibility] leaves it to them' in text
    assert "Cholesky needs select TensorFlow operators at Cholesky" in text


def test_one_that_is_not_named(said: tuple[Workshop, dict[str, Said]]) -> None:
    error = said[1]["other"].error
    assert (error["code"], error["key"], error["line"]) == (2, "compatibility.select_tf_ops", 10)
    assert error["message"] == (
        "the model needs TensorFlow's own kernels for 'Cholesky', which the spec does not allow"
    )
    assert error["hint"] == 'say `select_tf_ops = ["Cholesky"]`, or change the model'


def test_a_file_that_has_them_is_taken_where_they_are_allowed(said: tuple[Workshop, dict[str, Said]]) -> None:
    shop, models = said
    taken = f'format = "tflite"\npath = "{models["named"].file()}"\n'.replace(str(shop.folder), "..")
    ranges = "[input.x]\nrange = [0.1, 2.0]\n"
    shop.model("taken", taken + ranges)
    refused = shop.build("taken")["taken"]
    assert refused.error["code"] == 1 and '`select_tf_ops = ["Cholesky"]` allows them' in refused.told
    shop.model("taken", taken + ranges + '[compatibility]\nselect_tf_ops = ["Cholesky"]\n')
    made = shop.build("taken")["taken"]
    assert made.ok and made.variants["float32"]["cosine"] > 0.9999, made.told


def test_a_file_that_uses_them_is_run_and_compared(said: tuple[Workshop, dict[str, Said]]) -> None:
    shop, models = said
    made = models["named"]
    assert made.ok, made.told
    for variant in ("float32", "half"):
        row = made.variants[variant]
        assert row["select_tf_ops"] == ["Cholesky"] and row["cosine"] > 0.9999 and row["outputs"][0]["status"] == "ok"
    with reader.model(made.file()) as model:
        assert [(u.kind, u.name) for u in used(model) if u.kind != "builtin"] == [("select", "Cholesky")]
    ran = shop.cli("build", shop.folder / "named")
    assert (
        "  select TF ops: Cholesky; the app links org.tensorflow:tensorflow-lite-select-tf-ops 2.16.1 (android) or "
        "TensorFlowLiteSelectTfOps 2.17.0 (ios), about 8 MB of an Android app for armeabi-v7a\n"
    ) in ran.out
    report = json.loads((shop.folder / "named" / "build" / "named" / "report.json").read_text())
    assert {tuple(v["select_tf_ops"]) for v in report["variants"]} == {("Cholesky",)}


def test_an_app_links_them(said: tuple[Workshop, dict[str, Said]]) -> None:
    models = said[1]
    assert models["app"].ok, models["app"].told
    folder = models["app"].file().parent / "android"
    script = (folder / "build.gradle.kts").read_text("utf-8")
    for library in ("org.tensorflow:tensorflow-lite:2.16.1", "org.tensorflow:tensorflow-lite-select-tf-ops:2.16.1"):
        assert f'    implementation("{library}")\n' in script
    assert "ai.edge.litert" not in script
    assert "16 KB pages" in (folder / "README.md").read_text("utf-8")
    assert [len(list(folder.rglob(f"*{end}"))) for end in ("-0.bin", "-1.bin", "AppEngine.kt")] == [1, 1, 1]
    error = models["app_gpu"].error
    assert (error["code"], error["key"]) == (2, "runtime.accelerators.0")
    assert "the library with TensorFlow's own kernels has the CPU alone" in error["message"]


def test_an_ios_app_loads_them_whole(said: tuple[Workshop, dict[str, Said]]) -> None:
    """Nothing refers to what registers itself, so the linker would leave it out."""
    (file,) = (said[1]["app"].file().parent / "ios").rglob("*.podspec")
    value = podspecs.read(file)
    assert value["dependency"] == {"TensorFlowLiteSwift": ["2.17.0"], "TensorFlowLiteSelectTfOps": ["2.17.0"]}
    assert value["user_target_xcconfig"] == {
        "OTHER_LDFLAGS": '$(inherited) -force_load "${PODS_ROOT}/TensorFlowLiteSelectTfOps/Frameworks/'
        "TensorFlowLiteSelectTfOps.xcframework/ios-arm64/TensorFlowLiteSelectTfOps.framework/TensorFlowLiteSelectTfOps"
        '"'
    }
    assert "-force_load" in file.with_name("README.md").read_text("utf-8")


def test_a_runtime_of_ones_own_can_have_them(said: tuple[Workshop, dict[str, Said]]) -> None:
    shop, models = said
    assert models["own"].ok, models["own"].told
    ran = shop.cli("build", shop.folder / "own")
    assert "(ios), about 8 MB of an Android app for armeabi-v7a, or what runtime/ builds\n" in ran.out
    runtime = shop.folder / "own" / "build" / "own" / "runtime"
    assert [o["name"] for o in json.loads((runtime / "operators.json").read_text())["select"]] == ["Cholesky"]


def test_it_is_run_on_request(said: tuple[Workshop, dict[str, Said]]) -> None:
    shop, models = said
    x = np.array([[1, 2, 3, 4], [2, 1, 0.5, 3]], "f")
    np.savez(shop.folder / "x.npz", x=x)
    ran = shop.cli("run", models["named"].file(), "-i", "x.npz", "-o", "y.npz", cwd=shop.folder)
    assert ran.code == 0, ran.text
    found = np.load(shop.folder / "y.npz")["y"]
    assert np.allclose(np.triu(found, 1), 0) and found[0, 0] > 0, "a lower triangle, as a Cholesky factor is"


def test_what_cannot_be_made_of_such_files(said: tuple[Workshop, dict[str, Said]]) -> None:
    dynamic, static = (said[1][name].text for name in ("any", "static"))
    assert "are run by TensorFlow 2.15, the last one that brings them" in dynamic
    assert "has no kernels for 'Cholesky', which are TensorFlow's own" in static
    assert said[1]["static"].error["key"] == "compatibility.select_tf_ops"


def test_play_services_have_none(said: tuple[Workshop, dict[str, Said]]) -> None:
    shop = said[0]
    shop.model(
        "play",
        SOURCE.format(path="../saved") + "[runtime]\ntarget = 'play-services'\n[compatibility]\nselect_tf_ops = true\n",
    )
    error = shop.build("play")["play"].error
    assert error["message"] == "Google Play services run no select TensorFlow operators" and error["code"] == 2
