"""`[android]` in a build: what is refused and where, what is made again, and the user's own templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Workshop
from syrupy.assertion import SnapshotAssertion

HEAD = '[android]\npackage = "com.example.app"\n'
CLASSES = '[output.probabilities]\ncontent = "classes"\n'
# Name -> the spec, and the fixture.
MISTAKES = {
    "package": ('[android]\npackage = "Digits"\n', "float32"),
    "keyword": ('[android]\npackage = "com.in.digits"\n', "float32"),
    "short": ('[android]\npackage = "digits"\n', "float32"),
    "missing": ("[android]\n", "float32"),
    "class_name": (HEAD + 'class_name = "digits"\n', "float32"),
    "class_of_a_file": (HEAD + 'class_name = "Session"\n', "float32"),
    "class_imported": (HEAD + 'class_name = "File"\n', "float32"),
    "class_listed": (HEAD + 'class_name = ["A"]\n', "float32"),
    "variant": (HEAD + 'variant = "int9"\n' + '[variant.int8]\nquantize = "dynamic-int8"\n', "float32"),
    "which": (HEAD + '[variant.float32]\n[variant.half]\nquantize = "float16"\n', "float32"),
    "both": (HEAD + 'variant = "float32"\nvariants = "selectable"\n', "float32"),
    "artifact": (HEAD + '[runtime]\ntarget = "custom"\n', "float32"),
    "stray_artifact": (HEAD + 'artifact = "a:b:1"\n', "float32"),
    "no_artifact": (HEAD + 'artifact = "digits"\n', "float32"),
    "fallback": (HEAD + '[runtime]\nfallback = "bundled"\n', "float32"),
    "api": (HEAD + '[runtime]\ntarget = "play-services"\napi = "compiled-model"\n', "float32"),
    "accelerator": (HEAD + '[runtime]\napi = "interpreter"\naccelerators = ["npu", "cpu"]\n', "float32"),
    "npu_of_int16": (HEAD + '[runtime]\naccelerators = ["cpu", "npu"]\n', "int16x8"),
    "accelerator_twice": (HEAD + '[runtime]\naccelerators = ["gpu", "cpu", "gpu"]\n', "float32"),
    "old_by_itself": (HEAD + "min_sdk = 21\n", "float32"),
    "newest": (HEAD + "min_sdk = 99\n", "float32"),
    "package_of_others": ('[android]\npackage = "androidx.digits"\n', "float32"),
    "class_of_kotlin": (HEAD + 'class_name = "Companion"\n', "float32"),
    "templates_in_a_file": (HEAD + 'templates = "l.txt"\n', "float32"),
    "one_of_several": (HEAD + '[runtime]\ntarget = ["play-services", "standard"]\n', "two-signatures"),
    "default_labels": (CLASSES + 'labels = { de = "six.txt", en = "six.txt" }\n' + HEAD, "float32"),
    "old": (HEAD + 'min_sdk = 21\n[runtime]\napi = "compiled-model"\n', "float32"),
    "templates": (HEAD + 'templates = "mine"\n', "float32"),
    "int16": (HEAD + '[runtime]\napi = "compiled-model"\n', "int16x8"),
    "dynamic": (HEAD + '[runtime]\napi = "compiled-model"\n', "dynamic-shape"),
    "signatures": (HEAD + '[runtime]\ntarget = "play-services"\n', "two-signatures"),
    "variables": (HEAD + '[runtime]\napi = "compiled-model"\n', "variable"),
    "classes": (HEAD + '[output.scores]\ncontent = "classes"\n', "dynamic-shape"),
    "labels": (CLASSES + 'labels = "l.txt"\n' + HEAD, "float32"),
    "picture": ('[input.image]\ncontent = "image"\n' + HEAD, "float32"),
}


@pytest.fixture(scope="module")
def told(app: Callable[..., Path], shop: Workshop) -> dict[str, str]:
    for name, (spec, fixture) in MISTAKES.items():
        app(name, spec, fixture, {"l.txt": "one\ntwo\n", "six.txt": "1\n2\n3\n4\n5\n6\n"})
    return {name: said.told for name, said in shop.build(*MISTAKES).items()}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str, told: dict[str, str], snapshot: SnapshotAssertion) -> None:
    assert told[name] == snapshot(name=name)
    assert told[name].startswith("2: ") and "\n  at line " in told[name], "told at a key"


def test_mistakes_in_templates_of_ones_own(app: Callable[..., Path], shop: Workshop) -> None:
    """Are the user's, with their place; nothing is taken for a fault of the tool."""
    folder = app("mistaken", CLASSES + HEAD + 'templates = "mine"\n', files={"mine/model/Labels.kt.jinja": ""})
    template = folder / "mine" / "model" / "Labels.kt.jinja"
    for text, message in (
        (b"a\n{{ 1 / 0 }}", "model/Labels.kt.jinja:2 cannot be used: division by zero"),
        (b"{{ 'a' + 1 }}", "model/Labels.kt.jinja:1 cannot be used: can only concatenate str"),
        (b"{% for i in range(99999999) %}{% endfor %}", "cannot be used: Range too big"),
        (b"\xff", "cannot be used: 'utf-8' codec can't decode byte 0xff"),
        (b"{% include 'no.jinja' %}", "cannot be used: there is no template 'no.jinja'"),
    ):
        template.write_bytes(text)
        error = shop.build("mistaken")["mistaken"].error
        assert message in error["message"] and (error["code"], error["key"]) == (2, "android.templates"), error
    template.write_text("{% include 'model/part.jinja' %}")
    template.with_name("part.jinja").write_text("// mine\n")
    assert shop.build("mistaken")["mistaken"].ok
    template.with_name("Lables.kt.jinja").write_text("")
    error = shop.build("mistaken")["mistaken"].error
    assert "model/Lables.kt.jinja takes no template's place" in error["message"]
    assert error["hint"] == "did you mean 'model/Labels.kt.jinja'?"


def test_templates_of_ones_own(app: Callable[..., Path], shop: Workshop) -> None:
    """They take the tool's place by name; an edited one makes the code again, and nothing else."""
    spec = HEAD + 'templates = "mine"\n'
    mine = "// {{ header }}\npackage {{ package }}\n\ninternal object {{ app.class_name }}Labels\n// {{ app.view.model }}\n"
    folder = app("own", CLASSES + spec, files={"mine/model/Labels.kt.jinja": mine})
    assert shop.build("own")["own"].ok
    made = folder / "build" / "own" / "android" / "src" / "main" / "kotlin" / "com" / "example" / "app"
    assert made.joinpath("OwnLabels.kt").read_text("utf-8").endswith("internal object OwnLabels\n// own\n")
    template = folder / "mine" / "model" / "Labels.kt.jinja"
    template.write_text(mine + "// more\n", "utf-8")
    said = shop.build("own")["own"]
    assert said.ran == ["android"] and made.joinpath("OwnLabels.kt").read_text("utf-8").endswith("// more\n")
    for text, message in (
        ("{{ nothing }}", "the template model/Labels.kt.jinja:1 cannot be used: 'nothing' is undefined"),
        ("a\n{% if %}", "the template model/Labels.kt.jinja:2 cannot be used: Expected an expression"),
        ("{{ ''.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe"),
        ("{% include '../../../model.toml' %}", "../../../model.toml"),
    ):
        template.write_text(text, "utf-8")
        error = shop.build("own")["own"].error
        assert message in error["message"] and error["code"] == 2 and error["key"] == "android.templates"


def test_the_code_alone_with_what_the_app_has(app: Callable[..., Path], shop: Workshop) -> None:
    variants = '[variant.float32]\n[variant.int8]\nquantize = "dynamic-int8"\n'
    folder = app("alone", CLASSES + variants + HEAD + 'variant = "int8"\n')
    made = folder / "build" / "alone"
    shop.cli("build", f"{folder}:float32")
    assert sorted(p.name for p in made.iterdir()) == ["alone-float32.tflite", "report.json"]
    ran = shop.cli("build", f"{folder}:android", "--json")
    assert ran.code == 0, ran.text
    (model,) = (e for e in map(json.loads, ran.out.splitlines()) if e["event"] == "model")
    assert [v["name"] for v in model["variants"]] == ["int8"] and [f["name"] for f in model["folders"]] == ["android"]
    assert sorted(p.name for p in made.iterdir()) == [
        "alone-float32.tflite",
        "alone-int8.tflite",
        "android",
        "report.json",
    ]
    lock = (folder / "model.lock").read_text("utf-8")
    assert all(f"{name} = " in lock for name in ("android", '"alone-float32.tflite"', '"alone-int8.tflite"'))
    assert shop.cli("build", folder, "--json").code == 0 and (folder / "model.lock").read_text("utf-8") == lock
    assert shop.cli("verify", f"{folder}:android").code == 0
    ran = shop.cli("build", app("plain", CLASSES), f"{folder}:android")
    assert ran.code == 0
    ran = shop.cli("build", f"{shop.folder / 'plain'}:android")
    assert ran.code == 64 and "no code of an Android app is generated for 'plain'" in ran.err


def test_a_runtime_of_this_platform_alone(app: Callable[..., Path], shop: Workshop) -> None:
    """[android.runtime] stands instead of [runtime], key by key, and is blamed where it says what cannot be."""
    both = f'{CLASSES}[runtime]\naccelerators = ["gpu", "cpu"]\n[ios]\n{HEAD}'
    folder = app("platforms", both)
    made = folder / "build" / "platforms" / "android"

    def script() -> str:
        return (made / "build.gradle.kts").read_text("utf-8")

    assert shop.build("platforms")["platforms"].ok and "litert-gpu:2.3.0" in script()
    app("platforms", f'{both}[android.runtime]\napi = "interpreter"\n')
    assert shop.build("platforms")["platforms"].ran == ["android"] and "litert-gpu:1.4.1" in script()
    app("platforms", f'{both}[android.runtime]\ntarget = "play-services"\nfallback = "bundled"\naccelerators = "cpu"\n')
    assert shop.build("platforms")["platforms"].ran == ["android"]
    assert "play-services-tflite-java" in script() and "gpu" not in script()
    app("platforms", f'{both}artifact = "a:b:1"\n[android.runtime]\ntarget = "custom"\naccelerators = "cpu"\n')
    said = shop.build("platforms")["platforms"]
    assert said.ok and {"runtime", "android"} <= {*said.ran} and '"a:b:1"' in script()
    assert (folder / "build" / "platforms" / "runtime" / "BUILD.bazel").is_file(), "a library of one's own is described"
    app("platforms", f'{both}[android.runtime]\ntarget = "play-services"\napi = "compiled-model"\n')
    error = shop.build("platforms")["platforms"].error
    assert (error["code"], error["key"]) == (2, "android.runtime.api")


def test_what_changes_the_code(app: Callable[..., Path], shop: Workshop) -> None:
    folder = app("changed", CLASSES + HEAD)
    assert shop.build("changed")["changed"].ok
    spec = folder / "model.toml"
    text = spec.read_text("utf-8")
    spec.write_text(text + 'class_name = "Other"\n', "utf-8")
    assert shop.build("changed")["changed"].ran == ["android"]
    made = folder / "build" / "changed" / "android"
    assert [f.name for f in made.rglob("Other.kt")] == ["Other.kt"] and not list(made.rglob("Changed*.kt")), (
        "old files go"
    )
    other = '[android]\nlayout = "sources"\ndelivery = "file"\ncoroutines = false'
    spec.write_text(text.replace("[android]", other), "utf-8")
    assert shop.build("changed")["changed"].ok
    names = {f.name for f in made.rglob("*") if f.is_file()}
    assert (
        not names & {"build.gradle.kts", "AndroidManifest.xml", "ChangedAwait.kt"}
        and {"Changed.kt", "README.md"} <= names
    )
    assert not list(made.rglob("assets"))
    assert shop.build("changed")["changed"].ran == []
    report = json.loads((folder / "build" / "changed" / "report.json").read_text())
    assert {f["name"] for f in report["folders"]} == {"android"}
