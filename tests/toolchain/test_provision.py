"""Installing a toolchain of one small package: whole or not at all, once, from the pinned files alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tflite_build.errors import EngineError
from tflite_build.run.environments import Environments
from tflite_build.toolchain import pins, provision, uv
from tflite_build.toolchain.pins import Toolchain

HASH = "919387eb55330f5757c6bea9165c5ff5cfe63a642682ea788a6d472576d81737"
PINS = """\
# python: 3.11
# platforms: {platform}
# size: 0.1 MB
einops==0.8.1 \\
    --hash=sha256:{hash}
"""
FIXTURE = Path(__file__).parent.parent / "fixtures" / "tflite" / "float32.tflite"
TOML = 'spec = 1\n[model]\nname = "m"\n[source]\nformat = "tflite"\npath = "m.tflite"\n[variant.float32]\n'
in_proc = pytest.mark.skipif(sys.platform != "linux", reason="which processes are left is read in Linux's /proc")
INSTALL = """
import sys
from pathlib import Path
from tflite_build.toolchain import pins, provision
python = provision.ensure(pins.read(Path(sys.argv[1])), Path(sys.argv[2]), offline=False, report=print)
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Toolchain:
    file = tmp_path / "tiny.txt"
    file.write_text(PINS.format(platform=pins.this_platform(), hash=HASH))
    return pins.read(file)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def ensure(toolchain: Toolchain, root: Path, *, offline: bool = False) -> list[str]:
    """Install it; what was reported."""
    said: list[str] = []
    python = provision.ensure(toolchain, root, offline=offline, report=said.append)
    code = "import einops, sys; print(einops.__version__, sys.version_info[:2])"
    ran = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "0.8.1 (3, 11)\n"
    return said


def left(root: Path) -> list[str]:
    """What lies in the folder of toolchains, locks left out."""
    return sorted(p.name for p in (root / "toolchains").iterdir() if p.suffix != ".lock")


def failure(toolchain: Toolchain, root: Path, *, offline: bool = False) -> str:
    with pytest.raises(EngineError) as caught:
        ensure(toolchain, root, offline=offline)
    assert caught.value.code == 3
    return caught.value.render()


def test_the_first_use_installs_and_later_ones_find_it(tiny: Toolchain, root: Path) -> None:
    assert failure(tiny, root, offline=True) == (
        "error: the toolchain 'tiny' is not installed, and --offline forbids to install it\n"
        "help: run `tflite-build toolchain install tiny` where there is a network"
    )
    # What an interrupted installation leaves: a folder without the mark of being complete, and one under another name.
    folder = provision.folder_of(tiny, root)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("half")
    (folder.parent / f".new-{folder.name}-left" / "venv").mkdir(parents=True)
    of_another_version = folder.parent / ".new-tiny-0123456789ab-busy"
    of_another_version.mkdir()
    said = ensure(tiny, root)
    assert said[0] == "installing the toolchain 'tiny': ; 0.1 MB on disk, once"
    assert said[-1].startswith("  the toolchain 'tiny' is ready after ")
    assert left(root) == [of_another_version.name, folder.name]  # another version's may be under way
    assert list(folder.glob("lib/python3.11/site-packages/einops/__pycache__/*.pyc"))
    assert ensure(tiny, root) == ensure(tiny, root, offline=True) == []
    assert json.loads((folder / "complete.json").read_text())["size"] > 100_000


def test_a_file_that_is_not_the_pinned_one_is_refused(tiny: Toolchain, root: Path) -> None:
    tiny.file.write_text(PINS.format(platform=pins.this_platform(), hash="0" * 64))
    shown = failure(pins.read(tiny.file), root)
    assert shown.startswith("error: installing the toolchain 'tiny' failed\n") and "0" * 64 in shown
    assert shown.endswith(
        "help: a file of the index is not the one that was pinned; do not use this index until that is explained"
    )
    assert left(root) == []


def test_a_platform_without_wheels(tiny: Toolchain, root: Path) -> None:
    elsewhere = replace(pins.load("core"), platforms=("plan9-mips", "amiga-m68k"))
    assert failure(elsewhere, root) == (
        f"error: the toolchain 'core' (litert-converter 0.5.0, litert-quantizer 0.11.0, ai-edge-litert 2.3.0) "
        f"does not exist for {pins.this_platform()}\n"
        "help: its packages are published for plan9-mips or amiga-m68k; build there"
    )
    assert not root.exists()


def test_a_package_that_does_not_exist(tiny: Toolchain, root: Path) -> None:
    tiny.file.write_text(tiny.file.read_text().replace("einops==0.8.1", "einops==99.9"))
    assert failure(pins.read(tiny.file), root).startswith("error: installing the toolchain 'tiny' failed\n")
    assert left(root) == []


def test_a_folder_that_cannot_be_written(tiny: Toolchain, root: Path) -> None:
    root.write_text("a file")
    assert failure(tiny, root) == (
        f"error: the folder for toolchains, {root}/toolchains, cannot be written: Not a directory\n"
        "help: set TFLITE_BUILD_CACHE to a folder that can be written"
    )


def test_a_lock_that_cannot_be_had(tiny: Toolchain, root: Path) -> None:
    """As on a read-only cache: by who installs and by who removes."""
    folder = provision.folder_of(tiny, root)
    lock = folder.with_name(f"{folder.name}.lock")
    lock.mkdir(parents=True)
    told = (
        f"error: the folder for toolchains, {root}/toolchains, cannot be written: Is a directory\n"
        "help: set TFLITE_BUILD_CACHE to a folder that can be written"
    )
    assert failure(tiny, root) == told
    folder.mkdir()
    (folder / "complete.json").write_text('{"digest": "", "size": 1}')
    with pytest.raises(EngineError) as caught:
        provision.remove(tiny.name, root, print)
    assert caught.value.render(root) == told and (folder / "complete.json").exists()


def test_two_at_once_install_once(tiny: Toolchain, root: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", INSTALL, tiny.file, root], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert "".join(said).count("installing the toolchain 'tiny'") == 1
    assert ensure(tiny, root) == [] and left(root) == [provision.folder_of(tiny, root).name]


@in_proc
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_installation_that_is_stopped_leaves_no_process_and_is_done_again(
    tiny: Toolchain, root: Path, number: signal.Signals
) -> None:
    """It is stopped while uv waits for an index that does not answer."""
    mark = f"mark-{os.urandom(8).hex()}"
    with socket.create_server(("127.0.0.1", 0)) as index:
        address = f"http://127.0.0.1:{index.getsockname()[1]}/"
        process = subprocess.Popen(
            [sys.executable, "-c", INSTALL, tiny.file, root],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TFLITE_BUILD_TEST": mark, "UV_DEFAULT_INDEX": address, "UV_HTTP_TIMEOUT": "600"},
        )
        index.settimeout(60)
        connection, _ = index.accept()
        with connection:
            process.send_signal(number)
            process.wait(timeout=60)
            until = time.monotonic() + 20
            while (running := alive(mark)) and time.monotonic() < until:
                time.sleep(0.05)
            assert running == []
    assert (left(root) == []) is (number == signal.SIGINT)
    ensure(tiny, root)
    assert left(root) == [provision.folder_of(tiny, root).name]


@in_proc
def test_ctrl_c_during_the_first_installation_of_a_build(tmp_path: Path, root: Path) -> None:
    """Sent to the tool alone, as a runner does; a terminal sends it to uv too."""
    shutil.copy(FIXTURE, tmp_path / "m.tflite")
    (tmp_path / "model.toml").write_text(TOML)
    mark = f"mark-{os.urandom(8).hex()}"
    with socket.create_server(("127.0.0.1", 0)) as index:
        address = f"http://127.0.0.1:{index.getsockname()[1]}/"
        more = {"TFLITE_BUILD_TEST": mark, "TFLITE_BUILD_CACHE": str(root), "UV_HTTP_TIMEOUT": "600"}
        process = subprocess.Popen(
            [sys.executable, "-m", "tflite_build", "build", tmp_path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **more, "UV_DEFAULT_INDEX": address},
        )
        index.settimeout(60)
        connection, _ = index.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "interrupted; 0 steps are finished, and kept for the next build\n")
    assert out.startswith("installing the toolchain 'core': litert-converter 0.5.0, ")
    assert left(root) == [] and alive(mark) == []


def alive(mark: str) -> list[str]:
    """The processes that have `mark` in their environment."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            continue
    return found


def test_much_output_of_uv_is_read() -> None:
    assert len(uv.call(["generate-shell-completion", "bash"], "testing")) > 100_000  # more than a pipe holds


def test_uv_dies_when_its_output_is_not_wanted_any_more() -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        uv.call(["pip", "list", "--verbose"], "testing", interrupted)


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module_cli: Callable[..., Any]) -> None:
    """On a cache of its own, in which `core` only looks installed."""
    root = tmp_path / "own"
    folder = provision.folder_of(pins.load("core"), root)
    (folder / "bin").mkdir(parents=True)
    (folder / "complete.json").write_text('{"digest": "", "size": 12345678}')
    (root / "toolchains" / "core-0123456789ab").mkdir()
    env = {"TFLITE_BUILD_CACHE": str(root)}
    listed = module_cli("toolchain", "list", env=env)
    assert listed.code == 0
    rows = {line.split()[0]: line for line in listed.out.splitlines()}
    assert list(rows) == ["toolchain", "core", "flex", "litert", "tensorflow"]
    assert "installed, 12.3 MB" in rows["core"] and "litert-converter 0.5.0" in rows["core"]
    assert "not installed" in rows["tensorflow"]
    found = json.loads(module_cli("toolchain", "list", "--json", env=env).out)["toolchains"]
    assert {t["name"]: t["installed"] for t in found} == {
        "core": str(folder),
        "flex": None,
        "litert": None,
        "tensorflow": None,
    }
    assert found[0]["digest"] == pins.load("core").digest and found[0]["packages"]["litert-converter"] == "0.5.0"

    # A toolchain whose Python is gone, and one that is not there at all.
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(FIXTURE, work / "m.tflite")
    (work / "model.toml").write_text(TOML)
    broken = module_cli("build", work, env=env)
    assert broken.code == 3 and "the Python of the toolchain 'core' cannot be started: " in broken.err
    assert "help: `tflite-build toolchain remove core`, then build again" in broken.err
    removed = module_cli("toolchain", "remove", "core", env=env)
    assert (removed.code, removed.out) == (0, "core: removed\n") and not folder.exists()
    assert module_cli("toolchain", "remove", "core", env=env).out == "core: was not installed\n"
    offline = module_cli("build", "--offline", work, env=env)
    assert offline.code == 3 and not (work / "build").exists() and not (work / "model.lock").exists()
    assert "the toolchain 'core' is not installed, and --offline forbids to install it" in offline.err
    assert "help: run `tflite-build toolchain install core` where there is a network" in offline.err
    for command in ("install", "remove"):
        wrong = module_cli("toolchain", command, "tensorflw", env=env)
        assert wrong.code == 64 and "did you mean 'tensorflow'?" in wrong.err


def test_what_is_installed_is_there_while_another_is_installed(
    root: Path, tiny: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one waits for an index that does not answer."""
    ensure(tiny, root)
    slow = tiny.file.with_name("slow.txt")
    slow.write_text(tiny.file.read_text().replace("0.1 MB", "1 GB"))
    monkeypatch.setattr(pins, "load", lambda name: pins.read(tiny.file.with_name(f"{name}.txt")))
    stop, stopped = threading.Event(), []
    environments = Environments(root, offline=False, report=lambda _: None, stop=stop.is_set)

    def install() -> None:
        with pytest.raises(KeyboardInterrupt):
            environments.python("slow")
        stopped.append(True)

    with socket.create_server(("127.0.0.1", 0)) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{index.getsockname()[1]}/")
        monkeypatch.setenv("UV_HTTP_TIMEOUT", "600")
        monkeypatch.setenv("UV_NO_CACHE", "1")
        index.settimeout(60)
        installing = threading.Thread(target=install)
        installing.start()
        connection, _ = index.accept()
        with connection:
            found: list[Path] = []
            asking = threading.Thread(target=lambda: found.append(environments.python("tiny")), daemon=True)
            asking.start()
            asking.join(20)
            meanwhile = list(found)
            stop.set()
            installing.join(60)
    assert meanwhile == [provision.python_of(tiny, root)] and stopped
