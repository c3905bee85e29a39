"""What a build tells programs: events, a trace, annotations; while it runs, when it fails, and when nothing is to do."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from harness import Ran, events

from tflite_build.cli.trace import Trace
from tflite_build.progress import StepFinished, StepStarted

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "tflite"
SPEC = """spec = 1
[model]
name = "{name}"
[source]
format = "tflite"
path = "m.tflite"
[variant.float32]
[variant.small]
quantize = "dynamic-int8"
"""
KINDS = {"started", "planned", "step_started", "step_finished", "note", "warning", "model", "finished"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Two models, of which the second cannot be quantized."""
    for name, fixture in (("good", "float32"), ("impossible", "two-signatures")):
        (tmp_path / "work" / name).mkdir(parents=True)
        shutil.copy(FIXTURES / f"{fixture}.tflite", tmp_path / "work" / name / "m.tflite")
        (tmp_path / "work" / name / "model.toml").write_text(SPEC.format(name=name))
    return tmp_path / "work"


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_events_are_as_the_schema_says(work: Path, cli: Callable[..., Ran]) -> None:
    schema = jsonschema.Draft202012Validator(json.loads((ROOT / "specs" / "events.schema.json").read_text()))
    noisy = work / "noisy"
    shutil.copytree(work / "good", noisy)
    calibration = '[calibration]\nentry = "data.py:samples"\nsamples = 4\n[variant.int8]\nquantize = "int8"\n'
    (noisy / "model.toml").write_text(SPEC.format(name="noisy") + calibration)
    code = "yield np.random.default_rng().normal(size=(1, 8, 8, 2)).astype('float32')"
    (noisy / "data.py").write_text(f"import numpy as np\ndef samples():\n    for _ in range(4):\n        {code}\n")
    seen: set[str] = set()
    (work / "wrong").mkdir()
    (work / "wrong" / "model.toml").write_text("spec = 2\n")
    for options in (("-k",), ("-k",), ("-k", "--update"), ()):
        ran = cli("build", work, "--json", *options)
        found = lines(ran.out)
        for value in found:
            schema.validate(value)
        seen |= {value["event"] for value in found}
        assert (found[0]["event"], found[-1]["event"], found[-1]["exit_code"]) == ("started", "finished", ran.code)
        models = {value["model"] for value in found if value["event"] == "model"}
        assert models == ({"good", "impossible", "noisy", "wrong"} if options else set())
    assert seen >= KINDS - {"note"}
    assert json.loads(ran.out.splitlines()[-1])["errors"][0]["code"] == 2


def test_events_come_as_they_happen_and_end_with_their_reader(work: Path, cache: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tflite_build", "build", "good", "--json"],
        cwd=work,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = [json.loads(process.stdout.readline())["event"] for _ in range(3)]
    assert first == ["started", "planned", "step_started"] and process.poll() is None
    process.stdout.close()
    assert process.stderr is not None and "Traceback" not in process.stderr.read()
    assert process.wait(60) == 0
    assert (work / "good" / "build" / "good" / "good-small.tflite").exists()


def test_what_is_reused_is_told_too(work: Path, cli: Callable[..., Ran]) -> None:
    first = cli("build", work / "good", "--json").out
    again = cli("build", work / "good", "--json").out
    steps = [event["step"] for event in events(first, "step_finished")]
    assert {event["outcome"] for event in events(again, "step_finished")} == {"reused"}
    assert sorted(event["step"] for event in events(again, "step_finished")) == sorted(steps)
    (one,), (two,) = events(first, "model"), events(again, "model")
    assert [v["sha256"] for v in one["variants"]] == [v["sha256"] for v in two["variants"]]
    assert [v["before"]["sha256"] for v in two["variants"]] == [v["sha256"] for v in two["variants"]]


def traced(file: Path) -> dict[str, Any]:
    """A trace, checked: what each event has to have, and that no two spans of one row overlap."""
    value: dict[str, Any] = json.loads(file.read_text())
    rows: dict[int, list[tuple[int, int]]] = {}
    for event in value["traceEvents"]:
        assert {"ph", "ts", "pid", "tid", "name"} <= event.keys() and event["ts"] >= 0
        if event["ph"] == "X":
            rows.setdefault(event["tid"], []).append((event["ts"], event["ts"] + event["dur"]))
    for spans in rows.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans)), spans
    begun = sorted((e["cat"], e["id"], e["ts"]) for e in value["traceEvents"] if e["ph"] == "b")
    ended = sorted((e["cat"], e["id"], e["ts"]) for e in value["traceEvents"] if e["ph"] == "e")
    assert [b[:2] for b in begun] == [e[:2] for e in ended]
    assert all(b[2] <= e[2] for b, e in zip(begun, ended, strict=True))
    return value


def test_a_trace(work: Path, cli: Callable[..., Ran]) -> None:
    ran = cli("build", work, "-k", "--trace", work / "trace.json")
    assert ran.code == 1
    found = traced(work / "trace.json")["traceEvents"]
    steps = {(e["args"]["model"], e["args"]["step"]): e["args"]["outcome"] for e in found if e["ph"] == "X"}
    assert steps["good", "quantize:small"] == "ran" and steps["impossible", "quantize:small"] == "refused"
    rows = {e["tid"]: e["args"]["name"] for e in found if e["ph"] == "M" and e["name"] == "thread_name"}
    assert {rows[e["tid"]] for e in found if e["ph"] == "X"} <= {f"worker {number}" for number in range(64)}
    assert {e["name"] for e in found if e["cat" if "cat" in e else "ph"] == "model"} == {
        "good published",
        "impossible failed",
    }
    again = cli("build", work / "good", "--trace", work / "again.json")
    assert again.code == 0
    reused = [e for e in traced(work / "again.json")["traceEvents"] if e.get("cat") == "reused"]
    assert len(reused) == len([step for model, step in steps if model == "good"])


def test_a_step_that_a_new_plan_gave_up_ends_when_it_ended(tmp_path: Path) -> None:
    """What it refused is told as reused, once the newer plan has it; its row is free again from there on."""
    trace = Trace()
    trace(StepStarted("m", "quantize:int8", 0, "core"))
    trace(StepFinished("m", "quantize:int8", "reused", 0.01, "litert"))
    trace(StepStarted("m", "quantize:int16x8", 0, "core"))
    time.sleep(0.2)
    trace(StepFinished("m", "quantize:int16x8", "ran", 0.2))
    trace.write(tmp_path / "trace.json")
    spans = {e["args"]["step"]: e for e in traced(tmp_path / "trace.json")["traceEvents"] if e["ph"] == "X"}
    assert spans["quantize:int8"]["args"]["outcome"] == "refused" and spans["quantize:int8"]["dur"] < 100_000
    assert spans["quantize:int16x8"]["args"]["outcome"] == "ran" and spans["quantize:int16x8"]["dur"] >= 200_000


def test_a_trace_of_a_build_that_is_stopped(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "model.toml").write_text(
        'spec = 1\n[model]\nname = "slow"\n[source]\nformat = "jax"\nentry = "model.py:slow"\n'
        '[input.x]\nshape = [2]\ndtype = "float32"\n'
    )
    (tmp_path / "model.py").write_text("import time\nopen('begun', 'w').close()\ntime.sleep(60)\n")
    tool = subprocess.Popen(
        [sys.executable, "-m", "tflite_build", "build", "--trace", "trace.json", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tool.stdout is not None
    while json.loads(tool.stdout.readline())["event"] != "step_started":
        pass
    time.sleep(0.5)
    tool.send_signal(signal.SIGINT)
    out, err = tool.communicate(timeout=60)
    assert tool.returncode == 130 and err == "interrupted; 0 steps are finished, and kept for the next build\n"
    assert [e["exit_code"] for e in events(out, "finished")] == [130]
    (step,) = [e for e in traced(tmp_path / "trace.json")["traceEvents"] if e["ph"] == "X"]
    assert step["args"]["outcome"] in ("stopped", "failed") and step["args"]["step"] == "lower"


def test_a_trace_that_cannot_be_written(work: Path, cli: Callable[..., Ran]) -> None:
    ran = cli("build", work / "good", "--trace", work / "good" / "m.tflite" / "trace.json")
    assert ran.code == 5 and ran.err.startswith("error: cannot write ")


def test_annotations(work: Path, cli: Callable[..., Ran]) -> None:
    """From the top of the repository; what would end a command or a property early is escaped."""
    (work / "a, b: 100%").mkdir()
    wrong = work / "a, b: 100%" / "model.toml"
    wrong.write_text(SPEC.format(name="wrong").replace("path", "paht"))
    ran = cli("build", work, "-k", "--message-format", "github", env={"GITHUB_WORKSPACE": str(work)})
    said = [line for line in ran.err.splitlines() if line.startswith("::")]
    (spec,) = [line for line in said if "unknown key" in line]
    assert spec.startswith("::error file=a%2C b%3A 100%25/model.toml,line=6,title=tflite-build::unknown key 'paht'")
    assert spec.endswith("%0Ahelp: did you mean 'path'?")
    assert len(said) == 2, said
    (refused,) = [line for line in said if "quantizer" in line]
    assert re.match(r"::error file=impossible/model\.toml,line=\d+,title=tflite-build::the litert quantizer", refused)
    assert "error: unknown key 'paht'" in ran.err  # and as people read it
    wrong.write_text(SPEC.format(name="wrong").replace("m.tflite", "none.tflite"))
    planned = cli("plan", wrong, "--message-format", "github", env={"GITHUB_WORKSPACE": str(work.parent)})
    assert planned.code == 2 and planned.err.startswith("::error file=work/a%2C b%3A 100%25/model.toml,line=")
    assert "::" not in cli("build", work / "good").text


def test_nothing_else_is_replaced(work: Path, cli: Callable[..., Ran]) -> None:
    """By a trace or a depfile: not the model, not its spec; the last trace is."""
    model, spec = work / "good" / "m.tflite", work / "good" / "model.toml"
    before = model.read_bytes(), spec.read_bytes()
    for options in (("--trace", model), ("--depfile", spec), ("--trace", spec)):
        said = cli("build", work / "good", *options)
        assert said.code == 64 and f"{options[0]} would replace '{options[1]}', which is something else" in said.err
    same = cli("build", work / "good", "--trace", work / "one", "--depfile", work / "one")
    assert same.code == 64 and (model.read_bytes(), spec.read_bytes()) == before
    for _ in range(2):
        assert cli("build", work / "good", "--trace", work / "t.json", "--depfile", work / "good.d").code == 0
    assert traced(work / "t.json") and "good-small.tflite" in (work / "good.d").read_text()
