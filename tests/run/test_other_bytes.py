"""The same inputs as in model.lock give the same bytes, and where they do not, a warning says so."""

from __future__ import annotations

import dataclasses

import pytest

from tflite_build.planning import lock as lockfile

CAUSES = (
    "; likely causes are code that draws random numbers without a seed or reads a clock, an edited model.lock, or one of "
    "another kind of computer or version of this tool"
)


@pytest.fixture
def built(small):
    small.build()
    return small


def edit(model, **changes: object) -> None:
    model.lock.write_text(dataclasses.replace(lockfile.read(model.lock), **changes).to_toml())


def test_an_edited_hash(built) -> None:
    text = built.lock.read_text()
    outputs = lockfile.read(built.lock).outputs
    edit(built, outputs={**outputs, "small-int8.tflite": "0" * 64})
    assert built.build().warnings == ["the same inputs as in model.lock gave other bytes: small-int8.tflite" + CAUSES]
    assert built.lock.read_text() == text
    assert built.build().warnings == []  # once is enough
    edit(built, outputs=dict.fromkeys(outputs, "0" * 64))
    assert len(built.build(":float32").warnings) == 1
    assert len(built.build().warnings) == 1  # of the other file


def test_an_edited_decision(built) -> None:
    """It is followed, and gives another file."""
    edit(built, decisions={"quantizer:int8": lockfile.Decision("tensorflow")})
    assert built.build().warnings == ["the same inputs as in model.lock gave other bytes: small-int8.tflite" + CAUSES]
    assert 'choice = "tensorflow"' in built.lock.read_text()


def test_other_inputs_are_no_reason_to_warn(built) -> None:
    built.change_a_weight()
    assert built.build().warnings == []
    built.write(int8='quantize = "int8"\nio = "int8"')
    assert built.build().warnings == []
    built.write(checks="min_cosine = 0.9", convert="tolerance = 0.5", limits="timeout = 1000")
    spec = lockfile.read(built.lock).spec
    assert built.build().warnings == [] and lockfile.read(built.lock).spec == spec  # it changes no byte
    edit(built, spec="")  # as older versions of this tool wrote it
    built.write(int8='quantize = "int8"')
    assert built.build().warnings == []


def test_files_of_two_states_are_not_taken_for_one(built) -> None:
    """After a build of one variant nobody knows what the other was made from."""
    built.change_a_weight()
    assert built.build(":float32").warnings == []
    assert lockfile.read(built.lock).spec == ""
    assert built.build().warnings == []
    assert lockfile.read(built.lock).spec


def test_a_locked_build_leaves_the_lock_as_it_is(built) -> None:
    edit(built, spec="")
    text = built.lock.read_text()
    assert built.build(locked=True).model.ok and built.lock.read_text() == text
