"""`plan` says why each step runs: what is not as it was in the last build, from what to what."""

from __future__ import annotations

import shutil

import pytest

import tflite_build
from tflite_build.errors import ExitCode
from tflite_build.run.outputs import Outstanding
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


def outstanding(model) -> tuple[dict[str, str], list[str], list[str]]:
    """What publishing would do, by the names of files."""
    (plan,) = tflite_build.plan(model.folder)
    found = plan.outstanding
    assert found is not None and plan.nothing_to_do is (found == Outstanding({}, (), ()))
    return (
        {f.name: why for f, why in found.writes.items()},
        [f.name for f in found.removes],
        [problem.message for problem in found.missed],
    )


NOTHING = ({}, [], [])


def test_outputs_that_do_not_stand_are_no_nothing_to_do(built) -> None:
    assert outstanding(built) == NOTHING
    built.output("int8").unlink()
    built.output("float32").write_bytes(b"mine")
    assert outstanding(built) == (
        {"small-float32.tflite": "was edited since the last build", "small-int8.tflite": "is missing"},
        [],
        [],
    )
    built.build()
    assert outstanding(built) == NOTHING


def test_a_lock_or_report_that_went_or_was_edited(built) -> None:
    built.lock.unlink()
    (built.output("int8").parent / "report.json").write_text("{}")
    assert outstanding(built) == (
        {"report.json": "would say something else", "model.lock": "is missing"},
        [],
        [],
    )


def test_files_that_are_no_outputs_any_more(built) -> None:
    built.write(int8=None)
    built.write(extra='quantize = "float16"')
    built.build()
    built.write(extra=None, int8='quantize = "int8"')
    writes, removes, missed = outstanding(built)
    assert (removes, missed) == (["small-extra.tflite"], [])
    assert writes == {
        "small-int8.tflite": "is missing",
        "report.json": "would say something else",
        "model.lock": "would say something else",
    }
    built.build()
    assert outstanding(built) == NOTHING and not built.output("extra").exists()


def test_a_missed_check_is_no_nothing_to_do(built) -> None:
    built.write(checks="min_cosine = 1.0")
    writes, removes, missed = outstanding(built)
    assert (writes, removes) == ({}, [])
    assert missed == ["variant 'int8' has a cosine of 0.999963; at least 1 is wanted"]
    assert built.build().result.exit_code == ExitCode.CHECK_FAILED


def test_nothing_is_said_of_publishing_while_steps_are_left(small) -> None:
    (plan,) = tflite_build.plan(small.folder)
    assert plan.outstanding is None and not plan.nothing_to_do


def test_what_is_left_is_shown(built, cli) -> None:
    built.output("int8").unlink()
    said = cli("plan", built.folder, cwd=built.folder).out.splitlines()
    at = said.index("  no step to do, but:")
    assert said[at + 1] == "    write build/small/small-int8.tflite, which is missing"
    built.build()
    assert "  nothing to do" in cli("plan", built.folder, cwd=built.folder).out.splitlines()
