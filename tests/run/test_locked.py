"""`build --locked` makes what model.lock says, or fails with what is not so, and changes nothing."""

from __future__ import annotations

import pytest

from tflite_build.errors import ExitCode

HELP = "help: build without --locked if that is meant, and commit model.lock"


@pytest.fixture
def built(small):
    small.build()
    return small


def refused(model, target: str = "") -> str:
    """The errors of a locked build, which changes nothing and leaves every file."""
    before = (model.outputs(), model.lock.read_bytes() if model.lock.exists() else None)
    result = model.build(target, locked=True)
    assert not result.model.ok and {e.code for e in result.model.errors} == {ExitCode.DIFFERS}
    assert (model.outputs(), model.lock.read_bytes() if model.lock.exists() else None) == before
    return result.shown


def test_the_same_is_built(built) -> None:
    outputs, lock = built.outputs(), built.lock.read_bytes()
    (built.output("int8")).unlink()
    assert built.build(locked=True).model.ok
    assert (built.outputs(), built.lock.read_bytes()) == (outputs, lock)


def test_without_a_lock_there_is_nothing_to_hold_to(small) -> None:
    assert refused(small).splitlines()[0] == "error: there is no model.lock, which --locked holds a build to"


def test_a_changed_source_is_told_before_anything_runs(built) -> None:
    built.change_a_weight()
    said = refused(built)
    assert said.splitlines()[0].startswith("error: the content of 'm.tflite' is ") and said.endswith(HELP)
    assert " --> model.lock:" in said and "m.tflite" in said.splitlines()[2]
    assert built.build(locked=True).ran == []


def test_another_output_is_told_with_its_line(built) -> None:
    built.write(int8='quantize = "int8"\nio = "int8"')
    said = refused(built)
    assert said.splitlines()[0].startswith("error: the output 'small-int8.tflite' is ")
    assert "small-int8.tflite" in said.splitlines()[2]
    assert built.build(":float32", locked=True).model.ok  # as locked


def test_a_new_and_a_removed_variant(built) -> None:
    built.write(int8=None, calibration=None, half='quantize = "float16"')
    said = refused(built)
    assert "the output 'small-half.tflite' is " in said and ", and not locked" in said
    assert "the output 'small-int8.tflite' is locked, and not part of this build" in said
    assert "the content of 'c.npz' is locked, and not part of this build" in said


def test_moved_pins(built) -> None:
    lock = built.lock.read_text()
    at = lock.index('core = "') + len('core = "')
    built.lock.write_text(lock[:at] + "0" * 64 + lock[at + 64 :])
    said = refused(built)
    assert said.startswith("error: the digest of the toolchain 'core' is ")
    assert f"locked as {'0' * 12}" in said


def test_the_command_and_its_exit_code(built, cli) -> None:
    assert cli("build", built.folder, "--locked").code == 0
    built.change_a_weight()
    assert cli("build", built.folder, "--locked").code == 6
    both = cli("build", built.folder, "--locked", "--update")
    assert (both.code, both.err.splitlines()[0]) == (64, "error: --update decides anew, which --locked forbids")
