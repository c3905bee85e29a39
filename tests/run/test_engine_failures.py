"""Engine processes that crash, hang, use up memory, are killed or print garbage: one clear error each, nothing left behind.

User code does most of it, in the real process of a toolchain; a converter is ended from outside.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
import uuid
from pathlib import Path

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from tflite_build.errors import ExitCode
from tflite_build.progress import StepStarted

GENERATOR = """
import ctypes, os, subprocess, sys, time
import numpy as np

def samples():
    print("reading the data", flush=True)
    {code}
    yield {{"image": np.zeros((8, 8, 2), "float32")}}
"""
ENDS = {
    "segfault": "os.kill(os.getpid(), 11)",
    "abort": "os.abort()",
    "exits": "os._exit(7)",
    "exits_with_0": "os._exit(0)",
    "hangs": "time.sleep(1000)",
    "memory": "np.ones(2_000_000_000)",
    "native_memory": "os.write(2, b\"terminate called after throwing an instance of 'std::bad_alloc'\\n\"); os.abort()",
    # The process is gone, a child of it still holds its pipes.
    "leaves_a_child": "os.fork() or time.sleep(1000); os._exit(1)",
    "garbage_as_answer": "[os.write(fd, b'{\"hello\": 1}\\n') for fd in map(int, sys.orig_argv[-1:])]; time.sleep(1000)",
    "text_as_answer": "[os.write(fd, b'hello\\n') for fd in map(int, sys.orig_argv[-1:])]; time.sleep(1000)",
}
LIMITS = {"hangs": "timeout = 2", "memory": 'memory = "2 GB"'}


def marked(mark: str) -> dict[int, str]:
    """The command lines of processes that have `mark` in their environment."""
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                if mark.encode() in (process / "environ").read_bytes():
                    line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(process.name)] = line
            except OSError:  # it ended meanwhile, or is not ours
                continue
    return found


def alive(mark: str) -> list[str]:
    """Their command lines alone."""
    return list(marked(mark).values())


def gone(mark: str) -> bool:
    """Whether all processes with `mark` end, within the time that the system needs for that."""
    until = time.monotonic() + 20
    while alive(mark) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(mark)


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """Text in the environment of every process that this test starts, and of what those start."""
    if sys.platform != "linux":
        pytest.skip("the environment of other processes is only to be read in Linux's /proc")
    text = f"mark-{uuid.uuid4()}"
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/{text}")  # engines are given little else
    return text


@pytest.fixture
def large(small, python_of):
    """A dense layer of some 100 MB of weights, to be quantized with data."""
    description = {"signatures": [{"name": "serve", "input": [1, 5000], "layers": [["dense", 5000, "relu"]]}]}
    script = Path(__file__).parent.parent / "variants" / "build_models.py"
    given = json.dumps({str(small.source): description})
    subprocess.run([python_of("core"), script], input=given, text=True, check=True)
    np.savez(small.folder / "c.npz", x=np.random.default_rng(0).normal(size=(2, 1, 5000)).astype("float32"))
    small.write(float32=None)
    return small


@pytest.fixture
def generated(small):
    """The small model, whose data comes from the user's code."""
    small.write(calibration='entry = "data.py:samples"')
    (small.folder / "data.py").write_text(GENERATOR.format(code=""))
    assert small.build().model.ok
    return small


def test_each_way_to_end_is_one_error(generated, mark: str, snapshot: SnapshotAssertion) -> None:
    outputs, lock = generated.outputs(), generated.lock.read_bytes()
    shown = {}
    for name, code in ENDS.items():
        generated.write(limits=LIMITS.get(name))
        (generated.folder / "data.py").write_text(GENERATOR.format(code=code))
        failed = generated.build()
        assert failed.result.exit_code == ExitCode.ENGINE_FAILED, name
        assert len(failed.model.errors) == len(failed.model.errors[0].problems) == 1
        assert failed.model.decisions["quantizer:int8"].refuted == ()
        assert (generated.outputs(), generated.lock.read_bytes()) == (outputs, lock)
        assert alive(mark) == [], name
        shown[name] = failed.shown
    assert "\n\n".join(f"== {name}\n{text}" for name, text in shown.items()) == snapshot
    generated.write(limits=None)
    (generated.folder / "data.py").write_text(GENERATOR.format(code=""))
    assert generated.build().ran == []


def test_a_lack_of_memory_is_never_a_refusal(large) -> None:
    """Wherever memory runs out, in Python, NumPy, the quantizer or the runtime: nothing is published or remembered of it.

    The first limit is below what any Python needs, the second below the model's own size; further up it depends on the
    machine where memory runs out, and whether it does.
    """
    size = large.source.stat().st_size // 10**6
    sure = (1, size)
    for megabytes in (*sure, 2 * size, 3 * size, 4 * size, 5 * size, 7 * size):
        large.write(limits=f'memory = "{megabytes} MB"')
        built = large.build()
        said = f"{megabytes} MB: {built.shown}"
        assert built.model.decisions["quantizer:int8"].refuted == (), said
        if built.model.ok and megabytes not in sure:
            break
        assert built.result.exit_code == ExitCode.ENGINE_FAILED, said
        assert all(f"[limits] memory allows {megabytes} MB" in error.render() for error in built.model.errors), said
        assert built.model.errors and large.outputs() == {} and not large.lock.exists()
    large.write(limits=None)
    built = large.build()
    assert built.model.ok and built.model.decisions["quantizer:int8"].choice == "litert"
    assert "refuted" not in large.lock.read_text()


def test_garbage_on_both_streams_is_no_answer(generated, mark: str) -> None:
    noise = 'os.write(1, b"{\\"done\\": {}}\\n\\xff\\x00" * 100000); os.write(2, b"x" * 300000); print("noise")'
    (generated.folder / "data.py").write_text(GENERATOR.format(code=noise))
    built = generated.build()
    assert built.model.ok and "samples" in built.ran
    assert alive(mark) == []


@pytest.mark.parametrize("ending", ["", "os.abort()"])
def test_much_output_costs_no_memory(generated, ending: str) -> None:
    """A file with a hole stands for what was printed."""
    code = "os.ftruncate(1, 1 << 28); os.lseek(1, 0, os.SEEK_END); print('\\nthe end', flush=True); " + ending
    (generated.folder / "data.py").write_text(GENERATOR.format(code=code))
    tracemalloc.start()
    try:
        built = generated.build()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50e6
    assert built.model.ok is not bool(ending)
    assert not ending or "\n    the end\n" in built.shown


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_converter_that_is_ended_from_outside(small, mark: str, number: signal.Signals) -> None:
    ended = threading.Event()

    def end() -> None:
        while not ended.is_set():
            for process in marked(mark):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, number)
                    ended.set()

    killer = threading.Thread(target=end)
    killer.start()
    failed = small.build()
    ended.set()
    killer.join()
    assert failed.result.exit_code == ExitCode.ENGINE_FAILED
    (error,) = failed.model.errors
    step = next(e.step for e in failed.events if isinstance(e, StepStarted))
    wanted = {
        signal.SIGKILL: ("the core process was killed (SIGKILL)", "the system does that when memory runs out"),
        signal.SIGSEGV: ("the core process crashed (SIGSEGV)", "the converter itself crashed on this model"),
    }[number]
    assert re.search(r"(convert|samples): " + re.escape(wanted[0]), error.problems[0].message), step
    assert wanted[1] in error.problems[0].hint
    assert not small.lock.exists() and small.outputs() == {}
    assert alive(mark) == []
    again = small.build()
    assert again.model.ok and alive(mark) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_tool(
    generated, cache: Path, mark: str, tmp_path: Path, number: signal.Signals
) -> None:
    """Neither engines nor what user code started, however the tool ends. What was finished is kept."""
    outputs, lock = generated.outputs(), generated.lock.read_bytes()
    ready = tmp_path / "ready"
    code = f"subprocess.Popen(['sleep', '1000']); os.fork(); open({str(ready)!r}, 'a').close(); time.sleep(1000)"
    (generated.folder / "data.py").write_text(GENERATOR.format(code=code))
    tool = subprocess.Popen(
        [sys.executable, "-m", "tflite_build", "build", str(generated.folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not ready.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert len(alive(mark)) >= 4  # the tool, the engine, its fork, and sleep
    tool.send_signal(number)
    _, error = tool.communicate(timeout=60)
    assert gone(mark), alive(mark)
    if number in (signal.SIGINT, signal.SIGTERM):
        assert tool.returncode == 128 + number
        assert error.endswith("; 0 steps are finished, and kept for the next build\n"), error
    else:
        assert tool.returncode == -number
    assert (generated.outputs(), generated.lock.read_bytes()) == (outputs, lock)
    (generated.folder / "data.py").write_text(GENERATOR.format(code=""))
    shutil.rmtree(generated.folder / "build")
    assert generated.build().ran == []
    assert list((cache / "store" / "v1" / "tmp").iterdir()) == []  # what was left is swept


def test_an_engine_at_work_dies_with_the_tool(generated, mark: str, tmp_path: Path) -> None:
    """One that is deep in a computation does not look at its pipe; a stopped process stands for that."""
    outputs, ready = generated.outputs(), tmp_path / "ready"
    code = f"open({str(ready)!r} + '.new', 'w').write(str(os.getpid())); os.rename({str(ready)!r} + '.new', "
    code += f"{str(ready)!r}); time.sleep(1000)"
    (generated.folder / "data.py").write_text(GENERATOR.format(code=code))
    tool = subprocess.Popen(
        [sys.executable, "-m", "tflite_build", "build", str(generated.folder)], stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not ready.exists() and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(int(ready.read_text()), signal.SIGSTOP)
    tool.kill()
    tool.wait()
    assert gone(mark), alive(mark)
    assert generated.outputs() == outputs


def test_crashes_of_a_models_own_code_and_the_models_beside_it(tmp_path: Path, module_cli, mark: str) -> None:
    """A function that ends its process fails its own model; the others of the build are made."""
    for name, code in {"bad": "os.abort()", "good": "pass"}.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.toml").write_text(
            f'spec = 1\n[model]\nname = "{name}"\n[source]\nformat = "jax"\nentry = "model.py:predict"\n'
            '[input.x]\nshape = [2]\ndtype = "float32"\n'
        )
        (folder / "model.py").write_text(
            textwrap.dedent(f"""
                import os

                def predict(x):
                    print("so far so good", flush=True)
                    {code}
                    return x + 1
            """)
        )
    ran = module_cli("build", "--keep-going", tmp_path)
    assert ran.code == ExitCode.ENGINE_FAILED and "Traceback" not in ran.text
    assert "error: lower: the litert process crashed (SIGABRT)\n" in ran.err
    assert "bad/model.toml\n" in ran.err and "    so far so good\n" in ran.err
    assert ran.err.endswith("help: look at the code that model.toml names, and at native libraries that it calls\n")
    assert ran.out.endswith("failed: bad\n")
    assert (tmp_path / "good" / "build" / "good" / "good-float32.tflite").exists()
    assert not (tmp_path / "bad" / "build").exists() and not (tmp_path / "bad" / "model.lock").exists()
    assert alive(mark) == []
