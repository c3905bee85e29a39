"""The process that is started before the tool knows what it will do: taken where it fits, else never there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tflite_build.run import ahead, code
from tflite_build.run.worker import EngineProcess, Environment, Workers
from tflite_build.store.store import cache_root, store_folder
from tflite_build.toolchain import pins, provision


@pytest.fixture
def python(cache: Path) -> Iterator[Path]:
    """The Python of an installed litert toolchain."""
    yield provision.ensure(pins.load("litert"), cache_root(), offline=False, report=print)
    for process in ahead._started:
        process.kill()
    ahead._started.clear()


def project(folder: Path, source: str) -> Path:
    folder.mkdir()
    (folder / "model.toml").write_text(f'spec = 1\n[source]\nformat = "{source}"\n', "utf-8")
    return folder


@pytest.mark.parametrize(("source", "options"), [("keras", ["--json"]), ("jax", []), ("jax", ["-v", "-k"])])
@pytest.mark.parametrize("name", ["model", "model/model.toml", "."])
def test_the_first_build_of_a_model_takes_it(
    source: str, options: list[str], name: str, python: Path, tmp_path: Path
) -> None:
    project(tmp_path / "model", source)
    ahead.start([*options, str(tmp_path / name)])
    engine_code = code.unpack(store_folder(cache_root()))
    workers = Workers(engine_code, tmp_path, 2)
    started: list[EngineProcess] = ahead.taken(engine_code)
    try:
        assert len(started) == 1
        workers.adopt(started)
        assert workers.take(Environment("litert", python), fresh=True) is started[0]
        assert started[0].alive
    finally:
        workers.close()
    assert not started[0].alive


def test_it_is_started_only_where_it_is_wanted(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = project(tmp_path / "built", "keras")
    (built / "build").mkdir()
    keras = project(tmp_path / "keras", "keras")
    for arguments in (
        [str(built)],
        [str(project(tmp_path / "other", "saved_model"))],
        [str(keras), str(keras)],
        [str(keras), "--out-dir", str(tmp_path)],
        [f"{keras}:int8"],
        [str(tmp_path / "nowhere")],
        ["\0"],
    ):
        ahead.start(arguments)
        assert ahead._started == [], arguments
    monkeypatch.setenv("TFLITE_BUILD_CACHE", str(tmp_path / "empty"))
    ahead.start([str(keras)])
    assert ahead._started == []
    assert not (tmp_path / "empty").exists()


def test_one_that_runs_other_code_is_ended(python: Path, tmp_path: Path) -> None:
    ahead.start([str(project(tmp_path / "model", "keras"))])
    (process,) = ahead._started
    assert ahead.taken(code.EngineCode(tmp_path, "of another version")) == []
    assert not process.alive
