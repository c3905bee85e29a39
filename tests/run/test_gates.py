"""Limits of [checks] and [runtime]: each with a figure and a limit; `check` shows them and writes nothing."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Ran, inside

import tflite_build
from tflite_build.cli import front
from tflite_build.errors import ExitCode
from tflite_build.progress import StepStarted


def gates(model) -> dict[tuple[str, str, str], bool]:
    """Whether each limit is kept, by variant, check and what it is of."""
    (result,) = tflite_build.check(model.folder).models
    return {(g.variant, g.check, g.subject): g.ok for g in result.gates}


def test_every_limit_has_a_figure(small) -> None:
    small.write(
        checks='min_cosine = 0.9\nmax_error = 10\nmax_size = "1 MB"',
        int8='quantize = "int8"\nchecks = { min_cosine = 1 }',
    )
    (result,) = tflite_build.check(small.folder).models
    found = {(g.variant, g.check, g.limit): g for g in result.gates}
    names = {g.subject for g in result.gates if g.check == "max_error"}
    assert len(names) == 1 and "" not in names
    assert found["float32", "max_size", "at most 1 MB"].ok
    assert found["float32", "min_cosine", "at least 0.9"].figure == "1"
    assert not found["int8", "min_cosine", "at least 1"].ok, "its own limit goes before that of [checks]"
    assert found["int8", "max_error", "at most 10"].ok
    assert found["int8", "runtime.oldest", "litert 2.3.0"].figure == "has every operator"
    assert not result.ok and {e.code for e in result.errors} == {ExitCode.CHECK_FAILED}
    assert not (small.folder / "build").exists() and not small.lock.exists()


@pytest.mark.parametrize(
    ("tables", "said", "line"),
    [
        (
            {"checks": 'max_size = "1 KB"'},
            ["variant 'float32' has 3,", " more than 1 KB", 'help: quantize = "float16" halves'],
            'max_size = "1 KB"',
        ),
        (
            {"checks": "max_error = { probabilities = 1e-9 }", "float32": None},
            [
                "output 'probabilities' of variant 'int8' is off by up to ",
                "; at most 1e-09 is wanted",
                "--suggest` tries which of them",
            ],
            "max_error = { probabilities = 1e-9 }",
        ),
        (
            {"int8": 'quantize = "int8"\nchecks.max_error.probabilities = 1e-9'},
            ["output 'probabilities' of variant 'int8' is off by"],
            "checks.max_error.probabilities = 1e-9",
        ),
        (
            {
                "runtime": 'oldest = { android = "tflite 2.16", ios = "tflite 2.17" }',
                "int8": 'quantize = "dynamic-int8"',
            },
            [
                "tflite 2.16.0 cannot run variant 'int8': it lacks FULLY_CONNECTED version 12",
                "FULLY_CONNECTED version 12: since tflite 2.17.0; used once, first for '",
                'help: if no older runtime is met, say `oldest = "tflite 2.17.0"`',
            ],
            'oldest = { android = "tflite 2.16", ios = "tflite 2.17" }',
        ),
    ],
)
def test_a_limit_that_is_missed(small, tables: dict[str, str | None], said: list[str], line: str) -> None:
    small.write(**tables)
    failed = small.build()
    assert failed.result.exit_code == ExitCode.CHECK_FAILED
    assert [words for words in said if words not in failed.shown] == [], failed.shown
    assert line in failed.shown
    assert not small.lock.exists()


def test_memory_and_the_gpu(small) -> None:
    small.write(checks='max_arena = "1 KB"', compatibility='gpu = "require"', int16='quantize = "int16x8"')
    failed = small.build()
    assert failed.result.exit_code == ExitCode.CHECK_FAILED
    found = {(g.variant, g.check): g for g in failed.model.gates}
    arena = {
        variant: int(g.figure.split()[0].replace(",", "")) for (variant, c), g in found.items() if c == "max_arena"
    }
    assert arena["int8"] < arena["int16"] < arena["float32"], "a fourth and a half of the bytes for each value"
    assert found["float32", "compatibility.gpu"].ok and found["int8", "compatibility.gpu"].ok
    assert re.search(r"the GPU delegate takes 0 of \d+ operators of variant 'int16', in 0 pieces", failed.shown)
    assert "it takes int16" in failed.shown and "help: write these layers otherwise, or allow the CPU" in failed.shown
    assert f"variant 'float32' takes {arena['float32']:,} bytes for activations" in failed.shown
    small.write(checks='max_arena = "1 MB"', compatibility='gpu = "allow"')
    assert small.build().result.ok


def test_an_output_that_is_not_there(small) -> None:
    small.write(checks="max_error = { probabilitys = 1 }")
    failed = small.build()
    assert failed.result.exit_code == ExitCode.SPEC_WRONG
    assert "there is no output 'probabilitys'" in failed.shown and "did you mean 'probabilities'?" in failed.shown


def test_an_unchanged_model_is_checked_without_an_engine(small) -> None:
    started: list[StepStarted] = []
    tflite_build.check(small.folder, on_event=lambda e: started.append(e) if isinstance(e, StepStarted) else None)
    assert started
    small.write(checks="min_cosine = 0.5")
    started.clear()
    (result,) = tflite_build.check(
        small.folder, on_event=lambda e: started.append(e) if isinstance(e, StepStarted) else None
    ).models
    assert result.ok and started == [] and len(result.gates) == 4
    assert small.build().ran == [], "what a check made is made"
    (result,) = tflite_build.check(small.folder).models
    assert len(result.gates) == 4, "from the snapshot"


def test_checks_are_shown(small, cli: Callable[..., Ran]) -> None:
    small.write(checks='max_size = "2 KB"')
    ran = cli("check", small.folder, cwd=small.folder)
    assert ran.code == 4
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["int8", "runtime.oldest", "has", "every", "operator", "litert", "2.3.0", "ok"] in rows
    assert any(row[:2] == ["float32", "max_size"] and row[-1] == "MISSED" for row in rows)
    assert ran.out.splitlines()[-1].endswith("checks missed") and "error: variant 'float32' has" in ran.err
    ran = cli("check", small.folder, "--json", cwd=small.folder)
    said = json.loads(ran.out)
    assert (ran.code, said["ok"], said["version"]) == (4, False, 1)
    assert {c["ok"] for c in said["models"][0]["checks"] if c["check"] == "runtime.oldest"} == {True}
    ran = cli("check", small.folder / "none", cwd=small.folder)
    assert ran.code == 64 and "there is no file or folder" in ran.err


def test_the_report_has_them(small) -> None:
    small.write(checks='max_size = "1 MB"')
    small.build()
    report = json.loads((small.output("int8").parent / "report.json").read_text())
    assert {(c["variant"], c["check"], c["ok"]) for c in report["checks"]} == {
        (variant, check, True) for variant in ("float32", "int8") for check in ("max_size", "runtime.oldest")
    }


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Shuts a folder or a file, as its mode would do for anybody but root."""
    places: set[Path] = set()
    looking, reading = os.scandir, Path.read_bytes

    def refused(path: str | Path | int) -> None:
        if not isinstance(path, int) and Path(path).absolute() in places:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def look(path: str | int = ".") -> object:
        refused(path)
        return looking(path)

    def read(path: Path) -> bytes:
        refused(path)
        return reading(path)

    monkeypatch.setattr(os, "scandir", look)
    monkeypatch.setattr(Path, "read_bytes", read)
    return places.add


def test_a_folder_that_cannot_be_read_is_no_success(small, cache: Path, shut: Callable[[Path], None]) -> None:
    above = small.folder.parent
    cli = inside(cache)
    (above / "other").mkdir()
    assert cli("build", above, cwd=above).code == 0
    assert front.look([str(above)]).done
    shut(above / "other")
    for looked in (front.look([str(above)]), front.look([str(above / "other"), str(small.folder)])):
        assert looked is None, "the whole command line says it"
    ran = cli("check", ".", cwd=above)
    assert ran.code == 2 and "error: cannot read the folder 'other': Permission denied\n --> other\n" in ran.err
    assert "float32  runtime.oldest" in ran.out and "1 model not checked" in ran.out.splitlines()[-1]
    said = json.loads(cli("check", ".", "--json", cwd=above).out)
    assert [(m["model"], m["spec"], m["ok"]) for m in said["models"]] == [
        ("small", str(small.folder / "model.toml"), True),
        ("other", str(above / "other"), False),
    ]
    for words in (["build", "."], ["build", "other"], ["plan", "."], ["build", "-k", "."]):
        ran = cli(*words, cwd=above)
        assert (ran.code, "cannot read the folder 'other'" in ran.err) == (2, True), ran.text


def test_a_spec_that_cannot_be_read(small, cache: Path, shut: Callable[[Path], None]) -> None:
    shut(small.folder / "model.toml")
    ran = inside(cache)("check", "model.toml", "--json", cwd=small.folder)
    (model,) = json.loads(ran.out)["models"]
    assert (ran.code, model["model"], model["spec"]) == (2, "small", str(small.folder / "model.toml"))
    assert model["errors"][0]["message"] == "cannot read model.toml: Permission denied"
