"""`[ios]` in a build: what is refused and where, what is made again, the user's own templates, and the podspec."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import podspecs
import pytest
from harness import Workshop
from syrupy.assertion import SnapshotAssertion

CLASSES = '[output.probabilities]\ncontent = "classes"\n'
INTERPRETER = '[ios.runtime]\napi = "interpreter"\n'
OWN = '[ios.runtime]\ntarget = "custom"\n'
INT8 = '[variant.int8]\nquantize = "int8"\nio = "int8"\n[calibration]\ndata = "c.npz"\n'
# Name -> the spec, and the fixture.
MISTAKES = {
    "module": ('[ios]\nmodule = "digits"\n', "float32"),
    "module_of_others": ('[ios]\nmodule = "SwiftUI"\n', "float32"),
    "module_and_class": ('[ios]\nmodule = "Digits"\nclass_name = "Digits"\n', "float32"),
    "class_name": ('[ios]\nclass_name = "digits"\n', "float32"),
    "class_of_a_file": ('[ios]\nclass_name = "Session"\n', "float32"),
    "class_of_swift": ('[ios]\nclass_name = "Result"\n', "float32"),
    "platform": ('[ios]\nplatform = "iOS 15"\n', "float32"),
    "old": ('[ios]\nplatform = "14.0"\n', "float32"),
    "variant": ('[ios]\nvariant = "int9"\n[variant.int8]\nquantize = "dynamic-int8"\n', "float32"),
    "which": ('[ios]\n[variant.float32]\n[variant.half]\nquantize = "float16"\n', "float32"),
    "both": ('[ios]\nvariant = "float32"\nvariants = "selectable"\n', "float32"),
    "framework": (f"[ios]\n{OWN}", "float32"),
    "stray_framework": ('[ios]\nframework = "Own"\n', "float32"),
    "no_framework": (f'[ios]\nframework = "own runtime"\n{OWN}', "float32"),
    "play": ('[ios.runtime]\ntarget = "play-services"\n', "float32"),
    "npu": ('[ios.runtime]\napi = "compiled-model"\naccelerators = ["npu", "cpu"]\n', "float32"),
    "npu_for_all": ('[runtime]\napi = "compiled-model"\naccelerators = ["npu", "cpu"]\n[ios]\n', "float32"),
    "npu_of_int8": ('[ios.runtime]\naccelerators = ["npu", "cpu"]\n', "int8-io"),
    "int8": (f'[ios]\nvariant = "int8"\n{INTERPRETER}{INT8}', "float32"),
    "int8_of_all": (f'[ios]\nvariant = "int8"\n[runtime]\napi = "interpreter"\n{INT8}', "float32"),
    "int8_of_own": (f'[ios]\nvariant = "int8"\nframework = "Own"\n{OWN}{INT8}', "float32"),
    "int8_of_a_file": (f"[ios]\n{INTERPRETER}", "int8-io"),
    "dynamic": ('[ios.runtime]\napi = "compiled-model"\n', "dynamic-shape"),
    "variables": ('[ios.runtime]\napi = "compiled-model"\n', "variable"),
    "templates": ('[ios]\ntemplates = "mine"\n', "float32"),
    "templates_in_a_file": ('[ios]\ntemplates = "l.txt"\n', "float32"),
    "module_word": ('[ios]\nmodule = "Self"\n', "float32"),
    "framework_word": (f'[ios]\nframework = "class"\n{OWN}', "float32"),
    "framework_as_module": (f'[ios]\nframework = "Own"\nmodule = "Own"\n{OWN}', "float32"),
    "as_runtime": (f'[ios]\nframework = "AsRuntimeKit"\n{OWN}', "float32"),
    "twice": ('[ios.runtime]\naccelerators = ["gpu", "gpu"]\n', "float32"),
    "class_file": ('[ios]\nclass_name = "Apple"\n', "float32"),
    "float16": ('[input.image]\ndtype = "float16"\n[ios]\n', "float32"),
    "gpu_of_dynamic": ('[ios.runtime]\naccelerators = ["gpu", "cpu"]\n', "dynamic-shape"),
    "layout": ('[ios]\nlayout = "sources"\n', "float32"),
    "fallback": ('[ios.runtime]\nfallback = "bundled"\n', "float32"),
}


@pytest.fixture(scope="module")
def told(app: Callable[..., Path], shop: Workshop) -> dict[str, str]:
    made = app("made", f'[ios]\nvariant = "int8"\n{INT8}')
    samples(made)
    assert shop.build("made")["made"].ok
    for name, (spec, fixture) in MISTAKES.items():
        folder = app(name, spec, "float32" if fixture == "int8-io" else fixture, {"l.txt": "one\ntwo\n"})
        samples(folder)
        if fixture == "int8-io":
            shutil.copy(made / "build" / "made" / "made-int8.tflite", folder / "m.tflite")
    return {name: said.told for name, said in shop.build(*MISTAKES).items()}


def samples(folder: Path) -> None:
    import numpy as np

    np.savez(folder / "c.npz", image=np.random.default_rng(0).normal(size=(20, 8, 8, 2)).astype("f"))


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str, told: dict[str, str], snapshot: SnapshotAssertion) -> None:
    assert told[name] == snapshot(name=name)
    assert told[name].startswith("2: ") and "\n  at line " in told[name], "told at a key"


def test_a_name_that_a_file_cannot_have(app: Callable[..., Path], shop: Workshop) -> None:
    app("ended", '[input."a\\u0000b"]\nfrom = "image"\n[ios]\n')
    error = shop.build("ended")["ended"].error
    assert error["message"] == "a name in a file cannot have the character U+0000, which ends it"
    assert (error["code"], error["line"]) == (2, 7)


def test_templates_of_ones_own(app: Callable[..., Path], shop: Workshop) -> None:
    """They take the tool's place by name; an edited one makes this code again, and nothing else."""
    spec = f'{CLASSES}[ios]\ntemplates = "mine"\n[android]\npackage = "com.example.app"\n'
    mine = "// {{ header }}\n\npublic enum {{ app.class_name }}Labels {}\n// {{ app.view.model }}\n"
    folder = app("own", spec, files={"mine/model/Labels.swift.jinja": mine})
    assert shop.build("own")["own"].ok
    made = folder / "build" / "own" / "ios" / "OwnKit" / "Sources" / "OwnKit" / "OwnLabels.swift"
    assert made.read_text("utf-8").endswith("public enum OwnLabels {}\n// own\n")
    template = folder / "mine" / "model" / "Labels.swift.jinja"
    template.write_text(mine + "// more\n", "utf-8")
    said = shop.build("own")["own"]
    assert said.ran == ["ios"] and made.read_text("utf-8").endswith("// more\n")
    template.write_text("a\n{{ nothing }}", "utf-8")
    error = shop.build("own")["own"].error
    assert error["message"] == "the template model/Labels.swift.jinja:2 cannot be used: 'nothing' is undefined"
    assert (error["code"], error["key"]) == (2, "ios.templates")


def test_the_code_alone_with_what_the_app_has(app: Callable[..., Path], shop: Workshop) -> None:
    """Of each platform, with the variant that it has."""
    variants = '[variant.float32]\n[variant.int8]\nquantize = "dynamic-int8"\n'
    apps = '[ios]\nvariant = "int8"\n[android]\npackage = "com.example.app"\nvariant = "float32"\n'
    folder = app("alone", CLASSES + variants + apps)
    made = folder / "build" / "alone"
    assert shop.cli("build", f"{folder}:ios").code == 0
    assert sorted(p.name for p in made.iterdir()) == ["alone-int8.tflite", "ios", "report.json"]
    assert shop.cli("build", f"{folder}:android").code == 0
    assert {p.name for p in made.iterdir()} == {
        "alone-int8.tflite",
        "alone-float32.tflite",
        "android",
        "ios",
        "report.json",
    }
    lock = (folder / "model.lock").read_text("utf-8")
    assert shop.cli("build", folder, "--json").code == 0 and (folder / "model.lock").read_text("utf-8") == lock
    assert shop.cli("verify", f"{folder}:ios").code == 0
    assert shop.cli("build", f"{folder}:android", f"{folder}:ios").code == 0
    app("plain", CLASSES)
    ran = shop.cli("build", f"{shop.folder / 'plain'}:ios")
    assert ran.code == 64 and "no code of an iOS app is generated for 'plain'" in ran.err and "add [ios]" in ran.err


def test_what_changes_the_code(app: Callable[..., Path], shop: Workshop) -> None:
    folder = app("changed", CLASSES + "[ios]\n")
    assert shop.build("changed")["changed"].ok
    spec = folder / "model.toml"
    text = spec.read_text("utf-8")
    made = folder / "build" / "changed" / "ios"
    spec.write_text(text + 'class_name = "Other"\n', "utf-8")
    assert shop.build("changed")["changed"].ran == ["ios"]
    assert [p.name for p in made.iterdir()] == ["OtherKit"] and not list(made.rglob("Changed*.swift")), "old files go"
    spec.write_text(text + 'module = "Changed"\ndelivery = "file"\nplatform = "17.2"\n', "utf-8")
    assert shop.build("changed")["changed"].ran == ["ios"]
    assert (made / "Changed" / "Sources" / "Changed" / "ChangedModel.swift").is_file(), (
        "no class is called as its module"
    )
    assert not list(made.glob("*/Sources/*/Resources")) and list(made.glob("*/Tests/*/Resources/*.tflite"))
    assert '.iOS("17.2")' in (made / "Changed" / "Package.swift").read_text("utf-8")
    spec.write_text(text.replace("[ios]", '[runtime]\naccelerators = ["gpu", "cpu"]\n[ios]'), "utf-8")
    assert "accelerators: [Accelerator] = [.gpu, .cpu]" in swift_of(shop, "changed", made)
    spec.write_text(spec.read_text("utf-8") + '[ios.runtime]\naccelerators = "cpu"\n', "utf-8")
    assert "accelerators: [Accelerator] = [.cpu]" in swift_of(shop, "changed", made), "of this platform alone"


def swift_of(shop: Workshop, name: str, made: Path) -> str:
    assert shop.build(name)[name].ok
    (file,) = made.rglob("Changed.swift")
    return file.read_text("utf-8")


@pytest.mark.parametrize(
    ("targets", "linked", "why"),
    [
        ('"play-services"', "standard", "Google Play services do not exist on iOS"),
        ('["play-services", "custom"]', "custom", "Google Play services do not exist on iOS"),
        ('["standard", "custom"]', "standard", "an iOS app has one runtime"),
    ],
)
def test_what_is_left_out(targets: str, linked: str, why: str, app: Callable[..., Path], shop: Workshop) -> None:
    """Google Play services, and all runtimes but one: `plan` says so."""
    own = 'framework = "Own"\n' if linked == "custom" else ""
    folder = app("left", f"{CLASSES}[runtime]\ntarget = {targets}\n[ios]\n{own}")
    ran = shop.cli("plan", folder)
    (note,) = json.loads(shop.cli("plan", "--json", folder).out)[0]["notes"]
    assert ran.code == 0 and f"  note: {note}\n" in ran.out
    assert note.startswith(f"{why}: the app brings the {linked} one there")


@pytest.mark.parametrize(
    ("name", "spec", "dependencies"),
    [
        ("plain", INTERPRETER, {"TensorFlowLiteSwift": ["2.17.0"]}),
        (
            "gpu",
            INTERPRETER + 'accelerators = ["npu", "gpu", "cpu"]\n',
            {f"TensorFlowLiteSwift{part}": ["2.17.0"] for part in ("", "/CoreML", "/Metal")},
        ),
        ("own", f'framework = "OwnRuntime"\n{OWN}', {"OwnRuntime": []}),
    ],
)
def test_podspec(
    name: str, spec: str, dependencies: dict[str, list[str]], app: Callable[..., Path], shop: Workshop
) -> None:
    """Read by Ruby; what the model says of itself cannot run there."""
    description = "It's #{exit(3)} \\\\ a 'model'"
    folder = app(f"pod_{name}", f"{CLASSES}[ios]\n{spec}")
    text = (folder / "model.toml").read_text("utf-8")
    said = f'[model]\ndescription = {json.dumps(description)}\nversion = "1.2"\nauthor = "O\'Neill"\n'
    (folder / "model.toml").write_text(text.replace("[model]\n", said), "utf-8")
    assert shop.build(f"pod_{name}")[f"pod_{name}"].ok
    (file,) = (folder / "build").rglob("*.podspec")
    module = file.stem
    value = podspecs.read(file)
    assert value["dependency"] == dependencies
    assert (value["name"], value["version"], value["author"]) == (module, "1.2", "O'Neill")
    assert value["summary"] == description and value["ios"] == {"deployment_target": "15.0"}
    assert [list(file.parent.glob(value["source_files"])) != [], value["swift_versions"]] == [True, ["6.0"]]
    for bundle, patterns in value["resource_bundles"].items():
        assert bundle == module and [p.suffix for g in patterns for p in file.parent.glob(g)] == [".tflite"]
    (tests,) = value["test_spec"].values()
    assert list(file.parent.glob(tests["source_files"])) and tests["resources"] == [
        f"Tests/{module}Tests/{{Goldens,Resources}}/*"
    ]
    assert "user_target_xcconfig" not in value
