"""`[runtime] target = "custom"`: what builds a library with only the operators of a model, made beside its files."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import tomli
from harness import Ran

import tflite_build
from tflite_build.tflite import reader
from tflite_build.tflite.opcodes import BUILTIN_OPERATORS
from tflite_build.tflite.used import used

FILES = {"BUILD.bazel", "build_aar.sh", "operators.json", "registrations.cc"}
CUSTOM = 'target = "custom"'
# As the headers of TensorFlow Lite declare it (mutable_op_resolver.h, kernels/builtin_op_kernels.h); no wheel carries them.
RESOLVER = """
#pragma once
#include <cstdio>
struct TfLiteRegistration { const char* name; };
namespace tflite {
enum BuiltinOperator { %s };
class MutableOpResolver {
 public:
  void AddBuiltin(BuiltinOperator op, const TfLiteRegistration* registration, int min_version, int max_version) {
    std::printf("builtin %%s %%d %%d\\n", registration->name, min_version, max_version);
  }
  void AddCustom(const char* name, const TfLiteRegistration* registration, int min_version, int max_version) {
    std::printf("custom %%s %%s %%d %%d\\n", name, registration->name, min_version, max_version);
  }
};
}  // namespace tflite
"""


@pytest.fixture
def own(small):
    small.write(runtime=CUSTOM, dynamic='quantize = "dynamic-int8"')
    small.build()
    return small


def folder(model) -> Path:
    return model.output("int8").parent / "runtime"


def listed(model) -> dict[str, list[tuple[str, int, int]]]:
    value = json.loads((folder(model) / "operators.json").read_text())
    assert value["tree"] in ("tflite", "tensorflow/lite")
    return {kind: [(o["name"], o["first"], o["last"]) for o in value[kind]] for kind in ("builtin", "select", "custom")}


def test_the_operators_are_those_of_all_variants(own) -> None:
    assert {file.name for file in folder(own).iterdir()} == FILES
    ranges: dict[str, list[int]] = {}
    for file in own.output("int8").parent.glob("*.tflite"):
        with reader.model(file) as model:
            for operator in used(model):
                ranges.setdefault(operator.name, []).append(operator.version)
    wanted = [(name, min(versions), max(versions)) for name, versions in sorted(ranges.items())]
    assert listed(own) == {"builtin": wanted, "select": [], "custom": []}
    assert any(first < last for _, first, last in wanted), "or the ranges tell nothing"


def compiled(model, tmp_path: Path, tree: str, custom: str = "") -> list[str]:
    """What the generated registrations register, compiled against declarations of TensorFlow Lite's headers."""
    headers = tmp_path / tree
    (headers / "kernels").mkdir(parents=True)
    (headers / "op_resolver.h").write_text(RESOLVER % ", ".join(f"BuiltinOperator_{n}" for n in BUILTIN_OPERATORS))
    (headers / "model.h").write_text("#pragma once\n")
    kernels = "".join(
        f'inline TfLiteRegistration* Register_{n}() {{ static TfLiteRegistration r{{"{n}"}}; return &r; }}\n'
        for n in BUILTIN_OPERATORS
    )
    (headers / "kernels" / "builtin_op_kernels.h").write_text(
        f'#pragma once\n#include "{tree}/op_resolver.h"\nnamespace tflite::ops::builtin {{\n{kernels}}}\n'
    )
    main = tmp_path / "main.cc"
    main.write_text(
        f'#include "{tree}/op_resolver.h"\n{custom}\nvoid RegisterSelectedOps(::tflite::MutableOpResolver*);\n'
        "int main() { ::tflite::MutableOpResolver resolver; RegisterSelectedOps(&resolver); }\n"
    )
    program = tmp_path / "program"
    command = ["g++", "-std=c++17", "-Wall", "-Werror", f"-I{tmp_path}", "-o", program, main]
    subprocess.run([*command, folder(model) / "registrations.cc"], check=True)
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize(("oldest", "tree"), [("", "tflite"), ('oldest = "tflite 2.17"', "tensorflow/lite")])
def test_the_registrations_compile_and_register_exactly_these(own, tmp_path: Path, oldest: str, tree: str) -> None:
    own.write(runtime=f"{CUSTOM}\n{oldest}")
    own.build()
    registered = compiled(own, tmp_path / "c++", tree)
    assert registered == [f"builtin {name} {first} {last}" for name, first, last in listed(own)["builtin"]]
    for file in ("BUILD.bazel", "build_aar.sh"):
        assert f"{tree}" in (folder(own) / file).read_text()


def test_the_script_calls_the_selective_build(own, tmp_path: Path) -> None:
    """Against a source tree whose build_aar.sh says what it was given."""
    own.write(runtime=f'{CUSTOM}\nabis = ["arm64-v8a", "x86"]')
    own.build()
    tree = tmp_path / "tree"
    (tree / "tflite" / "tools").mkdir(parents=True)
    (tree / "tflite" / "tools" / "build_aar.sh").write_text('printf "%s\\n" "$@"')
    ran = subprocess.run(["sh", folder(own) / "build_aar.sh", tree], check=True, capture_output=True, text=True)
    models, abis = ran.stdout.splitlines()
    assert abis == "--target_archs=arm64-v8a,x86"
    given = models.removeprefix("--input_models=").split(",")
    assert [Path(m).name for m in given] == [f"small-{v}.tflite" for v in ("dynamic", "float32", "int8")]
    assert all(Path(model).is_file() for model in given)
    failed = subprocess.run(["sh", folder(own) / "build_aar.sh"], capture_output=True, text=True)
    assert failed.returncode and "the source tree" in failed.stderr


def test_several_models_have_one_library(own, small_model, cli: Callable[..., Ran], tmp_path: Path) -> None:
    other = small_model("int8", "other", float32="", runtime=f'{CUSTOM}\nabis = ["x86"]')
    third = small_model(name="third")
    place = tmp_path / "app" / "one"
    command = ("runtime", own.folder, other.folder, third.folder, "--output", place)
    ran = cli(*command)
    assert ran.code == 1 and "what 'other' needs of a runtime is not known: its build does not have it yet" in ran.err
    other.build()
    ran = cli(*command, cwd=tmp_path)
    assert ran.code == 0 and ran.out.splitlines() == [f"wrote app/one/{name}" for name in sorted(FILES)], ran.text
    union = json.loads((place / "operators.json").read_text())
    alone = [json.loads((folder(model) / "operators.json").read_text()) for model in (own, other)]
    wanted: dict[str, list[int]] = {}
    for kernel in (kernel for value in alone for kernel in value["builtin"]):
        wanted.setdefault(kernel["name"], []).extend((kernel["first"], kernel["last"]))
    assert union["builtin"] == [{"name": n, "first": min(v), "last": max(v)} for n, v in sorted(wanted.items())]
    assert union["abis"] == ["arm64-v8a", "armeabi-v7a", "x86_64", "x86"]
    tree = tmp_path / "tree" / "tflite" / "tools"
    tree.mkdir(parents=True)
    (tree / "build_aar.sh").write_text('printf "%s\\n" "$1"')
    told = subprocess.run(["sh", place / "build_aar.sh", tmp_path / "tree"], check=True, capture_output=True, text=True)
    models = told.stdout.strip().removeprefix("--input_models=").split(",")
    assert all(Path(model).is_file() for model in models) and len(models) == len(union["models"]) == 4
    other.write(runtime=f'{CUSTOM}\noldest = "tflite 2.17"')
    other.build()
    ran = cli(*command)
    assert ran.code == 2 and "different source trees: tensorflow/lite and tflite" in ran.err
    (folder(other) / "operators.json").write_text("{}")
    assert "its build was edited or removed since" in cli(*command).err
    ran = cli("runtime", third.folder, "--output", place)
    assert ran.code == 64 and "none of these models wants a library of its own" in ran.err


def test_it_is_an_output_like_others(own) -> None:
    lock = tomli.loads(own.lock.read_text())
    report = json.loads((folder(own).parent / "report.json").read_text())
    (row,) = report["folders"]
    assert row["name"] == "runtime" and set(row["files"]) == FILES and row["sha256"] == lock["output"]["runtime"]
    assert own.build().ran == []
    whole = own.outputs()
    (folder(own) / "BUILD.bazel").unlink()
    (folder(own) / "operators.json").write_text("mine")
    (plan,) = tflite_build.plan(own.folder)
    assert plan.outstanding is not None
    assert {f.name: why for f, why in plan.outstanding.writes.items()} == {
        "BUILD.bazel": "is missing",
        "operators.json": "was edited since the last build",
    }
    again = own.build()
    assert own.outputs() == whole
    assert again.warnings == ["runtime/operators.json was edited since the last build; it is replaced"]
    own.build(":int8")
    assert own.outputs() == whole and tomli.loads(own.lock.read_text()) == lock


def test_it_goes_with_the_wish_for_it(own) -> None:
    (folder(own) / "notes.txt").write_text("mine")
    own.write(runtime=None)
    own.build()
    assert [file.name for file in folder(own).iterdir()] == ["notes.txt"]
    assert "runtime" not in tomli.loads(own.lock.read_text())["output"]
    own.write(runtime=CUSTOM)
    own.build()
    tflite_build.clean(own.folder)
    assert [file.name for file in folder(own).iterdir()] == ["notes.txt"]
    shutil.rmtree(folder(own))
    own.build()
    tflite_build.clean(own.folder)
    assert not (own.folder / "build").exists()


def test_it_comes_out_the_same_elsewhere(own, cli: Callable[..., Ran], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    ran = cli("verify", own.folder, "--keep", kept)
    assert ran.code == 0, ran.text
    assert {file.name for file in (kept / "small" / "runtime").iterdir()} == FILES
    own.lock.write_text(own.lock.read_text().replace('runtime = "', 'runtime = "0')[:-2] + '"\n')
    assert cli("verify", own.folder).code != 0


def test_what_does_not_go_together(small) -> None:
    small.write(runtime='abis = ["x86"]')
    assert "'abis' are those of a library of one's own" in str(tflite_build_error(small))
    small.write(runtime='target = "play-services"\noldest = "tflite 2.16"')
    assert "there is no oldest one to name" in str(tflite_build_error(small))
    small.write(runtime='target = ["custom", "custom"]')
    assert "'custom' is named twice" in str(tflite_build_error(small))


def tflite_build_error(model) -> tflite_build.BuildError:
    with pytest.raises(tflite_build.BuildError) as caught:
        model.build()
    return caught.value


def aar(model, name: str = "app.aar", method: int = zipfile.ZIP_STORED, **libraries: bytes) -> Path:
    """An AAR with a runtime for each ABI, stored without compression, as the Gradle plugin keeps them."""
    file: Path = model.folder / name
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("AndroidManifest.xml", "<manifest/>")
        for abi, content in libraries.items():
            archive.writestr(f"jni/{abi.replace('_v', '-v')}/libruntime.so", content)
    return file


def test_the_download_of_an_app(small, cli: Callable[..., Ran]) -> None:
    """The file as it is, and of the library the largest ABI as a download has it: compressed."""
    random = Random(0)
    large, little = random.randbytes(40_000), random.randbytes(1000) + bytes(500_000)
    limit = 'max_download = "45 KB"'
    small.write(runtime=f'{CUSTOM}\nlibrary = "app.aar"', checks=limit, float32=None)
    aar(small, arm64_v8a=large, x86=little)
    (result,) = tflite_build.check(small.folder).models
    (gate,) = (g for g in result.gates if g.check == "max_download")
    deflated = 40_000 + 5 * 3 + 3  # what does not compress is stored in blocks of at most 16383 bytes, five bytes each
    assert gate.ok and gate.subject == "arm64-v8a"
    small.build()
    size = small.output("int8").stat().st_size
    assert abs(int(gate.figure.removesuffix(" bytes").replace(",", "")) - size - deflated) < 20
    lock = small.lock.read_text()
    assert "app.aar" not in tomli.loads(lock)["source"]
    assert small.build().ran == []
    aar(small, arm64_v8a=large + random.randbytes(3000))
    ran = cli("build", small.folder)
    assert ran.code == 4 and small.lock.read_text() == lock
    assert "variant 'int8' adds 4" in ran.err and "of the runtime for arm64-v8a), " in ran.err and limit in ran.err
    assert "a build without this limit writes what the library is built from" in ran.err
    (small.folder / "app.so").write_bytes(b"\x7fELF" + random.randbytes(1000))
    small.write(runtime=f'{CUSTOM}\nlibrary = "app.so"', checks=limit, float32=None)
    (result,) = tflite_build.check(small.folder).models
    assert [(g.ok, g.subject) for g in result.gates if g.check == "max_download"] == [(True, "")]


def test_libraries_of_an_app_count_together(small, cli: Callable[..., Ran]) -> None:
    """The runtime and the kernels of select operators are two files: only an ABI that both have is a download."""
    random = Random(0)
    aar(small, arm64_v8a=random.randbytes(2000), armeabi_v7a=random.randbytes(1000), x86_64=random.randbytes(90_000))
    aar(small, "select.aar", arm64_v8a=random.randbytes(5000), armeabi_v7a=random.randbytes(9000))
    (small.folder / "more.so").write_bytes(b"\x7fELF" + random.randbytes(300))
    limit, files = 'max_download = "1 MB"', 'library = ["app.aar", "select.aar", "more.so"]'
    small.write(runtime=f"{CUSTOM}\n{files}", checks=limit, float32=None)
    (result,) = tflite_build.check(small.folder).models
    (gate,) = (g for g in result.gates if g.check == "max_download")
    assert gate.subject == "armeabi-v7a"
    assert small.build().result.ok
    size = small.output("int8").stat().st_size
    assert abs(int(gate.figure.removesuffix(" bytes").replace(",", "")) - size - 10_304) < 40
    aar(small, "select.aar", x86=random.randbytes(5000))
    ran = cli("build", small.folder)
    assert (
        ran.code == 2
        and "'app.aar' and 'select.aar' and 'more.so' have no ABI in common" in ran.err
        and files in ran.err
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no archive", "'app.aar' is neither an AAR, which is a zip archive, nor a library (ELF)"),
        (b"", "'app.aar' is neither an AAR, which is a zip archive, nor a library (ELF)"),
        (b"version https://git-lfs.github.com/spec/v1\n", "'app.aar' is a pointer of Git LFS, not the file"),
        (None, "'app.aar' has no jni/ABI/NAME.so, as an AAR with a runtime has"),
        (b"damaged", "'app.aar' is a damaged archive: "),
        (b"damaged too", "'app.aar' is a damaged archive: "),
    ],
)
def test_a_library_that_is_none(small, cli: Callable[..., Ran], content: bytes | None, message: str) -> None:
    small.write(runtime=f'{CUSTOM}\nlibrary = "app.aar"', checks='max_download = "1 MB"')
    method = zipfile.ZIP_LZMA if content == b"damaged too" else zipfile.ZIP_STORED
    file = aar(small, method=method, **({} if content is None else {"x86": Random(0).randbytes(10_000)}))
    if content in (b"damaged", b"damaged too"):
        raw = bytearray(file.read_bytes())
        raw[300:400] = bytes(100)  # inside of the library
        file.write_bytes(raw)
    elif content is not None:
        file.write_bytes(content)
    ran = cli("build", small.folder)
    assert ran.code == 2 and message in ran.err and 'library = "app.aar"' in ran.err and not small.lock.exists()


def test_the_size_of_a_download_wants_a_library(small, cli: Callable[..., Ran]) -> None:
    small.write(checks='max_download = "1 MB"')
    ran = cli("build", small.folder)
    assert ran.code == 2 and "what a runtime that is not your own adds to a download is not known here" in ran.err
    small.write(runtime=CUSTOM)
    ran = cli("build", small.folder)
    assert ran.code == 2 and "nothing says how large the runtime is that the app brings" in ran.err
    assert "build without this limit, build the library that build/NAME/runtime describes" in ran.err
    small.write(runtime='library = "m.tflite"')
    ran = cli("build", small.folder)
    assert ran.code == 2 and "a library of one's own, which this app is not linked to" in ran.err
