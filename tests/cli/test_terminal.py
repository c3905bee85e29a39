"""What a build looks like on a terminal, as a terminal shows it: narrow, wide, resized, without colours, interrupted."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyte
import pytest

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "tflite"
ROWS = 120  # none scrolls away
SPEC = """spec = 1
[model]
name = "{name}"
[source]
format = "tflite"
path = "m.tflite"
[variant.float32]
[variant.a-variant-with-a-long-name]
quantize = "dynamic-int8"
[variant.half]
quantize = "float16"
"""
SLOW = """spec = 1
[model]
name = "slow"
[source]
format = "jax"
entry = "model.py:slow"
[input.x]
shape = [2]
dtype = "float32"
"""
COUNT = re.compile(r"^\d+ of \d+ steps, \d+ s$")


@dataclass
class Terminal:
    """A terminal with a command in it.

    Attributes:
        frames: What stood on the screen after each piece that was written.
        written: All that was written.
    """

    columns: int
    cwd: Path
    env: dict[str, str]
    frames: list[list[str]] = field(default_factory=list)
    written: bytes = b""

    def run(self, *arguments: str, meanwhile: Callable[[Terminal, int], None] = lambda *_: None) -> int:
        """Run `tflite-build`; its exit code. `meanwhile` is called after each piece with its process number."""
        ours, theirs = pty.openpty()
        self._file = ours
        self.screen = pyte.Screen(self.columns, ROWS)
        stream = pyte.ByteStream(self.screen)
        self.resize(self.columns)
        process = subprocess.Popen(
            [sys.executable, "-m", "tflite_build", *arguments],
            cwd=self.cwd,
            env=self.env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        while True:
            ready, _, _ = select.select([ours], [], [], 120)
            assert ready, "no end"
            try:
                data = os.read(ours, 65536)
            except OSError:  # how Linux tells that the other side is closed
                break
            if not data:
                break
            self.written += data
            stream.feed(data)
            self.frames.append(self.lines)
            meanwhile(self, process.pid)
        os.close(ours)
        return process.wait()

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, without empty ones at its end."""
        text = "\n".join(line.rstrip() for line in self.screen.display)
        return text.rstrip().split("\n")

    def resize(self, columns: int) -> None:
        """Make it narrower or wider, as a user does by dragging."""
        self.columns = columns
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        self.screen.resize(ROWS, columns)


@pytest.fixture
def terminal(tmp_path: Path, cache: Path) -> Callable[..., Terminal]:
    """Gives terminals in a folder with two models."""
    work = tmp_path / "work"
    for name in ("one", "two"):
        (work / name).mkdir(parents=True)
        shutil.copy(FIXTURES / "float32.tflite", work / name / "m.tflite")
        (work / name / "model.toml").write_text(SPEC.format(name=name))
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}

    def make(columns: int = 100, **env: str) -> Terminal:
        return Terminal(columns, work, {**inherited, "TFLITE_BUILD_CACHE": str(cache), "TERM": "xterm-256color", **env})

    return make


@pytest.mark.parametrize("columns", [40, 120])
def test_what_runs_now_stands_below(terminal: Callable[..., Terminal], columns: int) -> None:
    shown = terminal(columns)
    assert shown.run("build") == 0
    live = [frame for frame in shown.frames if any(COUNT.match(line) for line in frame)]
    assert live
    for frame in live:
        (at,) = [number for number, line in enumerate(frame) if COUNT.match(line)]  # once, wherever it is
        running = frame[at + 1 :]
        assert len(running) <= (os.cpu_count() or 2) + 1
        assert all(re.match(r"^  (one|two) .* \d+\.\d s$", line) for line in running), frame
    assert any(len(frame) > 1 for frame in live)
    assert not any(COUNT.match(line) for line in shown.lines), "nothing of it is left"
    assert not shown.screen.cursor.hidden
    text = "\n".join(shown.lines)
    assert len(re.findall(r"one quantize:a-variant-with-a-long-name", text.replace("\n", ""))) == 1
    assert "6 files in" in text.replace("\n", "")


def test_resized_meanwhile(terminal: Callable[..., Terminal]) -> None:
    shown = terminal(100)
    sizes = iter([30, 100, 41, 80] * 100)

    def drag(one: Terminal, pid: int) -> None:
        if len(one.frames) % 2:
            one.resize(next(sizes))
            os.kill(pid, signal.SIGWINCH)

    assert shown.run("build", meanwhile=drag) == 0
    assert not shown.screen.cursor.hidden
    assert b"Traceback" not in shown.written and shown.written.count(b"6 files") == 1


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (("build",), {"NO_COLOR": "1"}),
        (("build",), {"TERM": "dumb"}),
        (("--color", "never", "build"), {}),
    ],
)
def test_plain_lines(terminal: Callable[..., Terminal], arguments: tuple[str, ...], env: dict[str, str]) -> None:
    shown = terminal(**env)
    assert shown.run(*arguments) == 0
    assert b"\033" not in shown.written and b"6 files in" in shown.written


def test_colours_where_they_are_asked_for(terminal: Callable[..., Terminal], cli: Callable[..., Any]) -> None:
    """Into a pipe, as CI systems have it that show colours: bold heads, and nothing that moves the cursor."""
    work = terminal().cwd
    always = cli("--color", "always", "build", work / "one").out
    assert "\033[1m  variant" in always and not re.search(r"\033\[[0-9;?]*[A-Zhl]", always.replace("\033[0m", ""))
    wrong = cli("--color", "always", "build", "nowhere")
    assert wrong.err.startswith("\033[1;31merror\033[0m: ")
    assert "\033" not in cli("build", work / "one").out
    assert terminal(NO_COLOR="1").run("--color", "always", "build", "one") == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_stopped_leaves_the_screen_clean(terminal: Callable[..., Terminal], number: int, code: int) -> None:
    """By Ctrl-C or by `kill`: what is finished is told and kept, and the cursor is there again."""
    shown = terminal()
    (shown.cwd / "slow").mkdir()
    (shown.cwd / "slow" / "model.toml").write_text(SLOW)
    (shown.cwd / "slow" / "model.py").write_text("import time\n\n\ndef slow(x):\n    time.sleep(60)\n    return x\n")
    pressed: list[float] = []

    def press(one: Terminal, pid: int) -> None:
        # Until the others are published, which is what "kept" is about.
        published = all((one.cwd / name / "build" / name / "report.json").exists() for name in ("one", "two"))
        if not pressed and published and any(re.match(r"^  slow lower +[1-9]", line) for line in one.lines):
            pressed.append(time.monotonic())
            os.killpg(pid, number) if number == signal.SIGINT else os.kill(pid, number)  # a terminal asks all of them

    assert shown.run("build", "-k", meanwhile=press) == code
    assert pressed and time.monotonic() - pressed[0] < 5
    assert not shown.screen.cursor.hidden and not any(COUNT.match(line) for line in shown.lines)
    last = r"^interrupted; \d+ steps are finished, (one, two|two, one) published, and kept for the next build$"
    assert re.match(last, shown.lines[-1]), shown.lines
    for name in ("one", "two"):
        assert (shown.cwd / name / "model.lock").exists()
        assert len(list((shown.cwd / name / "build" / name).glob("*.tflite"))) == 3
    assert shown.run("build", "one", "two") == 0  # with nothing to do
    assert "2 models are up to date" in "\n".join(shown.lines)
