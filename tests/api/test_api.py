"""The Python API: typed, frozen results, progress by callback, errors as data."""

from __future__ import annotations

import dataclasses
import inspect
import re
import shutil
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tflite_build
from tflite_build import progress

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "tflite"
SPEC = """\
spec = 1

[model]
name = "tiny"

[source]
format = "tflite"
path = "m.tflite"

[variant.float32]

[variant.small]
quantize = "dynamic-int8"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(FIXTURES / "float32.tflite", folder / "m.tflite")
    (folder / "model.toml").write_text(SPEC, "utf-8")
    return folder


def parts(value: Any) -> Iterator[Any]:
    """`value` and every dataclass inside of it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield value
        for item in dataclasses.fields(value):
            yield from parts(getattr(value, item.name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from parts(item)


def assert_frozen(value: Any) -> None:
    found = list(parts(value))
    assert found
    for part in found:
        name = dataclasses.fields(part)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, name, None)


def test_from_load_to_clean(project: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for given in (project, str(project / "model.toml")):
        loaded = tflite_build.load(given)
        assert (loaded.spec.model.name, list(loaded.spec.variant)) == ("tiny", ["float32", "small"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        loaded.file = project  # type: ignore[misc]
    with pytest.raises(Exception, match="frozen"):
        loaded.spec.model.name = "other"

    (plan,) = tflite_build.plan(project)
    assert [s.status for s in plan.steps].count("run") == 1
    assert plan.steps[0].id == "convert"
    assert_frozen(plan)

    events: list[progress.Event] = []
    threads = set()

    def listen(event: progress.Event) -> None:
        events.append(event)
        threads.add(threading.current_thread())

    result = tflite_build.build([f"{project}:float32", project / "model.toml:small"], on_event=listen)
    assert isinstance(result, tflite_build.BuildResult)
    assert (result.ok, result.exit_code) == (True, 0)
    (built,) = result.models
    assert [v.name for v in built.variants] == ["float32", "small"]
    assert all(v.file.stat().st_size == v.size for v in built.variants)
    assert built.variants[0].before is None
    assert_frozen(result)
    finished = [e for e in events if isinstance(e, progress.StepFinished)]
    started = [e.step for e in events if isinstance(e, progress.StepStarted)]
    assert sorted(e.step for e in finished) == sorted(s.id for s in plan.steps) == sorted(started)
    assert {e.outcome for e in finished} == {"ran"}

    again = tflite_build.build(str(project))
    assert all(v.reused and v.before and v.before.sha256 == v.sha256 for v in again.models[0].variants)

    summary = tflite_build.inspect(str(built.variants[1].file))
    assert (summary.oldest_runtime, summary.size) == (built.variants[1].runtime, built.variants[1].size)
    assert [(s.name, [t.name for t in s.inputs]) for s in summary.signatures] == [("classify", ["image"])]
    assert_frozen(summary)

    np.savez(project / "x.npz", image=np.zeros((1, 8, 8, 2), np.float32))
    written = tflite_build.run_file(built.variants[0].file, str(project / "x.npz"), str(project / "y.npz"))
    assert written == (tflite_build.OutputArray("probabilities", "float32", (1, 6)),)
    assert np.load(project / "y.npz")["probabilities"].sum() == pytest.approx(1, abs=1e-5)
    assert_frozen(written)

    monkeypatch.chdir(project)
    path = tflite_build.init("m.tflite", "new.toml")
    assert tflite_build.load(path).spec.model.name == "m"
    assert tflite_build.clean(project) == (project / "build" / "tiny",)
    assert tflite_build.clean(project) == ()
    assert not (project / "build").exists()


def test_what_goes_wrong_is_raised_or_in_the_result(project: Path, cache: Path, tmp_path: Path) -> None:
    """A spec that cannot be read is raised, unless the others are wanted; a model that cannot be built is a result."""
    broken = tmp_path / "broken"
    shutil.copytree(project, broken)
    (broken / "model.toml").write_text(SPEC.replace("[variant.small]", "[variant.small]\nqantize = 1"), "utf-8")
    with pytest.raises(tflite_build.BuildError) as caught:
        tflite_build.build([project, broken])
    (problem,) = caught.value.problems
    assert caught.value.code == 2
    assert isinstance(problem, tflite_build.Problem)
    assert problem.message == "unknown key 'qantize' in [variant.small]"
    assert problem.hint == "did you mean 'quantize'?"
    assert problem.place is not None
    assert (problem.place.file, problem.place.line, problem.place.key) == (
        broken / "model.toml",
        13,
        "variant.small.qantize",
    )
    assert_frozen(problem)
    assert str(caught.value) == problem.message

    result = tflite_build.build([broken, project], keep_going=True)
    assert [(m.ok, m.spec.parent.name) for m in result.models] == [(True, "project"), (False, "broken")]
    assert (result.ok, result.exit_code) == (False, 2)

    (broken / "model.toml").write_text(SPEC, "utf-8")
    shutil.copy(FIXTURES / "two-signatures.tflite", broken / "m.tflite")
    result = tflite_build.build(broken, out_dir=str(tmp_path / "elsewhere"))
    (error,) = result.models[0].errors
    assert (result.exit_code, error.code) == (1, 1)
    assert "there is no dynamic-int8 form of 'ADD' and 'MUL'" in error.problems[0].message
    assert not list(tmp_path.glob("elsewhere/*/*.tflite"))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda f: tflite_build.load(f / "nothing.toml"), 2),
        (lambda f: tflite_build.plan(f / "nothing"), 64),
        (lambda f: tflite_build.inspect(f / "model.toml"), 2),
        (lambda f: tflite_build.inspect(f), 64),
        (lambda f: tflite_build.run_file(f / "m.tflite", f / "nothing.npz", f / "y.npz"), 64),
        (lambda f: tflite_build.init(f / "nothing.keras", f / "new.toml"), 64),
        (lambda f: tflite_build.init(f / "m.tflite", f / "model.toml"), 64),
        (lambda f: tflite_build.clean(f"{f}:small"), 64),
    ],
)
def test_errors(call: Callable[[Path], Any], code: int, project: Path, cache: Path) -> None:
    before = sorted(project.iterdir())
    with pytest.raises(tflite_build.BuildError) as caught:
        call(project)
    assert caught.value.code == code
    assert caught.value.problems[0].message
    assert sorted(project.iterdir()) == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tflite_build.build(3), "'targets' has to be a path (a str or a Path) or a list of paths, not int (3)"),
        (
            lambda: tflite_build.build(b"."),
            "'targets' has to be a path (a str or a Path) or a list of paths, not bytes",
        ),
        (
            lambda: tflite_build.build({"a": 1}),
            "'targets' has to be a path (a str or a Path) or a list of paths, not dict",
        ),
        (lambda: tflite_build.build([".", 3]), "'targets[1]' has to be a path (a str or a Path), not int (3)"),
        (lambda: tflite_build.build(".", out_dir=3), "'out_dir' has to be a path (a str or a Path), not int (3)"),
        (
            lambda: tflite_build.build(".", on_event=3),
            "'on_event' has to be a function that takes an event, not int (3)",
        ),
        (lambda: tflite_build.plan(None), "'targets' has to be a path (a str or a Path) or a list of paths, not None"),
        (lambda: tflite_build.clean(5), "'targets' has to be a path (a str or a Path) or a list of paths, not int (5)"),
        (lambda: tflite_build.load(None), "'spec' has to be a path (a str or a Path), not None"),
        (lambda: tflite_build.inspect(5), "'file' has to be a path (a str or a Path), not int (5)"),
        (lambda: tflite_build.init(5), "'model' has to be a path (a str or a Path), not int (5)"),
        (lambda: tflite_build.init("m.tflite", 5), "'output' has to be a path (a str or a Path), not int (5)"),
        (lambda: tflite_build.run_file("m.tflite", 5, "y"), "'inputs' has to be a path (a str or a Path), not int (5)"),
        (lambda: tflite_build.run_file("m.tflite", "x", None), "'output' has to be a path (a str or a Path), not None"),
        (
            lambda: tflite_build.run_file("m.tflite", "x", "y", signature=1),
            "'signature' has to be a str or None, not int (1)",
        ),
        (lambda: tflite_build.run_file("none", 5, "y"), "'inputs' has to be a path (a str or a Path), not int (5)"),
        (
            lambda: tflite_build.run_file("none", "x", "y", on_event=3),
            "'on_event' has to be a function that takes an event, not int (3)",
        ),
    ],
)
def test_a_wrong_type_is_told_by_the_name_of_the_argument(
    call: Callable[[], Any], message: str, project: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    before = sorted(project.iterdir())
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert sorted(project.iterdir()) == before


@pytest.mark.parametrize("call", [tflite_build.build, tflite_build.plan, tflite_build.clean])
def test_no_targets_are_a_mistake_and_a_generator_of_some_is_none(
    call: Callable[..., Any], project: Path, cache: Path
) -> None:
    with pytest.raises(tflite_build.BuildError, match="'targets' is empty") as caught:
        call([])
    assert caught.value.code == 64
    call(path for path in [project])


@pytest.mark.parametrize("kind", [progress.StepStarted, progress.StepFinished])
@pytest.mark.parametrize("error", [RuntimeError, OSError, tflite_build.BuildError])
def test_what_on_event_raises_comes_out_of_build(
    kind: type, error: type[Exception], project: Path, cache: Path
) -> None:
    """As it is, whatever it is, from whichever thread; nothing is half-done, and the next build goes on."""
    raised = error([]) if error is tflite_build.BuildError else error("mine")

    def listen(event: progress.Event) -> None:
        if isinstance(event, kind) and getattr(event, "step", "") == "quantize:small":
            raise raised

    with pytest.raises(error) as caught:
        tflite_build.build(project, on_event=listen)
    assert caught.value is raised
    assert not (project / "build").exists()
    assert not (project / "model.lock").exists()
    result = tflite_build.build(project)
    assert result.ok
    assert any(step.reused for step in result.models[0].steps)


@pytest.mark.parametrize("way", ["alone", "from", "while"])
def test_what_on_event_raises_keeps_what_it_came_from(way: str, project: Path, cache: Path) -> None:
    """And nothing of this tool's is beside it in the traceback."""
    reason = KeyError("reason")

    def listen(event: progress.Event) -> None:
        if way == "alone":
            raise RuntimeError("mine")
        try:
            raise reason
        except KeyError as error:
            if way == "from":
                raise RuntimeError("mine") from error
            raise RuntimeError("mine")  # noqa: B904

    with pytest.raises(RuntimeError, match="mine") as caught:
        tflite_build.build(project, on_event=listen)
    assert caught.value.__cause__ is (reason if way == "from" else None)
    assert caught.value.__context__ is (None if way == "alone" else reason)
    text = "".join(traceback.format_exception(caught.value))
    assert "ListenerFailed" not in text
    assert ("reason" in text) == (way != "alone")


def test_everything_that_is_announced_exists() -> None:
    for name in tflite_build.__all__:
        assert getattr(tflite_build, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'biuld'"):
        tflite_build.biuld  # type: ignore[attr-defined]  # noqa: B018
    assert set(tflite_build.__all__) >= {"load", "plan", "build", "inspect", "run_file", "init", "clean"}


def test_the_page_names_all_that_is_public() -> None:
    """Functions with all of their arguments, and the types that they give."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")
    for name in tflite_build.__all__:
        thing = getattr(tflite_build, name)
        if not inspect.isfunction(thing):
            assert f"{name}`" in page, name
            continue
        (row,) = re.findall(rf"`{name}\((.*?)\)`", page)
        told = row.split(", ") if row else []
        missing = [p for p in inspect.signature(thing).parameters if p not in told]
        assert not missing, (name, missing)
