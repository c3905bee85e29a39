"""Refusals lead to the next candidate and stay decided in model.lock; the user's mistakes and accidents refute nothing.

`variable-relu.tflite` is one SVDF operator: LiteRT's quantizer has no int8 form of it, TensorFlow's has; neither has one
for int16x8. So the driver's loop is seen in tenths of a second, with the real quantizers.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import tomli
import tomli_w

import tflite_build
from tflite_build.errors import ExitCode
from tflite_build.progress import Event, Note, StepFinished, StepStarted

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
REASON = "nothing in it is quantized: there is no int8 form of 'SVDF' in this model"


@pytest.fixture
def svdf(small_model):
    model = small_model("variable-relu", float32="", int8='quantize = "int8"', calibration='data = "c.npz"')
    np.savez(model.folder / "c.npz", samples=np.random.default_rng(0).normal(size=(6, 3)).astype("float32"))
    return model


def test_a_refused_quantizer_is_followed_by_the_next_and_the_decision_stays(svdf) -> None:
    first = svdf.build()
    assert first.model.ok
    assert [e.step for e in first.events if isinstance(e, StepFinished) and e.outcome == "refused"] == ["quantize:int8"]
    notes = [e.text for e in first.events if isinstance(e, Note)]
    assert f"litert cannot make variant 'int8' ({REASON}); tensorflow is next" in notes
    assert tomli.loads(svdf.lock.read_text())["decision"] == {
        "quantizer:int8": {"choice": "tensorflow", "refuted": {"litert": REASON}}
    }
    lock, outputs = svdf.lock.read_bytes(), svdf.outputs()

    # The decision is followed: litert is not tried again, not for another setting either.
    assert svdf.build().ran == []
    svdf.write(int8='quantize = "int8"\nio = "int8"')
    other = svdf.build()
    assert other.ran == ["compare:int8", "pack:int8", "quantize:int8"]
    assert not [e for e in other.events if isinstance(e, StepFinished) and e.outcome == "refused"]
    svdf.write(int8='quantize = "int8"')
    assert svdf.build().model.ok and svdf.lock.read_bytes() == lock

    # Without the lock, or with --update, litert is first again; its refusal is remembered.
    for options in ({"update": True}, {}):
        if not options:
            svdf.lock.unlink()
        again = svdf.build(**options)
        assert again.ran == ["quantize:int8"]  # refused, from the store
        assert (svdf.lock.read_bytes(), svdf.outputs()) == (lock, outputs)

    # A decision that fails is given up: the locked choice cannot, the other can. A plan does not call that the lock's.
    svdf.lock.write_text(lock.decode().replace('choice = "tensorflow"', 'choice = "litert"'))
    (planned,) = tflite_build.plan(svdf.folder)
    assert planned.decisions["quantizer:int8"].choice == "tensorflow" and planned.untried == {"quantizer:int8": ()}
    assert svdf.build().model.decisions["quantizer:int8"].choice == "tensorflow"
    assert svdf.lock.read_bytes() == lock


def test_refusals_at_the_same_time_are_each_told_once(svdf) -> None:
    """One makes a new plan while the other is under way: that is waited for, and its result is taken."""
    svdf.write(int16x8='quantize = "int16x8"')
    failed = svdf.build()
    refused = [e.step for e in failed.events if isinstance(e, StepFinished) and e.outcome == "refused"]
    assert refused.count("quantize:int16x8") == 2  # by both quantizers; int8 may not come to it before that
    assert refused.count("quantize:int8") <= 1 and len(refused) <= 3
    started = [e.step for e in failed.events if isinstance(e, StepStarted)]
    assert max(started.count(step) for step in started) == 2
    assert not [e for e in failed.events if isinstance(e, Note) and "another build" in e.text]


def test_when_all_are_refuted_each_reason_is_shown(svdf, cli) -> None:
    svdf.build()
    lock, outputs = svdf.lock.read_bytes(), svdf.outputs()
    svdf.write(int16x8='quantize = "int16x8"')
    failed = svdf.build()
    assert failed.result.exit_code == ExitCode.BUILD_FAILED
    reason = "nothing in it is quantized: there is no int16x8 form of 'SVDF' in this model"
    line = svdf.folder.joinpath("model.toml").read_text().splitlines().index('quantize = "int16x8"') + 1
    assert failed.shown == "\n\n".join(
        f"error: the {quantizer} quantizer cannot make this file: {reason}\n"
        f' --> model.toml:{line}\n{line} | quantize = "int16x8"'
        for quantizer in ("litert", "tensorflow")
    )
    assert (svdf.lock.read_bytes(), svdf.outputs()) == (lock, outputs)
    again = cli("build", svdf.folder)  # said again at once, from the store
    assert again.code == 1 and again.err.count(reason) == 2 and " s\n" not in again.out
    assert svdf.build(":int8").model.ok  # the others can still be built by name


@pytest.mark.parametrize("built", [False, True])
def test_partial_builds_change_their_own_entries_alone(small, built: bool) -> None:
    small.write(float16='quantize = "float16"', int16x8='quantize = "int16x8"')
    if built:
        small.build()
    before = tomli.loads(small.lock.read_text()) if small.lock.exists() else {"output": {}, "decision": {}}
    small.change_a_weight()
    result = small.build(":int8").model
    assert [v.name for v in result.variants] == ["int8"]
    after = tomli.loads(small.lock.read_text())
    changed = {name for name in after["output"] if before["output"].get(name) != after["output"][name]}
    assert changed == {"small-int8.tflite"}
    assert set(after["decision"]) - set(before["decision"]) <= {"quantizer:int8"}
    assert set(after["output"]) == set(before["output"]) | changed
    small.build()
    whole = tomli.loads(small.lock.read_text())
    assert set(whole["decision"]) == {"quantizer:int8", "quantizer:int16x8"} and len(whole["output"]) == 4


def test_a_partial_build_drops_what_is_no_longer_so(small) -> None:
    """Of an earlier spec: an engine that was chosen, a source that is gone, a toolchain that nothing needs."""
    small.build()
    lock = tomli.loads(small.lock.read_text())
    stale = {
        **lock,
        "source": {**lock["source"], "gone.keras": "0" * 64},
        "decision": {"engine": {"choice": "tensorflow"}, **lock["decision"]},
        "toolchain": {**lock["toolchain"], "tensorflow": "0" * 64},
        "spec": "0" * 64,
    }
    small.lock.write_text(tomli_w.dumps(stale))
    assert small.build(":float32").ran == []
    kept = tomli.loads(small.lock.read_text())
    assert kept == {key: value for key, value in lock.items() if key != "spec"}  # the other file may be of another one


@pytest.mark.parametrize("choice", ["tensorflow", "litert-loops"])
def test_an_engine_that_the_format_cannot_use_is_no_decision(choice: str, tmp_path, cli) -> None:
    """No build writes it into the lock of this spec: someone did, or a tool that had another engine for it."""
    folder = tmp_path / "wine"
    shutil.copytree(EXAMPLES / "jax_classifier", folder, ignore=shutil.ignore_patterns("build"))
    lock, spec = folder / "model.lock", folder / "model.toml"
    text = lock.read_text().replace("[toolchain]", f'[decision.engine]\nchoice = "{choice}"\n\n[toolchain]')
    lock.write_text(text)
    line = text.splitlines().index(f'choice = "{choice}"') + 1
    for command in (("build", folder), ("build", "--locked", folder), ("build", f"{folder}:int8"), ("plan", folder)):
        said = cli(*command)
        assert said.code == 2 and " s\n" not in said.out  # no step ran
        assert said.err == (
            f"error: model.lock decides on the engine '{choice}', which makes nothing of a jax source; litert does\n"
            f' --> {lock}:{line}\n{line} | choice = "{choice}"\n'
            "help: `tflite-build build --update` decides anew\n"
        )
    assert lock.read_text() == text
    assert cli("plan", "--update", folder).code == 0
    # Of an earlier spec it is nothing that anybody has to hear of: that may have had another source.
    spec.write_text(spec.read_text().replace("[1, 13]", "[2, 13]"))
    assert cli("plan", folder).code == 0


def test_no_engine_is_decided_on_for_a_file_that_is_converted_already(small) -> None:
    small.build()
    lock = small.lock.read_text()
    small.lock.write_text(lock + '[decision.engine]\nchoice = "tensorflow"\n')
    failed = small.build()
    assert failed.result.exit_code == ExitCode.SPEC_WRONG
    assert "decides on the engine 'tensorflow', and a tflite source is converted by none" in failed.shown


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"imagee": np.zeros((2, 8, 8, 2), "float32")}, "the data has an array 'imagee', and the model no such input"),
        ({"image": np.full((2, 8, 8, 2), np.nan, "float32")}, "finite"),
    ],
)
def test_the_users_mistakes_refute_nothing(small, data, message: str) -> None:
    small.build()
    lock, outputs = small.lock.read_bytes(), small.outputs()
    np.savez(small.folder / "c.npz", **data)
    failed = small.build()
    assert failed.result.exit_code == ExitCode.SPEC_WRONG
    assert message in failed.shown and "model.toml:" in failed.shown and 'data = "c.npz"' in failed.shown
    assert len(failed.model.errors) == 1 and "convert" not in failed.ran
    assert (small.lock.read_bytes(), small.outputs()) == (lock, outputs)
    assert failed.model.decisions["quantizer:int8"].refuted == ()
    small.calibrate(0)
    assert small.build().ran == []


def test_a_fault_of_the_tool_stops_what_is_under_way(small_model) -> None:
    """As Ctrl-C does: nothing is waited for."""
    slow = small_model(name="slow", int8='quantize = "int8"', calibration='entry = "own.py:samples"')
    other = small_model("variable-relu", "other", float32="")
    begun, ended = slow.folder / "begun", slow.folder / "ended"
    (slow.folder / "own.py").write_text(
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(60)\n"
        f"pathlib.Path({str(ended)!r}).touch()\ndef samples():\n    return []\n"
    )

    def listen(event: Event) -> None:
        if isinstance(event, StepStarted) and event.model == "other":
            while not begun.exists():
                time.sleep(0.05)
            raise RuntimeError("for the test")

    with pytest.raises(RuntimeError, match="for the test"):
        tflite_build.build(other.folder.parent, on_event=listen)
    assert begun.exists() and not ended.exists()


def test_an_engine_that_refuses_is_followed_by_the_next(tmp_path, module_cli) -> None:
    """LiteRT's converter has no sort; TensorFlow's has."""
    folder = tmp_path / "sorted"
    folder.mkdir()
    (folder / "model.toml").write_text(
        'spec = 1\n[model]\nname = "sorted"\n[source]\nformat = "keras"\nentry = "model.py:build"\n'
    )
    code = (
        "import keras\n\n\nclass Sort(keras.layers.Layer):\n    def call(self, x):\n        return keras.ops.sort(x)\n\n\n"
        "def build():\n    x = keras.Input((4,), batch_size=1, name='x')\n    return keras.Model(x, Sort(name='sort')(x))\n"
    )
    (folder / "model.py").write_text(code)
    built = module_cli("build", folder)
    assert built.code == 0, built.text
    assert "sorted: litert cannot make this model (" in built.out and "; tensorflow is next\n" in built.out
    lock = tomli.loads((folder / "model.lock").read_text())
    assert lock["decision"]["engine"]["choice"] == "tensorflow"
    assert set(lock["decision"]["engine"]["refuted"]) == {"litert"}
    assert set(lock["toolchain"]) == {"core", "tensorflow"}
    plan = module_cli("plan", folder)
    assert "engine: tensorflow (decided, in model.lock)\n    not litert: " in plan.out
