"""Nothing is done twice: exactly the steps that hang on a change run again, and what was done before is found."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli
from harness import events

import tflite_build
from tflite_build.errors import BuildError, ExitCode
from tflite_build.planning.action import Action, ProjectFile, Step, Tool
from tflite_build.progress import Event, StepFinished, StepStarted
from tflite_build.run.execute import Executor, Limits, Task
from tflite_build.store.store import Store

ALL = sorted(
    [
        *("samples", "convert", "compare", "calibrate", "quantize:int8"),
        *("pack:float32", "compare:float32", "pack:int8", "compare:int8"),
    ]
)


def test_a_source_above_the_spec_is_locked_as_the_spec_writes_it(small) -> None:
    small.source.rename(small.folder.parent / "m.tflite")
    toml = small.folder / "model.toml"
    up = "../" * (len(small.folder.parts) + 3)  # as in a folder near the root
    for path in ("../m.tflite", f"{up}{small.folder.parent.as_posix()[1:]}/m.tflite"):
        small.write()
        toml.write_text(toml.read_text().replace('path = "m.tflite"', f'path = "{path}"'))
        assert small.build(":float32").model.ok
        assert set(tomli.loads(small.lock.read_text())["source"]) == {path, "c.npz"}


def test_changes_run_what_hangs_on_them_and_nothing_else(small) -> None:
    first = small.build()
    assert first.model.ok and first.ran == ALL
    outputs, lock = small.outputs(), small.lock.read_bytes()

    def nothing_runs() -> None:
        again = small.build()
        assert again.ran == [] and again.warnings == []
        assert (small.outputs(), small.lock.read_bytes()) == (outputs, lock)
        assert {v.before.sha256 == v.sha256 for v in again.model.variants} == {True}

    nothing_runs()
    for file in small.folder.glob("*.*"):
        os.utime(file, (1, 1))
    nothing_runs()
    toml = small.folder / "model.toml"
    toml.write_text("# a comment\n" + toml.read_text())
    nothing_runs()
    # What changes no file: limits of time, and of distance.
    small.write(limits="timeout = 1000", convert="tolerance = 0.5")
    nothing_runs()

    small.write(limits=None, convert=None, int8='quantize = "int8"\nio = "int8"')
    assert small.build().ran == ["compare:int8", "pack:int8", "quantize:int8"]
    assert small.output("int8").read_bytes() != outputs["small/small-int8.tflite"]
    small.write(float16='quantize = "float16"')
    assert small.build().ran == ["compare:float16", "pack:float16", "quantize:float16"]
    # A reverted edit is served from the store, and the file of a variant that is gone goes.
    small.write(float16=None, int8='quantize = "int8"')
    assert small.build().ran == []
    assert {n: b for n, b in small.outputs().items() if n.endswith(".tflite")} == {
        n: b for n, b in outputs.items() if n.endswith(".tflite")
    }
    assert small.lock.read_bytes() == lock

    # Other data: the float file and its own check stay, though both are held against the data.
    small.calibrate(seed=1)
    assert small.build().ran == sorted(
        ["samples", "compare", "calibrate", "quantize:int8", "compare:float32", "pack:int8", "compare:int8"]
    )
    small.calibrate(seed=0)
    assert small.build().ran == []
    # Another weight: the data is checked against signatures, which are the same.
    source = small.source.read_bytes()
    small.change_a_weight()
    assert small.build().ran == sorted(set(ALL) - {"samples"})
    small.source.write_bytes(source)
    assert small.build().ran == []
    assert small.lock.read_bytes() == lock


def test_outputs_that_were_removed_or_edited_are_put_back(small) -> None:
    small.build()
    outputs = small.outputs()
    small.output("float32").unlink()
    small.output("int8").write_bytes(b"edited")
    (small.output("int8").parent / "notes.txt").write_text("mine")
    again = small.build()
    assert again.ran == []
    assert again.warnings == ["small-int8.tflite was edited since the last build; it is replaced"]
    assert small.outputs() == {**outputs, "small/notes.txt": b"mine"}
    shutil.rmtree(small.folder / "build")
    again = small.build()
    assert (again.ran, again.warnings, small.outputs()) == ([], [], outputs)


def test_what_is_named_by_another_path_is_the_same_work(small, small_model) -> None:
    """No absolute path is in a key: another checkout shares the store."""
    small.build()
    assert small_model(name="elsewhere").build().ran == []


def test_damaged_blobs_are_found_and_made_again(small, cache: Path) -> None:
    small.build()
    outputs = small.outputs()
    blobs = sorted((cache / "store" / "v1" / "blobs").glob("*/*"), key=lambda p: p.stat().st_size)
    assert len(blobs) > 8

    def damage(number: int, blob: Path) -> None:
        blob.chmod(0o644)
        data = blob.read_bytes()
        match number % 3:
            case 0:
                blob.unlink()
            case 1:
                blob.write_bytes(data[: len(data) // 2])
            case _:
                blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    for number, blob in enumerate(blobs):  # each alone, in one of three ways
        damage(number, blob)
        shutil.rmtree(small.folder / "build")
        again = small.build()
        assert again.model.ok and again.ran and small.outputs() == outputs, (number, blob.stat().st_size)
    for number, blob in enumerate(blobs):  # all at once
        damage(number + 1, blob)
    shutil.rmtree(small.folder / "build")  # as long as that is whole, nothing is looked for in the store
    again = small.build()
    # What pack made of the float file is that file itself, which convert has made again by then.
    assert again.ran == sorted(set(ALL) - {"pack:float32"}) and small.outputs() == outputs


@pytest.mark.parametrize("damaged", ["convert", "compare:int8"])
def test_what_is_damaged_during_a_build(small, small_model, cache: Path, damaged: str) -> None:
    """An input of what comes next, which is made again; and what is judged, which fails its model alone."""
    other = small_model("variable-relu", "other", float32="")
    blobs = cache / "store" / "v1" / "blobs"
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, StepFinished) and (event.model, event.step) == ("small", damaged) and not gone:
            source = small.source.read_bytes()
            said = {"convert": lambda b: b == source, "compare:int8": lambda b: re.search(rb'"cosine": ?0\.', b)}
            gone.extend(file for file in blobs.glob("*/*") if said[damaged](file.read_bytes()))
            assert len(gone) == 1
            gone[0].unlink()

    gone: list[Path] = []
    result = tflite_build.build(small.folder.parent, keep_going=True, on_event=listen)
    assert gone
    made = {model.name: model for model in result.models}
    assert made["other"].ok and other.output("float32").exists()
    started = sorted((e.model, e.step) for e in events if isinstance(e, StepStarted))
    ended = sorted((e.model, e.step) for e in events if isinstance(e, StepFinished) and e.outcome != "reused")
    assert started == ended
    if damaged == "convert":
        assert made["small"].ok and started.count(("small", "convert")) == 2
        return
    (error,) = made["small"].errors
    assert error.code == ExitCode.STORE_FAILED
    assert error.render() == "error: the stored result of compare:int8 is damaged\nhelp: build again"
    assert small.build().ran == ["compare:int8"] and small.build().ran == []


def test_damaged_results_and_engine_code_are_made_again(small, cache: Path) -> None:
    small.build()
    outputs = small.outputs()
    store = cache / "store" / "v1"
    results = sorted((store / "results" / "actions").glob("*/*.json"))
    assert len(results) == len(ALL)
    for number, result in enumerate(results):
        text = result.read_text("utf-8")
        result.write_text([text[:-5], text.replace('"seconds":', '"seconds":1'), "", "{}\n{}"][number % 4])
    (host,) = store.glob("engines/*/tflite_build/engines/host.py")
    host.write_text("raise SystemExit('damaged')\n")
    for database in ("index.sqlite", "snapshots.sqlite"):
        (store / database).write_bytes(b"no database" * 1000)
    again = small.build()
    assert again.model.ok and again.ran == ALL and small.outputs() == outputs
    assert small.build().ran == []


MODEL = """
    import os
    from pathlib import Path
    import numpy as np

    NAMES = sorted(os.listdir("."))
    SCALE = np.load(Path(__file__).parent / "scale.npy")
    if Path("extra.txt").exists():
        SCALE = SCALE + 1


    def predict(x):
        return x * SCALE
"""


def test_what_user_code_asks_for_is_an_input(tmp_path: Path, module_cli: Callable[..., Any]) -> None:
    """Files read, folders listed, files looked for in vain. The tool's own outputs beside them are none of it."""
    folder = tmp_path / "seen"
    folder.mkdir()
    (folder / "model.toml").write_text(
        'spec = 1\n[model]\nname = "seen"\n[source]\nformat = "jax"\nentry = "model.py:predict"\n'
        '[input.x]\nshape = [1, 3]\ndtype = "float32"\n'
    )
    code = textwrap.dedent(MODEL)
    (folder / "model.py").write_text(code)
    np.save(folder / "scale.npy", np.float32([1, 2, 3]))

    def build() -> list[str]:
        ran = module_cli("build", "--json", folder)
        assert ran.code == 0, ran.text
        return sorted(s["id"] for s in events(ran.out, "model")[0]["steps"] if not s["reused"])

    everything = sorted(
        ["lower", "samples", "convert", "reference", "compare", "pack:float32", "compare:float32"],
    )
    assert build() == everything
    assert build() == []  # though build/ and model.lock are there now, and the code lists its folder
    (folder / "model.py").write_text("# a comment\n" + code)
    assert build() == ["lower"]
    np.save(folder / "scale.npy", np.float32([1, 2, 4]))
    changed = build()
    assert changed == sorted(set(everything) - {"samples"})
    (folder / "unrelated.bin").write_bytes(b"")
    assert build() == ["lower"]  # the listing is another
    (folder / "extra.txt").write_text("")
    assert "convert" in build()
    (folder / "extra.txt").unlink()
    (folder / "unrelated.bin").unlink()
    assert build() == []


SEEN = """
import multiprocessing
import os
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def read(name):
    return open(os.path.join(HERE, name)).read()


with multiprocessing.get_context("fork").Pool(2) as pool:  # what children ask for is asked for
    WORDS = pool.map(read, ["one.txt", "two.txt"])
assert os.path.exists(os.path.join(HERE, "a.pipe"))
for _, _, names, folder in os.fwalk(os.path.join(HERE, "deep")):  # from open folders
    for name in names:
        file = os.open(name, os.O_RDONLY, dir_fd=folder)
        WORDS.append(os.read(file, 10).decode() + str(os.stat(name, dir_fd=folder).st_size))
        os.close(file)
assert len(WORDS) > 3, WORDS


def samples():
    scale = np.float32(sum(map(len, WORDS)))
    return [np.full((1, 8, 8, 2), n, "float32") * scale for n in range(4)]
"""


def test_what_children_and_open_folders_ask_for_is_an_input(small) -> None:
    (small.folder / "deep" / "er").mkdir(parents=True)
    for name in ("one.txt", "two.txt", "deep/three.txt", "deep/er/four.txt"):
        (small.folder / name).write_text(name)
    os.mkfifo(small.folder / "a.pipe")
    (small.folder / "data.py").write_text(SEEN)
    small.write(calibration='entry = "data.py:samples"\nsamples = 4')
    built = small.build()
    assert built.result.ok, built.shown
    assert small.build().ran == []
    for name in ("one.txt", "two.txt", "deep/three.txt", "deep/er/four.txt", "deep/er/five.txt"):
        (small.folder / name).write_text("something else")
        assert "samples" in small.build().ran, name
    assert small.build().ran == []


def test_processes_that_are_started_anew_are_an_error(small) -> None:
    """They would not see the user's files, and a pool of them would start them for ever."""
    code = "import multiprocessing\nmultiprocessing.get_context('spawn').Pool(1).map(len, [[1]])\n"
    code += "def samples():\n    yield\n"
    (small.folder / "data.py").write_text(code)
    small.write(calibration='entry = "data.py:samples"\nsamples = 4')
    failed = small.build()
    assert failed.result.exit_code == 2
    assert "data.py:2 raised RuntimeError: processes that multiprocessing starts anew" in failed.shown


def test_sockets_and_pipes_that_code_looks_at(small) -> None:
    """They stand there and hold nothing."""
    os.mkfifo(small.folder / "a.pipe")
    code = "import numpy as np\nfrom pathlib import Path\nHERE = Path(__file__).parent\n"
    code += "print([path.is_file() or path.stat() for path in HERE.iterdir()])\n"
    code += "def samples():\n    return [np.full((1, 8, 8, 2), n, 'float32') for n in range(4)]\n"
    (small.folder / "data.py").write_text(code)
    small.write(calibration='entry = "data.py:samples"\nsamples = 4')
    assert small.build().result.ok and small.build().ran == []
    (small.folder / "a.pipe").unlink()
    assert "samples" in small.build().ran


@pytest.mark.parametrize("outcome", ["done", "refused", "invalid"])
@pytest.mark.parametrize("change", ["edited", "removed"])
def test_inputs_that_change_while_they_are_read_are_not_remembered(
    tmp_path: Path, cache: Path, outcome: str, change: str
) -> None:
    from tflite_build.engines.contract import Invalid, Refused, Request

    source = tmp_path / "model.bin"
    source.write_bytes(b"one")

    def run(request: Request) -> None:
        assert request.inputs["model"].read_bytes() == b"one"
        if change == "edited":
            source.write_bytes(b"two")
        else:
            source.unlink()
        if outcome == "refused":
            raise Refused("it looks wrong")
        if outcome == "invalid":
            raise Invalid("it is half a file")

    store = Store()
    executor = Executor(store, None, {"local": run})  # no process is wanted for a local step
    step = Step("local", "local", Tool("", "", "1"), inputs={"model": ProjectFile(source)})
    given = store.stats.file(source)
    task = Task(step, {"model": given}, tmp_path, Limits(60), lambda: None, lambda: None, lambda: None)
    with pytest.raises(BuildError) as caught:
        executor.run(task)
    assert caught.value.render() == f"error: '{source}' changed while it was being read\nhelp: build again"
    assert store.results.get(Action("local", step.tool, {}, {"model": str(given.digest)}).key) is None
    store.close()
