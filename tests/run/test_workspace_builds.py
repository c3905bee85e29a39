"""A workspace is an input: what it says, which one counts, and where it puts build folders."""

from __future__ import annotations

from pathlib import Path

import pytest

import tflite_build
from tflite_build.errors import BuildError
from tflite_build.run import unchanged


def nothing_to_do(small) -> bool:
    return bool(unchanged.look([small.folder / "model.toml"], None))


@pytest.fixture
def team(small) -> Path:
    """The folder above the model's, with a workspace that says nothing, built."""
    team = small.folder.parent
    (team / ".git").mkdir()
    (team / "tflite-build.toml").write_text("")
    assert small.build().result.ok and nothing_to_do(small)
    return team


def test_a_changed_default_is_seen(small, team: Path) -> None:
    (team / "tflite-build.toml").write_text("[checks]\nmin_cosine = 1\n")
    assert not nothing_to_do(small)
    built = small.build()
    assert "at least 1 is wanted" in built.shown and " --> " in built.shown and "tflite-build.toml:2" in built.shown
    (team / "tflite-build.toml").write_text("# looser\n[checks]\nmin_cosine = 0.5\n")
    assert small.build().result.ok and nothing_to_do(small)


def test_another_workspace_is_seen(small, team: Path) -> None:
    nearer = small.folder / "tflite-build.toml"
    nearer.write_text("")
    assert not nothing_to_do(small)
    assert small.build().ran == [] and nothing_to_do(small)
    nearer.unlink()
    assert not nothing_to_do(small)
    small.build()
    (team / "tflite-build.toml").unlink()
    assert not nothing_to_do(small)
    small.build()
    assert nothing_to_do(small)
    (team.parent / "tflite-build.toml").write_text("")  # above the repository
    assert nothing_to_do(small)
    (team / ".git").rmdir()
    assert not nothing_to_do(small)


def test_a_repository_that_begins_below_the_workspace_leaves_it(small, team: Path) -> None:
    (small.folder / ".git").mkdir()
    assert not nothing_to_do(small)


def test_where_build_folders_go(small, team: Path, tmp_path: Path) -> None:
    before = small.outputs()
    (team / "tflite-build.toml").write_text('[build]\nout_dir = "made/here"\n')
    built = small.build()
    assert built.model.folder == team / "made" / "here" / "small" and nothing_to_do(small)
    made = team / "made" / "here"
    assert (made / "small" / "small-int8.tflite").read_bytes() == before["small/small-int8.tflite"]
    assert small.build(out_dir=tmp_path / "other").model.folder == tmp_path / "other" / "small"
    (made / "small" / "small-int8.tflite").unlink()
    assert not nothing_to_do(small)
    assert tflite_build.clean(small.folder) == (made / "small",)


def test_verify_takes_the_defaults_along(small, team: Path) -> None:
    assert all(model.ok for model in tflite_build.verify(small.folder))
    (team / "tflite-build.toml").write_text("[checks]\nmin_cosine = 1\n")
    with pytest.raises(BuildError, match="at least 1 is wanted"):
        tflite_build.verify(small.folder)
