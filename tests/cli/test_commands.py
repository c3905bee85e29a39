"""The commands as a user meets them, on small .tflite models: what is printed, what is written, how it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import tomli
from harness import events
from syrupy.assertion import SnapshotAssertion

import tflite_build
from tflite_build.errors import ExitCode
from tflite_build.spec.schema import reference
from tflite_build.tflite import reader

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "tflite"
Shell = Callable[..., Any]

SPEC = """\
spec = 1

[model]
name = "NAME"

[source]
format = "tflite"
path = "m.tflite"

[variant.float32]

[variant.dynamic]
quantize = "dynamic-int8"
"""


def model(folder: Path, name: str, fixture: str = "float32", spec: str = SPEC) -> Path:
    """A model in a folder of its own."""
    (folder / name).mkdir(parents=True)
    shutil.copy(FIXTURES / f"{fixture}.tflite", folder / name / "m.tflite")
    (folder / name / "model.toml").write_text(spec.replace("NAME", name), "utf-8")
    return folder / name


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / "model.toml").read_text("utf-8")
    assert old in text
    (folder / "model.toml").write_text(text.replace(old, new), "utf-8")


def timeless(text: str) -> str:
    """Without times, and without what lines up with them."""
    return re.sub(r"(  +)time +since", r"\1time  since", re.sub(r"( +|(?<=\())\d+\.\d+ s", " # s", text))


def ordered(text: str) -> str:
    """With the lines of steps, which end when they end, in alphabetical order."""
    return re.sub(
        r"(?:^  tiny [\w:]+ .*\n)+", lambda m: "".join(sorted(m[0].splitlines(True))), text, flags=re.MULTILINE
    )


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_model_from_plan_to_clean(shell: Shell, cache: Path, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """What is printed at each station, one golden: untried, built, nothing to do, changed, edited, one variant less."""
    folder = model(tmp_path, "tiny")
    said = []

    def do(*arguments: str, comment: str = "") -> Any:
        ran = shell(*arguments, cwd=tmp_path, env={"TFLITE_BUILD_CACHE": str(cache)})
        said.append(f"$ tflite-build {' '.join(arguments)}{comment}\n{ordered(timeless(ran.text))}-> {ran.code}\n")
        return ran

    do("plan", "tiny")
    do("build", "tiny:dynamic", comment="  # one variant")
    do("clean", "tiny:dynamic")
    assert files(folder / "build") == ["tiny/report.json", "tiny/tiny-dynamic.tflite"]
    do("build", "tiny")
    do("build", "tiny", comment="  # nothing to do")
    do("plan", "tiny", comment="  # nothing to do")
    edit(folder, "dynamic-int8", "weight-only-int8")
    do("plan", "tiny", comment="  # changed")
    do("build", "tiny", comment="  # changed")
    edit(folder, '[variant.dynamic]\nquantize = "weight-only-int8"\n', "")
    (folder / "build" / "tiny" / "tiny-float32.tflite").write_bytes(b"edited")
    do("build", "tiny", comment="  # edited, and one variant less")
    assert files(folder / "build") == ["tiny/report.json", "tiny/tiny-float32.tflite"]
    assert (folder / "build" / "tiny" / "tiny-float32.tflite").read_bytes() == (folder / "m.tflite").read_bytes()
    do("build", "tiny", "--verbose")
    do("clean", "tiny")
    do("clean", "tiny", comment="  # again")
    assert files(folder) == ["m.tflite", "model.lock", "model.toml"]
    assert "\n".join(said) == snapshot


def test_decisions_and_accuracy(shell: Shell, cache: Path, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """Who quantizes is untried, then decided; and how the accuracy changed since a build with other files."""
    spec = SPEC.replace("dynamic-int8", "int8") + (
        '[calibration]\ndata = "data.npz"\nsamples = 4\n[checks]\naccuracy = { data = "labelled.npz" }\n'
    )
    own = {"TFLITE_BUILD_CACHE": str(cache)}
    folder = model(tmp_path, "tiny", spec=spec)
    images = np.random.default_rng(1).normal(0, 1, (40, 8, 8, 2)).astype(np.float32)
    np.savez(folder / "data.npz", image=images)
    np.savez(folder / "labelled.npz", image=images, labels=np.zeros(40, np.int64))
    said = [timeless(shell("plan", cwd=folder, env=own).out)]
    built = shell("build", "--json", cwd=folder, env=own)
    assert built.code == 0, built.text
    accuracy = events(built.out, "model")[0]["variants"][0]["accuracy"]
    said.append(timeless(shell("plan", cwd=folder, env=own).out))
    report = folder / "build" / "tiny" / "report.json"
    before = json.loads(report.read_text("utf-8"))
    before["variants"][0] |= {"sha256": "0" * 64, "size": 3000, "accuracy": accuracy - 0.05}
    report.write_text(json.dumps(before), "utf-8")
    said.append(timeless(shell("build", cwd=folder, env=own).text))
    assert "+5.00 points" in said[-1]
    assert "\n".join(said) == snapshot


def test_json(shell: Shell, tmp_path: Path) -> None:
    folder = model(tmp_path, "tiny")
    (plan,) = json.loads(shell("plan", "--json", cwd=folder).out)
    assert plan["version"] == 1
    assert {s["status"] for s in plan["steps"]} <= {"cached", "run", "waits"}
    ran = shell("build", "--json", cwd=folder)
    assert ran.code == 0
    (ended,) = events(ran.out, "finished")
    assert (ended["exit_code"], ended["ok"], ended["errors"]) == (0, True, [])
    (value,) = events(ran.out, "model")
    assert [v["name"] for v in value["variants"]] == ["float32", "dynamic"]
    for variant in value["variants"]:
        assert Path(variant["file"]).stat().st_size == variant["size"]
        assert variant["cosine"] > 0.99
        assert variant["before"] is None
    report = json.loads((folder / "build" / "tiny" / "report.json").read_text("utf-8"))
    assert [v["sha256"] for v in report["variants"]] == [v["sha256"] for v in value["variants"]]
    (plan,) = json.loads(shell("plan", "--json", cwd=folder).out)
    assert {s["status"] for s in plan["steps"]} == {"cached"}
    edit(folder, "[model]", "[modle]")
    ran = shell("build", "--json", cwd=folder)
    (broken,) = events(ran.out, "finished")
    assert (ran.code, broken["ok"], events(ran.out, "model")) == (2, False, [])
    assert [(e["code"], e["line"]) for e in broken["errors"]] == [(2, None), (2, 3)]
    assert "error: unknown key 'modle'" in ran.err
    planned = shell("plan", cwd=folder)
    assert (planned.code, planned.out, planned.err) == (2, "", ran.err)
    planned = shell("plan", "--json", cwd=folder)
    assert (planned.code, json.loads(planned.out), planned.err) == (
        2,
        {"version": 1, "errors": broken["errors"]},
        ran.err,
    )
    assert shell("inspect", "m.tflite", "--json", cwd=folder).code == 0
    inspected = shell("inspect", "model.toml", "--json", cwd=folder)
    assert inspected.code == 2
    assert [e["code"] for e in json.loads(inspected.out)["errors"]] == [2]


def test_several_models(shell: Shell, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """A folder means every model.toml below it, but not those that builds left or that are hidden; mistakes are told
    for each, and with --keep-going the others are built."""
    model(tmp_path, "a/good")
    model(tmp_path, "broken", spec=SPEC.replace("[variant.float32]", "[varaint.float32]"))
    model(tmp_path, "broken_too", spec=SPEC.replace("dynamic-int8", "dynamic-int-8"))
    model(tmp_path, "impossible", "two-signatures")
    model(tmp_path, "lost", spec=SPEC.replace("m.tflite", "n.tflite"))
    model(tmp_path, "unchecked", spec=SPEC + "\n[checks]\nmin_cosine = 1.0\n")
    for skipped in (".hidden", "build", "__pycache__"):  # not looked into
        model(tmp_path, f"{skipped}/no")
    edit(tmp_path / "a" / "good", "a/good", "good")
    ran = shell("build", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "build" not in [p.name for p in (tmp_path / "a" / "good").iterdir()]
    again = shell("build", "--keep-going", cwd=tmp_path)
    assert again.code == 1  # of the first that failed, in the order of the models
    steps = re.compile(r"^  \w+ [\w:]+ .*\n", re.MULTILINE)  # whose order is that of the work
    out = re.sub(
        r" +(reused|# s)  new", "  #  new", steps.sub("", timeless(again.out))
    )  # equal models share their work
    out = re.sub(r"\d+ steps run, \d+ reused", "# steps run, # reused", out)
    err = re.sub(r"\d+\.\d%", "#%", again.err)
    assert ran.err + "-----\n" + out + "-----\n" + err == snapshot
    assert files(tmp_path / "a" / "good" / "build" / "good") == [
        "good-dynamic.tflite",
        "good-float32.tflite",
        "report.json",
    ]
    for failed in ("broken", "broken_too", "impossible", "lost"):
        assert "model.lock" not in files(tmp_path / failed)
    assert files(tmp_path / "unchecked" / "build") == ["unchecked/rejected/unchecked-dynamic.tflite"]


def test_targets(shell: Shell, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    model(tmp_path, "one")
    model(tmp_path, "two", spec=SPEC.replace("[variant.dynamic]", "[variant.small]"))
    absolute = tmp_path / "one"
    ran = shell("build", "one:float32", absolute, "./one/model.toml:float32", cwd=tmp_path)
    assert ran.code == 0, ran.text
    assert ran.out.count("\none\n") == 1
    assert shell("build", ".:small", cwd=tmp_path).code == 0
    assert files(tmp_path / "two" / "build") == ["two/report.json", "two/two-small.tflite"]
    wrong = ["one:flaot32", ".:none", "nowhere", "oen", "one/m.tflite", "one:", "one:android"]
    said = [shell("build", target, cwd=tmp_path) for target in wrong]
    assert [(r.code, r.out) for r in said] == [(64 if t != "one/m.tflite" else 2, "") for t in wrong]
    assert "\n".join(f"$ {t}\n{r.err}" for t, r in zip(wrong, said, strict=True)) == snapshot


def test_out_dir(shell: Shell, tmp_path: Path) -> None:
    model(tmp_path, "one")
    ran = shell("build", "one:float32", "--out-dir", "elsewhere", cwd=tmp_path)
    assert ran.code == 0, ran.text
    assert files(tmp_path / "elsewhere") == ["one/one-float32.tflite", "one/report.json"]
    assert files(tmp_path / "one") == ["m.tflite", "model.lock", "model.toml"]
    model(tmp_path, "two")
    edit(tmp_path / "two", '"two"', '"one"')
    ran = shell("build", "--out-dir", "elsewhere", cwd=tmp_path)
    assert ran.code == 2
    assert "'one' is also the name of one/model.toml, so both would write the same files" in ran.err
    edit(tmp_path / "two", '"one"', '"One"')
    ran = shell("build", "--out-dir", "elsewhere", cwd=tmp_path)
    assert ran.code == 2
    assert (
        "'One' is 'one' of one/model.toml in other case, so both would write the same files where case makes no "
        "difference, as on macOS"
    ) in ran.err
    ran = shell("clean", "one", "--out-dir", "elsewhere", cwd=tmp_path)
    assert (ran.code, ran.out) == (0, "removed elsewhere/one\n")
    (tmp_path / "file").touch()
    assert shell("build", "one", "--out-dir", "file", cwd=tmp_path).code == 64
    assert shell("build", "one", "--out-dir", "file/below", cwd=tmp_path).code == 5


def test_clean_needs_no_source(shell: Shell, tmp_path: Path) -> None:
    folder = model(tmp_path, "one")
    assert shell("build", "one:float32", cwd=tmp_path).code == 0
    (folder / "m.tflite").unlink()
    assert shell("build", "one", cwd=tmp_path).code == 2
    ran = shell("clean", "one", cwd=tmp_path)
    assert (ran.code, ran.text) == (0, "removed one/build/one\n")
    assert files(folder) == ["model.lock", "model.toml"]


def test_clean_leaves_a_link_that_the_user_made(shell: Shell, tmp_path: Path) -> None:
    folder = model(tmp_path, "one")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "build").mkdir()
    (folder / "build" / "one").symlink_to(elsewhere)
    assert shell("build", "one:float32", cwd=tmp_path).code == 0 and any(elsewhere.iterdir())
    ran = shell("clean", "one", cwd=tmp_path)
    assert (ran.code, ran.text) == (0, "removed one/build/one\n")
    assert (folder / "build" / "one").is_symlink() and not any(elsewhere.iterdir())


def test_a_file_where_the_build_folder_belongs(shell: Shell, tmp_path: Path) -> None:
    folder = model(tmp_path, "one")
    (folder / "build").write_text("mine", "utf-8")
    ran = shell("build", "one:float32", cwd=tmp_path)
    assert ran.code == 5
    assert ran.err == (
        "error: cannot write one/build/one/one-float32.tflite: 'one/build' is a file, where a folder is needed\n"
        "help: move it away, or write into another folder\n"
    )
    assert (folder / "build").read_text("utf-8") == "mine"


def test_a_link_that_leads_nowhere_is_told_as_one(shell: Shell, tmp_path: Path) -> None:
    folder = model(tmp_path, "one")
    (folder / "m.tflite").unlink()
    (folder / "m.tflite").symlink_to("gone/model.tflite")
    for arguments, code in ((("build", "one"), 2), (("inspect", "one/m.tflite"), 64), (("init", "one/m.tflite"), 64)):
        ran = shell(*arguments, cwd=tmp_path)
        assert ran.code == code
        assert "m.tflite' is a link to 'gone/model.tflite', which is not there" in ran.err
        assert ran.err.endswith("help: put the file there, or link to where it is\n")


def test_names_that_cannot_be_written_down_or_opened(shell: Shell, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    odd = os.fsdecode(b"caf\xe9")
    model(tmp_path, odd, spec=SPEC.replace("NAME", "odd"))
    saved = model(tmp_path, "saved", spec=SPEC.replace('"tflite"', '"saved_model"').replace("m.tflite", "saved"))
    shutil.copytree(FIXTURES.parent / "saved_models" / "module_pair", saved / "saved")
    (saved / "saved" / odd).touch()
    shutil.copy(FIXTURES / "float32.tflite", tmp_path / f"{odd}.tflite")
    long = "n" * 300
    said = []
    for code, *arguments in (
        (2, "build", odd),
        (2, "plan", odd),
        (2, "build", "saved"),
        (2, "init", f"{odd}.tflite"),
        (64, "inspect", odd),
        (64, "build", long),
        (64, "build", f"{long}:float32"),
        (64, "inspect", long),
        (64, "init", long),
        (64, "init", "-o", long),
    ):
        ran = shell(*arguments, cwd=tmp_path)
        shown = f"$ {' '.join(arguments)}\n{ran.text}-> {ran.code}\n"
        said.append(shown.encode("utf-8", "backslashreplace").decode())
        assert ran.code == code, ran.text
    assert "\n".join(said) == snapshot


def test_a_source_is_locked_as_the_spec_names_it(shell: Shell, tmp_path: Path) -> None:
    """Not by what this machine calls the folder of the spec."""
    model(tmp_path, "one", spec=SPEC.replace("m.tflite", "../one/m.tflite"))
    assert shell("build", "one:float32", cwd=tmp_path).code == 0
    lock = tomli.loads((tmp_path / "one" / "model.lock").read_text("utf-8"))
    assert list(lock["source"]) == ["../one/m.tflite"]


def test_toolchains_that_no_build_uses_are_not_installed_without_their_names(shell: Shell, tmp_path: Path) -> None:
    ran = shell("toolchain", "install", cwd=tmp_path)
    assert ran.code == 0
    # Between these stands what an installation says, if this test is the first to need one.
    installed = [line for line in ran.out.splitlines() if line.endswith(": installed")]
    assert installed == ["core: installed", "litert: installed", "tensorflow: installed"]
    assert "flex" not in ran.out


def test_offline_without_a_toolchain(shell: Shell, tmp_path: Path) -> None:
    model(tmp_path, "one")
    ran = shell("build", "--offline", cwd=tmp_path, env={"TFLITE_BUILD_CACHE": str(tmp_path / "empty")})
    assert ran.code == 3
    assert "error: the toolchain 'core' is not installed, and --offline forbids to install it" in ran.err
    assert not (tmp_path / "one" / "build").exists()


def test_a_store_that_cannot_be_used(shell: Shell, tmp_path: Path) -> None:
    model(tmp_path, "one")
    (tmp_path / "file").touch()
    ran = shell("build", cwd=tmp_path, env={"TFLITE_BUILD_CACHE": str(tmp_path / "file")})
    assert ran.code == 5
    assert "help: " in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", sorted(p.stem for p in FIXTURES.glob("*.tflite")))
def test_inspect(name: str, shell: Shell, snapshot: SnapshotAssertion) -> None:
    ran = shell("inspect", f"{name}.tflite", cwd=FIXTURES)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == snapshot
    value = json.loads(shell("inspect", "--json", f"{name}.tflite", cwd=FIXTURES).out)
    assert value["version"] == 1
    assert value["size"] == (FIXTURES / f"{name}.tflite").stat().st_size == sum(value["parts"].values())
    assert value["oldest_runtime"] or name == "custom"


def test_inspect_of_what_is_no_model(shell: Shell, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    (tmp_path / "cut.tflite").write_bytes((FIXTURES / "int8.tflite").read_bytes()[:-1500])
    (tmp_path / "zip.tflite").write_bytes(b"PK\x03\x04 and more")
    (tmp_path / "tiny.tflite").write_bytes(b"x")
    (tmp_path / "empty.tflite").touch()
    names = ["cut.tflite", "zip.tflite", "tiny.tflite", "empty.tflite", "ctu.tflite", "."]
    said = [shell("inspect", name, cwd=tmp_path) for name in names]
    assert [r.code for r in said] == [2, 2, 2, 2, 64, 64]
    assert [r.out for r in said] == [""] * len(names)
    assert "\n".join(f"$ {n}\n{r.err}" for n, r in zip(names, said, strict=True)) == snapshot


def test_run(shell: Shell, tmp_path: Path, snapshot: SnapshotAssertion, python_of: Callable[[str], Path]) -> None:
    python_of("flex")  # whose installation would be told
    for name in ("two-signatures", "int8", "dynamic-shape", "no-signature", "custom"):
        shutil.copy(FIXTURES / f"{name}.tflite", tmp_path)
    image = np.linspace(-1, 1, 128, dtype=np.float32).reshape(1, 8, 8, 2)
    np.savez(tmp_path / "image.npz", image=image)
    np.savez(tmp_path / "classify.npz", classify_image=image)
    np.savez(tmp_path / "scale.npz", values=np.arange(4, dtype=np.float64), factor=np.float32(2))
    np.savez(tmp_path / "rows.npz", rows=np.ones((3, 8), np.float32))
    np.savez(tmp_path / "wrong_shape.npz", image=image[0])
    np.savez(tmp_path / "wrong_type.npz", image=image > 0)
    np.savez(tmp_path / "wrong_name.npz", imgae=image)
    (tmp_path / "text.npz").write_text("no array")

    def run(file: str, data: str, *more: str, output: str = "y.npz") -> Any:
        return shell("run", f"{file}.tflite", "--input", f"{data}.npz", "--output", output, *more, cwd=tmp_path)

    ran = run("two-signatures", "scale", "--signature", "scale")
    assert (ran.code, ran.out) == (0, "scaled: float32 [4]\n")
    assert np.load(tmp_path / "y.npz")["scaled"].tolist() == [1, 3, 5, 7]
    assert run("int8", "image").out == "probabilities: int8 [1, 6]\n"
    integers = np.load(tmp_path / "y.npz")["probabilities"]
    assert run("int8", "image", "--dequantize").out == "probabilities: float32 [1, 6]\n"
    real = np.load(tmp_path / "y.npz")["probabilities"]
    assert np.allclose(real, (integers.astype(np.float32) + 128) / 256)
    assert run("dynamic-shape", "rows", output="new/folder/y.npz").out == "scores: float32 [3, 6]\n"
    assert np.load(tmp_path / "new" / "folder" / "y.npz")["scores"].shape == (3, 6)
    assert run("no-signature", "classify").code == 0

    (tmp_path / "y.npz").write_bytes(b"what was there")
    wrong = [
        (2, ("two-signatures", "scale")),
        (2, ("two-signatures", "scale", "--signature", "scal")),
        (2, ("two-signatures", "image", "--signature", "add")),
        (2, ("int8", "wrong_shape")),
        (2, ("int8", "wrong_type")),
        (2, ("int8", "wrong_name")),
        (2, ("int8", "text")),
        (64, ("int8", "nothing")),
        (64, ("nothing", "image")),
        (1, ("custom", "image")),
    ]
    said = []
    for code, arguments in wrong:
        ran = run(*arguments)
        assert (ran.code, ran.out) == (code, ""), ran.text
        said.append(f"$ {' '.join(arguments)}\n{ran.err}")
    assert "\n".join(said) == snapshot
    assert (tmp_path / "y.npz").read_bytes() == b"what was there"
    (tmp_path / "folder").mkdir()
    assert run("int8", "image", output="folder").code == 5


def test_run_replaces_neither_the_model_nor_its_input(shell: Shell, tmp_path: Path) -> None:
    """However the output is spelled: a run that names the wrong file loses nothing."""
    shutil.copy(FIXTURES / "int8.tflite", tmp_path / "m.tflite")
    np.savez(tmp_path / "x.npz", image=np.zeros((1, 8, 8, 2), np.float32))
    (tmp_path / "folder").mkdir()
    for name, target in (("m.npz", "m.tflite"), ("x2.npz", "x.npz")):
        (tmp_path / name).symlink_to(target)
    (tmp_path / "hard.npz").hardlink_to(tmp_path / "x.npz")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    for output, what in (
        ("m.tflite", "the model"),
        ("folder/../m.tflite", "the model"),
        (str(tmp_path / "m.tflite"), "the model"),
        ("m.npz", "the model"),
        ("x.npz", "the input"),
        ("./x.npz", "the input"),
        ("x2.npz", "the input"),
        ("hard.npz", "the input"),
    ):
        ran = shell("run", "m.tflite", "-i", "x.npz", "-o", output, cwd=tmp_path)
        said = f"error: the output '{Path(output)}' is {what} itself\nhelp: name another file for the output\n"
        assert (ran.code, ran.out, ran.err) == (2, "", said), output
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before
    assert (tmp_path / "m.npz").is_symlink() and (tmp_path / "x2.npz").is_symlink()


def test_what_xnnpack_says_stands_on_lines_of_its_own(shell: Shell, tmp_path: Path) -> None:
    """Its messages follow each other without so much as a space."""
    folder = model(tmp_path, "one", "int8", SPEC[: SPEC.index("[variant.dynamic]")])
    data = (folder / "m.tflite").read_bytes()
    dense = next(t for t in reader.parse(memoryview(data)).subgraphs[0].tensors if t.shape == (6, 8))
    assert dense.quantization
    scales = struct.pack("<6f", *dense.quantization.scales)
    assert data.count(scales) == 1
    (folder / "m.tflite").write_bytes(data.replace(scales, bytes(24)))
    ran = shell("build", "one", cwd=tmp_path)
    assert ran.code == 2
    assert re.fullmatch(
        r"error: the file cannot be run: the runtime refuses it: unsupported scale value \(0.000000\) in channel 0 for "
        r"INT8 tensor 2 in XNNPACK delegate \(TfLiteXNNPackDelegate failed to prepare\)\n"
        r" --> one/model.toml:8\n"
        r'8 \| path = "m.tflite"\n'
        r"    unsupported datatype \(INT8\) of tensor 2 in XNNPACK delegate\n"
        r"    failed to create XNNPACK Value for tensor 2\n",
        ran.err,
    )


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_run_with_ids_outside_of_a_table(engine: str, shell: Shell, tmp_path: Path) -> None:
    """Whichever operator the converter makes of an embedding, and whether or not its table is quantized."""
    shutil.copy(ROOT / "tests" / "fixtures" / "init" / "text.keras", tmp_path)
    assert shell("init", "text.keras", cwd=tmp_path).code == 0
    with (tmp_path / "model.toml").open("a", encoding="utf-8") as spec:
        spec.write(f'[convert]\nengine = "{engine}"\n')
    ran = shell("build", cwd=tmp_path)
    assert ran.code == 0, ran.text
    for name, last in (("good", 29), ("bad", 30)):
        np.savez(tmp_path / f"{name}.npz", ids=np.array([[0, 1, 2, 3, 4, last]], np.int32))
    for variant in ("float32", "float16", "dynamic"):
        file = f"build/text/text-{variant}.tflite"
        assert shell("run", file, "-i", "good.npz", "-o", "y.npz", cwd=tmp_path).code == 0
        ran = shell("run", file, "-i", "bad.npz", "-o", "y.npz", cwd=tmp_path)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == (
            "error: the input 'ids' holds 30, and its ids look into a table of 30 rows\n"
            " --> bad.npz\nhelp: ids are 0 to 29\n"
        )


def test_run_with_ids_that_the_model_changes_before_it_looks(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        "import jax.numpy as jnp\n\nTABLE = jnp.ones((9, 4))\n\n\ndef predict(a, b):\n    return TABLE[a * 2] * b\n"
    )
    (tmp_path / "model.toml").write_text(
        'spec = 1\n[model]\nname = "m"\n[source]\nformat = "jax"\nentry = "model.py:predict"\n'
        '[input.a]\nshape = [3]\ndtype = "int32"\n[input.b]\nshape = [3, 4]\ndtype = "int32"\n'
    )
    assert shell("build", cwd=tmp_path).code == 0
    np.savez(tmp_path / "x.npz", a=np.array([0, 4, 5], np.int32), b=np.ones((3, 4), np.int32))
    ran = shell("run", "build/m/m-float32.tflite", "-i", "x.npz", "-o", "y.npz", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: an id lies outside of the table that it looks into; the inputs with ids hold 'a' (0 to 5)\n --> x.npz\n"
        "help: ids start at 0 and end below the rows of the model's tables\n"
    )


def test_run_with_ids_that_another_table_turns_into_others(shell: Shell, tmp_path: Path) -> None:
    """The table to blame is the one that they look into, not the smaller one behind it; and so with two choices."""
    (tmp_path / "model.py").write_text(
        "import jax.numpy as jnp\nimport numpy as np\n\n"
        "REMAP, TABLE = jnp.asarray(np.arange(20) % 5, 'int32'), jnp.ones((5, 4))\n\n\n"
        "def predict(ids, place):\n    return TABLE[REMAP[ids]] + TABLE[jnp.array([4, 3, 2])[place]]\n"
    )
    (tmp_path / "model.toml").write_text(
        'spec = 1\n[model]\nname = "m"\n[source]\nformat = "jax"\nentry = "model.py:predict"\n'
        '[input.ids]\nshape = [3]\ndtype = "int32"\n[input.place]\nshape = [3]\ndtype = "int32"\n'
    )
    assert shell("build", cwd=tmp_path).code == 0
    for ids, place, wrong in (
        (
            [0, 19, 20],
            [0, 1, 2],
            "'ids' holds 20, and its ids look into a table of 20 rows\n --> x.npz\nhelp: ids are 0 to 19",
        ),
        (
            [0, 18, 19],
            [2, 3, 0],
            "'place' holds 3, and its ids look into a table of 3 rows\n --> x.npz\nhelp: ids are 0 to 2",
        ),
    ):
        np.savez(tmp_path / "x.npz", ids=np.array(ids, np.int32), place=np.array(place, np.int32))
        ran = shell("run", "build/m/m-float32.tflite", "-i", "x.npz", "-o", "y.npz", cwd=tmp_path)
        assert (ran.code, ran.out, ran.err) == (2, "", f"error: the input {wrong}\n")


def test_schema_is_that_of_the_types_and_takes_the_examples(shell: Shell, tmp_path: Path) -> None:
    schema = json.loads(shell("schema", cwd=tmp_path).out)
    assert schema == json.loads((ROOT / "specs" / "model.schema.json").read_text("utf-8"))
    assert reference() == (ROOT / "docs" / "reference.md").read_text("utf-8")  # scripts/generate.py writes both
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for example in sorted((ROOT / "examples").glob("*/model.toml")):
        assert not list(validator.iter_errors(tomli.loads(example.read_text("utf-8")))), example
    valid = tomli.loads(SPEC)
    for wrong in (
        {**valid, "spec": 2},
        {**valid, "modle": {}},
        {**valid, "model": {"name": "two words"}},
        {**valid, "variant": {"a": {"quantize": "int9"}}},
        {**valid, "source": {"format": "onnx"}},
        {**valid, "input": {"x": {"shape": [0]}}},
        {k: v for k, v in valid.items() if k != "source"},
    ):
        assert list(validator.iter_errors(wrong)), wrong


def test_toolchain_list_and_doctor(shell: Shell, tmp_path: Path) -> None:
    listed = shell("toolchain", "list", cwd=tmp_path)
    assert listed.code == 0
    assert re.search(r"^core +installed, \d+\.\d MB +.*litert-converter", listed.out, re.MULTILINE), listed.out
    names = [t["name"] for t in json.loads(shell("toolchain", "list", "--json", cwd=tmp_path).out)["toolchains"]]
    assert names == ["core", "flex", "litert", "tensorflow"]
    empty = {"TFLITE_BUILD_CACHE": str(tmp_path / "empty")}
    assert shell("toolchain", "list", cwd=tmp_path, env=empty).out.count("not installed") == 4
    examined = shell("doctor", cwd=tmp_path)
    assert examined.code == 0, examined.text
    findings = json.loads(shell("doctor", "--json", cwd=tmp_path).out)["findings"]
    assert all(f["ok"] and f["name"] in examined.out for f in findings)


def test_doctor_tells_a_cache_that_cannot_be_written_by_its_exit_code(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = shell("doctor", cwd=tmp_path, env={"TFLITE_BUILD_CACHE": str(tmp_path / "file")})
    assert ran.code == 5
    assert "PROBLEM  cache" in ran.out


COMMANDS = ["", "build", "plan", "init", "inspect", "diff", "run", "schema", "clean", "doctor", "toolchain",
            "toolchain list", "toolchain install", "toolchain remove"]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_help_reads_well(command: str, shell: Shell, tmp_path: Path) -> None:
    """No sentence is cut off, no line too long, and every option and command says what it does."""
    ran = shell(*command.split(), "--help", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"Usage: tflite-build {command}".rstrip())
    assert max(map(len, lines)) <= 100
    assert not [line for line in lines if line.endswith("...") and not line.startswith("Usage")]
    described = [line for line in lines if re.match(r"  (-|[A-Za-z.\[\]:]+  )", line)]
    assert described
    assert lines[2].startswith("  ") and lines[2].endswith(".")
    text = re.sub(r"\s+", " ", ran.out)
    if command == "":
        assert "2 a spec is wrong, 3 an engine or toolchain failed" in text
        for name in COMMANDS[1:11]:
            assert re.search(rf"^  {name} +[A-Z].*\.$", ran.out, re.MULTILINE), name


def test_wrong_usage(shell: Shell, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    model(tmp_path, "one")
    wrong = ["frobnicate", "bulid", "toolchain instal", "build --keep-goin", "inspect", "run m.tflite",
             "schema more", "toolchain remove nope", "toolchain", "init --output", "--color sometimes build",
             "build --message-format xml"]  # fmt: skip
    said = []
    for line in wrong:
        ran = shell(*line.split(), cwd=tmp_path)
        assert (ran.code, ran.out) == (64, ""), line
        said.append(f"$ {line}\n{ran.err.splitlines()[0] if line == 'toolchain' else ran.err}")
    assert "\n".join(said) == snapshot
    ran = shell(cwd=tmp_path)
    assert (ran.code, ran.out) == (64, "")
    assert ran.err.startswith("Usage: tflite-build [OPTIONS] COMMAND")


def test_version(shell: Shell, tmp_path: Path) -> None:
    assert shell("--version", cwd=tmp_path).out == f"tflite-build {tflite_build.__version__}\n"


def test_every_documented_exit_code_is_told_in_help_and_docs(shell: Shell, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    told = {int(code) for code in re.findall(r"(\d+) [a-z]", shell("--help", cwd=tmp_path).out.split("Exit codes:")[1])}
    assert documented == told == {int(c) for c in ExitCode}


def test_paths_with_spaces_and_other_letters(shell: Shell, tmp_path: Path) -> None:
    folder = model(tmp_path / "my models: ä", "one")
    ran = shell("build", folder.parent, cwd=tmp_path)
    assert ran.code == 0, ran.text
    assert files(folder / "build") == ["one/one-dynamic.tflite", "one/one-float32.tflite", "one/report.json"]
