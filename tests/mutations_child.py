"""Runs commands in this process, one for each line of words as JSON, and answers how each ended: see `mutations.Child`."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import re
import resource
import sys
import time
from pathlib import Path

import typer

from tflite_build.cli import app

WHOLE = str(Path(__file__).parent / "fixtures" / "tflite" / "float32.tflite")
_LIMIT = 4 << 30  # what a bomb may take of the machine that tests run on


def status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(found[1]) * 1024 if found else 0


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_LIMIT, _LIMIT))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    app.app = typer.main.get_command(app.app)  # built for each call otherwise, which takes longer than the call
    importlib.import_module("tflite_build.api")
    for words in (["inspect", "--json", "--ops", WHOLE], ["inspect", "--ops", WHOLE], ["diff", WHOLE, WHOLE]):
        with contextlib.redirect_stdout(io.StringIO()):
            app.run(words)  # what is imported counts for no file
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        out, err = io.StringIO(), io.StringIO()
        gc.collect()
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew
        before, begun = status("VmRSS"), time.perf_counter()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = app.run(json.loads(line))
        seconds, memory = time.perf_counter() - begun, max(0, status("VmHWM") - before)
        found = {
            "code": code,
            "out": out.getvalue(),
            "err": err.getvalue(),
            "seconds": seconds,
            "memory": memory,
        }
        answers.write(json.dumps(found) + "\n")
        answers.flush()


main()
