"""The defaults of a workspace: which file counts, what goes before what, and where a mistake is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from harness import Ran
from syrupy.assertion import SnapshotAssertion

from tflite_build.errors import SpecError
from tflite_build.spec.load import load
from tflite_build.spec.schema import workspace_schema
from tflite_build.spec.tables import models_in
from tflite_build.spec.types import ModelSpec
from tflite_build.spec.workspace import WorkspaceSpec

ROOT = Path(__file__).resolve().parents[2]
HEAD = 'spec = 1\n[model]\nname = "m"\n'
KERAS = HEAD + '[source]\nformat = "keras"\npath = "m.keras"\n'
SAVED = HEAD + '[source]\nformat = "saved_model"\npath = "saved"\n'
TFLITE = HEAD + '[source]\nformat = "tflite"\npath = "m.tflite"\n'
DEFAULTS = (
    '[convert]\nengine = "litert"\ntolerance = 0.5\n[checks]\nmin_cosine = 0.5\n'
    '[limits]\ntimeout = 7\nmemory = "1 GB"\n[toolchain]\npackages = ["einops==0.8.1"]\n'
)


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A repository with a folder `models/one` for a model."""
    (tmp_path / "team" / ".git").mkdir(parents=True)
    model = tmp_path / "team" / "models" / "one"
    (model / "saved").mkdir(parents=True)
    (model / "saved" / "saved_model.pb").touch()
    for name in ("m.keras", "m.tflite"):
        (model / name).touch()
    return tmp_path / "team"


def write(team: Path, model: str, workspace: str | None = None, at: str = ".") -> Path:
    file = team / "models" / "one" / "model.toml"
    file.write_text(model, "utf-8")
    if workspace is not None:
        (team / at / "tflite-build.toml").write_text(workspace, "utf-8")
    return file


def test_each_key_is_the_models_own_or_the_workspaces(team: Path) -> None:
    own = '[limits]\ntimeout = 9\n[toolchain]\npackages = []\n[convert]\nengine = "auto"\n'
    spec = load(write(team, KERAS + own, DEFAULTS)).spec
    assert (spec.limits.timeout, spec.limits.memory) == (9, "1 GB")
    assert (spec.convert.engine, spec.convert.tolerance) == ("auto", 0.5)
    assert spec.toolchain.packages == ()
    assert spec.checks.min_cosine == 0.5


@pytest.mark.parametrize("text", [None, "", "# nothing\n[limits]\n"])
def test_without_a_default_a_spec_means_the_same(team: Path, text: str | None) -> None:
    assert load(write(team, KERAS, text)).spec == load(write(team, KERAS)).spec


def test_every_default_is_a_key_of_model_toml() -> None:
    for name, info in WorkspaceSpec.model_fields.items():
        if name != "build":
            (shared,), (own,) = models_in(info.annotation), models_in(ModelSpec.model_fields[name].annotation)
            assert shared.model_fields.keys() <= own.model_fields.keys()


def test_the_nearest_file_counts_alone(team: Path) -> None:
    write(team, KERAS, "[limits]\ntimeout = 1\n[checks]\nmin_cosine = 0.1\n")
    spec = load(write(team, KERAS, "[limits]\ntimeout = 2\n", at="models")).spec
    assert (spec.limits.timeout, spec.checks.min_cosine) == (2, None)
    assert load(write(team, KERAS, "[limits]\ntimeout = 3\n", at="models/one")).spec.limits.timeout == 3


def test_nothing_above_a_repository_counts(team: Path) -> None:
    file = write(team, KERAS)
    (team.parent / "tflite-build.toml").write_text("[limits]\ntimeout = 1\n")
    assert load(file).spec.limits.timeout == 1800
    (team / ".git").rmdir()
    assert load(file).spec.limits.timeout == 1


def test_what_is_not_converted_takes_no_default_engine(team: Path) -> None:
    spec = load(write(team, TFLITE, DEFAULTS)).spec
    assert (spec.convert.engine, spec.convert.tolerance) == ("auto", 0.5)


WRONG = {
    "not_toml": (KERAS, "[limits\n"),
    "unknown_table": (KERAS, "[limit]\ntimeout = 1\n"),
    "unknown_key": (KERAS, '[model]\nname = "all"\n[build]\nout = "x"\n[checks]\naccuracy = 1\n'),
    "wrong_type": (KERAS, '[limits]\ntimeout = "1"\nmemory = "much"\n'),
    "wrong_table": (KERAS, "limits = 3\n"),
    "default_that_does_not_fit": (SAVED, '# of the team\n[convert]\nengine = "litert"\n'),
    "models_own_mistake": (KERAS + "limits = 3\n[convert]\nengine = 3\n", DEFAULTS),
}


@pytest.mark.parametrize("name", WRONG)
def test_error(name: str, team: Path, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(team, *WRONG[name])
    monkeypatch.chdir(team)
    with pytest.raises(SpecError) as caught:
        load(file.relative_to(team))
    assert caught.value.render(team) == snapshot(name=name)


def test_a_mistake_of_the_workspace_is_told_once(team: Path, cli: Callable[..., Ran]) -> None:
    write(team, KERAS, "[limits]\ntimeout = 0\n")
    (team / "models" / "two").mkdir()
    (team / "models" / "two" / "model.toml").write_text(KERAS.replace('"m"', '"n"'))
    ran = cli("build", cwd=team)
    assert ran.code == 2 and ran.err.count("error:") == 1 and " --> tflite-build.toml:2" in ran.err


def test_the_schema_is_of_the_same_mind(cli: Callable[..., Ran]) -> None:
    schema = workspace_schema()
    assert json.loads(cli("schema", "--workspace").out) == schema
    assert json.loads((ROOT / "specs" / "workspace.schema.json").read_text("utf-8")) == schema
    jsonschema.validate({"limits": {"timeout": 3}, "build": {"out_dir": "out"}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"limits": {"timeout": 0}}, schema)
