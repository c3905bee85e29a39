"""What only a process of its own shows: terminals, signals, closed pipes, exit codes, and what a start imports."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "tflite"
COMMAND = [sys.executable, "-m", "tflite_build"]
SPEC = """\
spec = 1
[model]
name = "{name}"
[source]
format = "tflite"
path = "{name}.tflite"
[variant.float32]
[variant.small]
quantize = "dynamic-int8"
"""
JAX = """\
spec = 1
[model]
name = "{name}"
[source]
format = "jax"
entry = "model.py:{name}"
[input.x]
shape = [2]
"""
SLOW = """\
import pathlib, time
pathlib.Path({begun!r}).touch()
time.sleep(60)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, fixture in (("digits", "float32"), ("impossible", "two-signatures")):
        (folder / name).mkdir()
        shutil.copy(FIXTURES / f"{fixture}.tflite", folder / name / f"{name}.tflite")
        (folder / name / "model.toml").write_text(SPEC.format(name=name), "utf-8")
    return folder


def environment(cache: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "TFLITE_BUILD_CACHE": str(cache), "TERM": "xterm", **more}


def test_a_pipe_has_plain_lines(project: Path, module_cli: Callable[..., Any]) -> None:
    ran = module_cli("build", "digits", cwd=project)
    assert ran.code == 0
    assert "\033" not in ran.text and "\r" not in ran.text
    assert ran.err == ""


@pytest.mark.parametrize(
    "arguments", [["schema"], ["inspect", "digits/digits.tflite", "--json"], ["build", "digits", "-v"]]
)
def test_a_reader_that_leaves(arguments: list[str], project: Path, module_cache: Path) -> None:
    """As behind `| head -1`: not a word of complaint, and a build goes on to its end."""
    shutil.rmtree(project / "digits" / "build", ignore_errors=True)
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=project,
        env=environment(module_cache, PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0
    assert (project / "digits" / "build" / "digits" / "digits-small.tflite").is_file() == (arguments[0] == "build")


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["--version"], ["schema"]])
def test_a_reader_that_was_never_there(arguments: list[str], project: Path, module_cache: Path) -> None:
    """As behind `| true`."""
    reading, writing = os.pipe()
    os.close(reading)
    environ = environment(module_cache)
    done = subprocess.run([*COMMAND, *arguments], cwd=project, env=environ, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="which processes are left is read in Linux's /proc")
def test_ctrl_c(tmp_path: Path, module_cache: Path) -> None:
    """While the user's code runs: once the whole group gets the signal, as on a terminal, once the tool alone."""
    processes = {}
    for name in ("terminal", "alone"):
        folder = tmp_path / name
        folder.mkdir()
        begun = tmp_path / f"{name} begun"
        (folder / "model.py").write_text(SLOW.format(begun=str(begun)), "utf-8")
        (folder / "model.toml").write_text(JAX.format(name=name), "utf-8")
        processes[name] = subprocess.Popen(
            [*COMMAND, "build"],
            cwd=folder,
            env=environment(module_cache),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    for name, process in processes.items():
        while not (tmp_path / f"{name} begun").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
    os.killpg(processes["terminal"].pid, signal.SIGINT)
    processes["alone"].send_signal(signal.SIGINT)
    for name, process in processes.items():
        out, err = process.communicate(timeout=60)  # the code itself would sleep on
        assert (process.returncode, out) == (130, "")
        assert err == "interrupted; 0 steps are finished, and kept for the next build\n"
        assert sorted(p.name for p in (tmp_path / name).iterdir()) == ["model.py", "model.toml"]
    assert not [p for p in module_cache.glob("store/*/tmp/*") if p.is_dir()]
    assert not _processes_with(str(module_cache))


def _processes_with(text: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="which processes are left is read in Linux's /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_engine_outlives_a_build_that_ends_as_it_starts(
    number: signal.Signals, tmp_path: Path, cache: Path, python_of: Callable[[str], Path]
) -> None:
    """At any time of its first second: not even one that has not come to its own first line yet."""
    python_of("litert")
    folder = tmp_path / "model"
    folder.mkdir()
    shutil.copy(FIXTURES.parent / "init" / "sequential.keras", folder / "m.keras")
    (folder / "model.toml").write_text('spec = 1\n[model]\nname = "m"\n[source]\nformat = "keras"\npath = "m.keras"\n')
    seen = 0
    for tenth in range(1, 10):
        shutil.rmtree(folder / "build", ignore_errors=True)
        with subprocess.Popen(
            [*COMMAND, "build"],
            cwd=folder,
            env=environment(cache),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(tenth / 10)
            seen += len(_processes_with(str(cache / "store")))
            process.send_signal(number)
        until = time.monotonic() + 0.3
        while (left := _processes_with(str(cache / "store"))) and time.monotonic() < until:
            time.sleep(0.01)
        assert not left, f"after {tenth / 10} s"
    assert seen


def test_ctrl_c_while_it_starts() -> None:
    code = (
        "import builtins, sys, tflite_build.cli as cli\n"
        "real = builtins.__import__\n"
        "def stop(name, *rest):\n"
        "    if name == 'typer':\n"
        "        raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = stop\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")


def test_what_an_import_costs() -> None:
    """The package alone imports nothing heavy; the schema of the command line no framework and no numpy."""
    code = "import sys, tflite_build; print(' '.join(m for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"pydantic", "numpy", "typer", "jinja2", "rich", "sqlite3", "tomli"}
    code = "import sys, tflite_build.api, tflite_build.cli.app; print(' '.join(m for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"numpy", "jinja2", "tensorflow", "jax", "keras", "ai_edge_litert"}


def test_a_fault_of_the_tool_is_told_as_one(project: Path, module_cache: Path) -> None:
    code = (
        "import sys\n"
        "from tflite_build.cli import app\n"
        "import tflite_build.run.driver as driver\n"
        "def broken(*_): raise RuntimeError('for the test')\n"
        "driver.build = broken\n"
        "sys.exit(app.run(['build', 'digits', '--update']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=environment(module_cache), capture_output=True, text=True
    )
    assert done.returncode == 70
    assert "RuntimeError: for the test" in done.stderr
    assert done.stderr.endswith(
        "error: this is a fault of tflite-build itself; please report it with the lines above\n"
    )


def test_the_installed_command_and_its_exit_code(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("tflite-build")
    done = subprocess.run([script, "build", "nowhere"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 64
    assert done.stderr.startswith("error: there is no file or folder 'nowhere'\n")


CODES = {
    0: ["inspect", "digits/digits.tflite"],
    1: ["build", "impossible"],
    2: ["build", "wrong"],
    3: ["build", "digits", "--offline"],
    4: ["build", "unchecked"],
    5: ["build", "digits", "--out-dir", "digits/model.toml/below"],
    64: ["build", "nowhere"],
}
CHANGES = {
    "wrong": ("[variant", "[vriant"),
    "unchecked": ("[variant.small]", "[checks]\nmin_cosine = 1\n[variant.small]"),
}


@pytest.mark.parametrize("code", CODES)
def test_exit_codes(code: int, project: Path, shell: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("build"))
    for name, change in CHANGES.items():
        shutil.copytree(folder / "digits", folder / name)
        (folder / name / "model.toml").write_text(SPEC.format(name="digits").replace(*change), "utf-8")
    ran = shell(*CODES[code], cwd=folder, env={"TFLITE_BUILD_CACHE": str(tmp_path / "empty")} if code == 3 else {})
    assert ran.code == code, ran.text
    assert "Traceback" not in ran.text
    assert ran.err.startswith("error: ") == (code != 0)


def test_output_that_cannot_be_written_and_a_folder_that_is_gone(project: Path, module_cache: Path) -> None:
    full, gone = 'exec "$@" > /dev/full', 'mkdir gone; cd gone; rmdir ../gone; exec "$@"'
    no_space = "error: cannot write the output: No space left on device\n"
    for script, arguments, code, said in (
        (full, ["schema"], 5, no_space),
        (full, ["--help"], 5, no_space),
        (gone, ["build"], 64, "error: there is no model.toml in '.'"),
        (gone, ["init", str(FIXTURES / "float32.tflite")], 64, "error: the current folder does not exist any more\n"),
    ):
        ran = subprocess.run(
            ["/bin/sh", "-c", script, "sh", *COMMAND, *arguments],
            cwd=project,
            env=environment(module_cache),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ran.stderr.startswith(said), ran.stderr
        assert "Traceback" not in ran.stderr
        assert ran.returncode == code


def test_an_empty_name_is_no_folder(module_cli: Callable[..., Any]) -> None:
    for command in ("evaluate", "build", "check"):
        said = module_cli(command, "")
        assert said.code == 64 and "the name of a model is empty" in said.err


def test_pipes_end_nothing(tmp_path: Path, module_cli: Callable[..., Any], project: Path) -> None:
    """A model.toml that is one, and one that lies in the project."""
    os.mkfifo(tmp_path / "model.toml")
    for command in ("build", "plan"):
        said = module_cli(command, tmp_path)
        assert said.code == 2 and "model.toml is a pipe, socket or device, not a model.toml file" in said.err
    folder = tmp_path / "digits"
    shutil.copytree(project / "digits", folder, ignore=shutil.ignore_patterns("build", "*.lock"))
    os.mkfifo(folder / "pipe")
    assert module_cli("build", folder).code == 0
    assert module_cli("verify", folder).code == 0
