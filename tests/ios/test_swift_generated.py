"""What `[ios]` generates compiles without a warning, and its tests pass with the real runtime behind the stand-ins."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from harness import Ran, Workshop
from swift_bed import Swift
from swift_packages import Built, Package, Runtimes, build_all, build_alone
from wrapped import CLASSES, EACH, Models, quoted

from tflite_build import languages

INTERPRETER = '[ios.runtime]\napi = "interpreter"\n'
OWN = '[ios.runtime]\ntarget = "custom"\n'
SELECT = '[compatibility]\nselect_tf_ops = ["MatMul"]\ncustom_ops.ExampleSoftmax = {}\n'
OTHERS = {
    "interpreter_two": ("two-signatures", "", INTERPRETER),
    "own": ("float32", "", 'framework = "OwnRuntime"\n' + OWN),
    "not_run": ("custom", SELECT, 'framework = "OwnRuntime"\n' + OWN),
    # As a type of generated code, a file, a module, a type of Foundation's, or what makes a program of a package.
    **dict.fromkeys(
        ("engines", "apple", "crypto", "foundation", "expression", "main", "yuvpicture"), ("float32", "", "")
    ),
}
# The same by the interpreter, where "auto" takes LiteRT.
ALSO = ("float32", "float16", "dynamic-int8", "no-signature", "unsigned", "rgb", "grey", "raw", "sound", "pair")
GPU = {
    "gpu": 'api = "compiled-model"\naccelerators = ["gpu", "cpu"]\n',
    "gpu_interpreter": ('api = "interpreter"\naccelerators = ["npu", "gpu", "cpu"]\n'),
}
FLAVORED = {
    "selectable": (
        '[variant.float32]\n[variant.half]\nquantize = "float16"\n[variant.int8]\nquantize = "int8"\n[calibration]\n'
        'data = "data.npz"\n',
        'variants = "selectable"\n',
        ("float32", "half", "int8"),
    ),
}
ALONE = [*EACH, *OTHERS, *(f"{name}_by_interpreter" for name in ALSO), *GPU]


def ios(name: str, more: str = "") -> str:
    return f"[ios]\n{more}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> Workshop:
    shop = Workshop(tmp_path_factory.mktemp("apps"), module_cli)
    models = Models(shop, ios)
    models.all('delivery = "file"\n')
    for name, (fixture, spec, more) in OTHERS.items():
        models.tflite(name, fixture, spec, more)
    for name, (spec, more, _) in FLAVORED.items():
        models.tflite(name, "float32", spec, more)
    for name, runtime in GPU.items():
        models.tflite(name, "float32", CLASSES, f"[ios.runtime]\n{runtime}")
    for name in ALSO:
        models.also(f"{name}_by_interpreter", name, '[runtime]\napi = "interpreter"\n')
    models.build()
    return shop


def package(shop: Workshop, name: str, variant: str = "") -> Package:
    (folder,) = (shop.folder / name / "build" / name / "ios" / variant).iterdir()
    return Package(folder)


PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="module")
def built(shop: Workshop, swift: Swift, runtimes: Runtimes, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """All packages and the programs that call them, built together."""
    programs = {file.stem: file.read_text("utf-8") for file in sorted(PROGRAMS.glob("*.swift"))}
    packages = [package(shop, name) for name in ALONE]
    return build_all(packages, swift, runtimes, tmp_path_factory.mktemp("all"), programs)


@pytest.mark.parametrize("name", ALONE)
def test_its_own_test_passes(name: str, shop: Workshop, built: Built) -> None:
    made = package(shop, name)
    passed = built.test(f"{made.module}Tests.{made.class_name}Tests").require()
    # of the file itself, and two for each signature that this machine runs
    assert len(passed) == {"interpreter_two": 5, "two-signatures": 5, "alike": 5, "signed": 9, "not_run": 1}.get(
        name, 3
    )


@pytest.mark.parametrize("variant", FLAVORED["selectable"][2])
def test_each_variant(variant: str, shop: Workshop, swift: Swift, runtimes: Runtimes, tmp_path: Path) -> None:
    made = package(shop, "selectable", variant)
    assert made.module == "SelectableKit"
    built = build_alone(made, swift, runtimes, tmp_path)
    assert len(built.test().require()) == 3
    assert [f.name for f in made.files("Resources")] == [f"selectable-{variant}.tflite"], (
        "never all variants in one app"
    )


def test_the_formatter_finds_nothing(shop: Workshop, swift: Swift) -> None:
    """By the settings that each package brings."""
    folders = [str(package(shop, name).folder) for name in ALONE]
    command = [swift.tool("swift"), "format", "lint", "--strict", "--recursive", "--parallel", *folders]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    # A string literal has one line, however long it is.
    found = [line for line in done.stderr.splitlines() if "error:" in line and not of_a_long_literal(line)]
    assert found == []
    (own,) = {(Path(folder) / ".swift-format").read_text("utf-8") for folder in folders}
    assert own == (Path(__file__).parent / "swift-format.json").read_text("utf-8")


def of_a_long_literal(finding: str) -> bool:
    place = re.match(r"(.+?):(\d+):\d+: error: \[LineLength\]", finding)
    line = Path(place[1]).read_text("utf-8").splitlines()[int(place[2]) - 1] if place else ""
    return re.fullmatch(r'\s*"(\\.|[^"\\])*",?', line) is not None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "float32",
            {"sourceControl": ["https://github.com/google-ai-edge/LiteRT", "145c7523ff08d5e57ab5c582141775eea47da9c7"]},
        ),
        ("interpreter_two", {"fileSystem": ["TensorFlowLite"]}),
        ("own", {"fileSystem": ["OwnRuntime"]}),
    ],
)
def test_the_package_manager_reads_the_manifest(name: str, wanted: object, shop: Workshop, swift: Swift) -> None:
    folder = package(shop, name).folder
    command = [swift.tool("swift"), "package", "--package-path", folder, "dump-package"]
    value = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout)
    (dependency,) = value["dependencies"]
    if "sourceControl" in dependency:
        (own,) = dependency["sourceControl"]
        found = {"sourceControl": [own["location"]["remote"][0]["urlString"], *own["requirement"]["revision"]]}
    else:
        (own,) = dependency["fileSystem"]
        found = {"fileSystem": [Path(own["path"]).name]}
    assert found == wanted
    assert value["swiftLanguageVersions"] == ["6"]
    assert [(p["platformName"], p["version"]) for p in value["platforms"]] == [("ios", "15.0"), ("macos", "12.0")]


def words_of(files: Iterable[Path]) -> list[str]:
    """What generated code itself calls something: functions, properties, parameters, also those of closures."""
    found: set[str] = set()
    for text in (file.read_text("utf-8") for file in files):
        text = re.sub(r"//[^\n]*", "", text)
        found |= set(re.findall(r"\b(?:let|var|func|case)\s+(\w+)", text))
        found |= set(re.findall(r"[(,]\s*(?:_ )?(\w+): ", text)) | set(re.findall(r"^\s+(\w+): ", text, re.MULTILINE))
        found |= {word for group in re.findall(r"\{ ([\w, ]+) in\b", text) for word in group.split(", ")}
    return sorted(w for w in found if w[0].isalpha() and not w.startswith(("predictCase", "testPredict")))


def test_any_word_of_the_code_itself_can_be_a_name(
    shop: Workshop, swift: Swift, runtimes: Runtimes, tmp_path: Path
) -> None:
    """Of an input, an output and a signature; and so can any keyword."""
    files = [f for name in ("rgb", "wide", "gpu", "file", "two-signatures") for f in package(shop, name).swift]
    names = [
        *words_of(f for f in files if not f.name.startswith(("Picture", "Golden"))),
        *sorted(languages.swift_words()),
    ]
    names = list({name.casefold(): name for name in names}.values())
    assert len(names) > 150 and {"engine", "golden", "sha256", "waiting", "orientation", "minScore", "inout"} <= {
        *names
    }
    some = 'dtype = "float32"\nshape = [1]\n'
    code, specs = "def called(x):\n    return x * 2\n", {}
    for number, start in enumerate(range(0, len(names), 100)):
        part = names[start : start + 100]
        parameters = ", ".join(f"x{i}" for i in range(len(part)))
        code += f"\n\ndef given{number}({parameters}):\n    return {{'sum': x0}}\n"
        inputs = "".join(f'[input.{quoted(n)}]\nfrom = "x{i}"\n{some}' for i, n in enumerate(part))
        specs[f"as_inputs{number}"] = f'entry = "model.py:given{number}"\n{inputs}'
        outputs = ", ".join(f'"{n}": x + {i}' for i, n in enumerate(part))
        code += f"\n\ndef gives{number}(x):\n    return {{{outputs}}}\n"
        specs[f"as_outputs{number}"] = f'entry = "model.py:gives{number}"\n[input.x]\n{some}'
    specs["as_signatures"] = "".join(
        f'[source.signature.{quoted(n)}]\nentry = "model.py:called"\n[signature.{quoted(n)}.input.x]\n{some}'
        for n in names[:100]
    )
    specs["as_signatures2"] = "".join(
        f'[source.signature.{quoted(n)}]\nentry = "model.py:called"\n[signature.{quoted(n)}.input.x]\n{some}'
        for n in names[100:]
    )
    for name, spec in specs.items():
        shop.model(name, f'format = "jax"\n{spec}{ios(name)}', {"model.py": code})
    said = shop.build(*specs)
    assert all(model.ok for model in said.values()), [model.told for model in said.values()]
    packages = [package(shop, name) for name in specs]
    built = build_all(packages, swift, runtimes, tmp_path / "words")
    assert len(built.test().require()) > 2 * len(names)


def test_no_model_is_called_as_a_type_of_the_code(shop: Workshop) -> None:
    found: set[str] = set()
    for name in ALONE:
        made = package(shop, name)
        own = made.class_name
        for file in made.swift:
            text = file.read_text("utf-8")
            code = re.sub(
                r'//[^\n]*|"(?:\\.|[^"\\])*"|^(?:@testable )?import [^\n]*|#\w+[^\n]*', "", text, flags=re.MULTILINE
            )
            words = set(re.findall(r"(?<![.\w])[A-Z]\w*[a-z]\w*", code))
            found |= {
                w for w in words if not w.startswith(own) and not w.endswith(("Result", "Pieces"))
            }  # within others
    types = {
        w for w in found if not re.match(r"CV\w+Buffer[A-Z]|CVBufferCopy|CGColorSpaceCreate|XCT[A-Z][a-z]+[A-Z]?", w)
    }
    assert len(types) > 80 and types - languages.swift_classes() == set()


def test_what_models_share_is_the_same(shop: Workshop) -> None:
    """But for what runs it, and where its file comes from: who reads the code of one has read that of all."""
    found: dict[str, dict[str, str]] = {}
    for name in ALONE:
        made = package(shop, name)
        own = made.class_name
        for file in made.swift:
            if not file.name.startswith((own, "InterpreterEngine", "ModelFiles", "Package")):
                text = file.read_text("utf-8").replace(made.module, "MODULE")
                found.setdefault(file.name, {}).setdefault(text, name)
    assert len(found) > 35
    assert {file: sorted(texts.values()) for file, texts in found.items() if len(texts) > 1} == {}


def test_a_change_is_found(shop: Workshop, swift: Swift, runtimes: Runtimes, tmp_path: Path) -> None:
    """Of what the file gave, and of the file, which debug builds look at when they open it."""
    built = build_alone(package(shop, "float32"), swift, runtimes, tmp_path)
    copies = [f for f in (built.folder / ".build" / "debug").rglob("*") if f.is_file()]
    (golden,) = (f for f in copies if f.name == "0-1.bin")
    before = golden.read_bytes()
    values = np.frombuffer(before, "<f4").copy()
    values[-1] += 0.01
    golden.write_bytes(values.tobytes())
    assert built.test().failed == ("Float32ModelTests.testPredictCase2",)
    golden.write_bytes(before)
    (file,) = (f for f in copies if f.suffix == ".tflite")
    content = bytearray(file.read_bytes())
    content[content.rindex(b"\x3e")] ^= 1
    file.write_bytes(content)
    tested = built.test()
    assert len(tested.failed) == 3 and "another one than this code was generated for" in tested.ran.text


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("tasks", "50 true"),
        ("threads", "1600"),
        ("size", "invalidArgument: 'image' has 127 values, and the model takes 128"),
        ("tensors", "true true"),
        ("awaited tensors", "true true true"),
        ("short tensors", "invalidArgument: 'image' has 127 values, and the model takes 128"),
        ("chosen", "[true, true]"),
        ("most", "invalidArgument: maxResults is 0, and has to be at least 1"),
    ],
)
def test_what_apps_see(what: str, wanted: str, built: Built) -> None:
    ran = built.run("Calls", what.split())
    assert ran.code == 0 and ran.out.strip() == wanted, ran.text


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("turned", ["true", "false", "true", "true", "3"]),
        ("apple", ["true", "true", "true", "true"]),
        ("cancelled", ["CancellationError", "false", "960"]),
        ("opening", ["CancellationError"]),
        ("released", ["0"]),
        (
            "sizes",
            [
                "the width of the picture is 0, and has to be at least 1",
                "the height of the picture is 0, and has to be at least 1",
                "the width of the picture is -5, and has to be at least 1",
                f"the width of the picture is {2**63 - 1}, and has to be at most {2**31 - 1}",
            ],
        ),
    ],
)
def test_pictures_and_tasks(what: str, wanted: list[str], built: Built) -> None:
    ran = built.run("Pictures", [what])
    assert ran.code == 0 and ran.out.splitlines() == wanted, ran.text


def test_each_result_has_limits_of_its_own(built: Built) -> None:
    ran = built.run("Limits")
    assert ran.code == 0 and ran.out.strip() == "[[3], [3, 2, 1, 0], [3, 2, 1, 0], [3]]", ran.text


def test_sizes_of_a_dynamic_dimension(built: Built) -> None:
    """One after another of an open model, and those that are none."""
    ran = built.run("Sizes")
    none = "invalidArgument: the dimension 'n' is {}, and has to be at least 1"
    assert ran.code == 0 and ran.out.splitlines() == [
        *["true"] * 4,
        none.format(0),
        none.format(-1),
        "invalidArgument: 'ids' would have more than 2147483647 values",
        "invalidArgument: 'ids' would have more than 2147483647 values",
        none.format(-1),
    ], ran.text


@pytest.mark.parametrize(
    ("name", "device", "asked", "wanted"),
    [
        ("gpu", "GPU", "", "gpu 6"),
        ("gpu", "", "", "cpu 6"),
        ("gpu", "GPU-failing", "", "cpu 6"),
        ("gpu", "", "gpu", "cannotOpen: the model does not run on GPU: LiteRT does not take it: Compilation error"),
        ("gpu", "", "npu", "cannotOpen: the model does not run on NPU: the app or the device has no such"),
        ("gpu", "", "npu cpu", "cpu 6"),
        ("gpu", "LITERT-failing", "", "cannotOpen: LiteRT cannot be used: Runtime failure"),
        ("gpu_interpreter", "COREML METAL", "", "npu 6"),
        ("gpu_interpreter", "METAL", "", "gpu 6"),
        ("gpu_interpreter", "", "", "cpu 6"),
        ("gpu_interpreter", "METAL-failing", "", "cpu 6"),
        ("gpu_interpreter", "", "npu", "cannotOpen: the model does not run on NPU: the app or the device has no such"),
        (
            "gpu_interpreter",
            "METAL-failing",
            "gpu",
            "cannotOpen: the model does not run on GPU: the runtime does not take it: Failed to create the interpreter.",
        ),
        ("gpu_interpreter", "COREML METAL", "cpu npu", "cpu 6"),
    ],
)
def test_what_it_runs_on(name: str, device: str, asked: str, wanted: str, built: Built) -> None:
    """The first of what the app asks for that takes the model, by the device's equipment; and it computes."""
    has = {word.partition("-")[0]: word.partition("-")[2] or "present" for word in device.split()}
    env = {f"TESTBED_{what}": value for what, value in has.items()}
    ran = built.run("Accelerators", [name, *asked.split()], env)
    assert ran.code == 0 and ran.out.strip() == wanted, ran.text
