"""`plan` says why each step runs: what is not as it was in the last build, from what to what."""

from __future__ import annotations

import shutil

import pytest

import tflite_build
from tflite_build.run.preview import PlannedStep

CODE = "import numpy as np\nfrom helper import SCALE\n\n\ndef samples():\n    for number in range(6):\n        "
CODE += "yield np.random.default_rng(number).normal(scale=SCALE, size=(1, 8, 8, 2)).astype('float32')\n"


def reasons(model) -> dict[str, tuple[str, ...]]:
    """What is said of each step that is not as in the last build."""
    return {step.id: step.reasons for step in planned(model) if step.reasons}


def planned(model) -> tuple[PlannedStep, ...]:
    (plan,) = tflite_build.plan(model.folder)
    return plan.steps


@pytest.fixture
def built(small):
    small.build()
    assert reasons(small) == {} and {step.status for step in planned(small)} == {"cached"}
    return small


def test_a_first_build_has_nothing_to_compare_with(small) -> None:
    assert set(reasons(small).values()) == {("it was not part of the last build",)}


def test_a_changed_parameter_is_told_from_what_to_what(built) -> None:
    built.write(int8='quantize = "int8"\nio = "int8"')
    assert reasons(built) == {"quantize:int8": ('io: "float32" -> "int8"',)}
    steps = {step.id: step for step in planned(built)}
    assert (steps["quantize:int8"].status, steps["quantize:int8"].because) == ("run", 'io: "float32" -> "int8"')
    assert (steps["compare:int8"].status, steps["calibrate"].status) == ("waits", "cached")
    built.build()
    built.write(int8='quantize = "int8"')
    assert reasons(built)["quantize:int8"] == ('io: "int8" -> "float32"',)
    assert {step.status for step in planned(built)} == {"cached"}  # of the build before the last


def test_a_changed_file_is_told_with_its_hashes(built) -> None:
    built.calibrate(1)
    (said,) = reasons(built)["samples"]
    assert said.startswith("'c.npz' changed: ") and len(said.split(" -> ")) == 2
    assert set(reasons(built)) == {"samples"}


def test_files_that_code_reads(built) -> None:
    (built.folder / "data.py").write_text(CODE)
    helper = built.folder / "helper.py"
    helper.write_text("SCALE = 1\n")
    built.write(calibration='entry = "data.py:samples"\nsamples = 6')
    built.build()
    assert reasons(built) == {}
    helper.write_text("SCALE = 2\n")
    (said,) = reasons(built)["samples"]
    assert said.startswith("'helper.py', which its code reads, changed: ")
    (built.folder / "helper").mkdir()
    (built.folder / "helper" / "__init__.py").write_text("SCALE = 3\n")
    said = reasons(built)["samples"]
    assert any("which its code looked for in vain, is there now" in one for one in said)
    shutil.rmtree(built.folder / "helper")
    helper.unlink()
    (said,) = reasons(built)["samples"]
    assert said == "'helper.py', which its code asks for, is gone"


def test_a_lost_result_is_told_as_such(built, cache) -> None:
    shutil.rmtree(cache / "store" / "v1" / "results" / "actions")
    told = {step.id: step for step in planned(built)}
    assert told["convert"].reasons == ("its result is not in the store any more",)


def test_a_build_of_one_variant_leaves_what_is_known_of_others(built) -> None:
    built.write(int8='quantize = "int8"\nio = "int8"')
    built.build(":float32")
    assert reasons(built) == {"quantize:int8": ('io: "float32" -> "int8"',)}


def test_what_people_read(built, cli) -> None:
    assert "  every step is as in the last build\n" in cli("plan", built.folder, "--explain").out
    built.write(int8='quantize = "int8"\nio = "int8"', half='quantize = "float16"')
    said = cli("plan", built.folder, "--explain").out
    assert '  quantize:int8: runs\n    io: "float32" -> "int8"\n' in said
    assert "  quantize:half: runs\n    it was not part of the last build\n" in said
    assert "  pack:int8: runs if what comes of quantize:int8 is not as before\n" in said
    assert "every step" not in said and "io:" in cli("plan", built.folder).out
