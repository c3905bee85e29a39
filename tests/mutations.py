"""Damaged .tflite files, the same ones each time, and a process that commands are tried on them in.

A command is a function from a damaged file and the whole one that it was made from to the words of the command line, so
that a new command joins by a line in a list.
"""

from __future__ import annotations

import io
import json
import os
import queue
import random
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import handmade as h
import wild
from everything import EVERYTHING, GRAPH, file_with

from tflite_build.tflite import metadata

FIXTURES = Path(__file__).parent / "fixtures" / "tflite"
Command = Callable[[Path, Path], Sequence[str]]

_NUMBERS = (0, 1, 2, 4, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def corpus() -> dict[str, bytes]:
    """The whole files: of every kind, small ones, one that is nearly all weights and one that is nearly all graph."""
    small = {path.stem: path.read_bytes() for path in sorted(FIXTURES.glob("*.tflite"))}
    return {
        **small,
        **{f"wild-{name}": data for name, data in wild.small().items()},
        "weights": _weights(),
        "graph": _graph(),
        "metadata": _metadata(),
    }


def _weights() -> bytes:
    """800 kB of weights with a scale for each of 800 channels."""
    channels = 800
    quantization = {2: h.floats(*[0.5] * channels), 3: h.longs(*[0] * channels), 6: h.i32(0)}
    tensors = [
        h.tensor("x", "int8", [1, 1000]),
        h.tensor("w", "int8", [channels, 1000], 1, {4: quantization}),
        h.tensor("y", "int8", [1, channels]),
    ]
    run = h.operator(0, [0, 1, -1], [2], h.options(wild.FULLY_CONNECTED, {}))
    data = bytes(random.Random(0).randbytes(1000 * channels))
    return h.written(h.model([h.code("FULLY_CONNECTED", 4)], [h.graph(tensors, [run], [0], [2])], [data]))


def _metadata() -> bytes:
    """Metadata with all that there is, and files behind it."""
    file = io.BytesIO(file_with(metadata.write(EVERYTHING), len(GRAPH.inputs), len(GRAPH.outputs)))
    with zipfile.ZipFile(file, "a") as archive:
        for name in ("file1.txt", "file2.txt"):
            archive.writestr(zipfile.ZipInfo(name), "a\nb\nc\nd\n")
    return file.getvalue()


def _graph() -> bytes:
    """A chain of 1,000 additions."""
    tensors = [h.tensor(f"layer_{i}/add", "float32", [1, 8]) for i in range(1001)]
    runs = [h.operator(0, [i, i], [i + 1], h.options(11, {})) for i in range(1000)]
    return h.written(h.model([h.code("ADD")], [h.graph(tensors, runs, [0], [1000])]))


def mutated(seed: int, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """The name of a whole file and what became of it: flipped bits, cut ends, other lengths and indices, joined pieces."""
    rng = random.Random(seed)
    # Large files cost more time and say less; one of forty is enough.
    large = [n for n, d in files.items() if len(d) > 50_000]
    name = rng.choice(large if seed % 40 == 0 else sorted(files.keys() - set(large)))
    data = bytearray(files[name])
    kind = rng.choice((_bits, _bits, _numbers, _numbers, _lengths, _lengths, _cut, _offsets, _joined))
    kind(rng, data, files)
    return name, bytes(data)


def _bits(rng: random.Random, data: bytearray, _: Mapping[str, bytes]) -> None:
    for _i in range(rng.choice((1, 1, 2, 8, 64))):
        data[_somewhere(rng, data, 1)] ^= 1 << rng.randrange(8)


def _numbers(rng: random.Random, data: bytearray, _: Mapping[str, bytes]) -> None:
    for _i in range(rng.choice((1, 1, 3))):
        _put(data, _somewhere(rng, data, 4), rng.choice((*_NUMBERS, len(data), len(data) // 4)))


def _lengths(rng: random.Random, data: bytearray, _: Mapping[str, bytes]) -> None:
    """Small numbers, which lengths and indices are, become others: too large, just too large, as large as can be."""
    small = [at for at in range(8, min(len(data), 20_000) - 4, 4) if 0 < _get(data, at) < 5000]
    for at in rng.sample(small, min(len(small), rng.choice((1, 1, 2)))):
        left = len(data) - at - 4
        _put(data, at, rng.choice((left, left // 2, left // 4, left // 8, _get(data, at) + 1, *_NUMBERS)))


def _offsets(rng: random.Random, data: bytearray, _: Mapping[str, bytes]) -> None:
    """References turned to other places, other references and themselves: circles, and tables that are none."""
    places = [at for at in range(0, min(len(data), 20_000) - 4, 4) if 0 < _get(data, at) < len(data) - at]
    for at in rng.sample(places, min(len(places), rng.choice((1, 2, 4)))):
        _put(data, at, rng.choice((0, rng.choice(places) - at, _get(data, rng.choice(places)))))


def _cut(rng: random.Random, data: bytearray, _: Mapping[str, bytes]) -> None:
    del data[rng.randrange(len(data)) :]


def _joined(rng: random.Random, data: bytearray, files: Mapping[str, bytes]) -> None:
    """A piece of another file in the middle."""
    other = files[rng.choice(sorted(files))][:4000]
    at, start = _somewhere(rng, data, 1), rng.randrange(len(other))
    data[at : at + rng.choice((0, 16, 200))] = other[start : start + rng.choice((4, 16, 200))]


def _somewhere(rng: random.Random, data: bytearray, room: int) -> int:
    """A place; of a large file mostly one of its graph, which is where damage is felt."""
    end = min(len(data), 20_000) if rng.random() < 0.9 else len(data)
    return rng.randrange(end - room + 1)


def _get(data: bytearray, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _put(data: bytearray, at: int, value: int) -> None:
    data[at : at + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        code: The exit code; None where the process died or was killed for its time.
        memory: By how many bytes the process grew at most.
    """

    code: int | None
    out: str
    err: str
    seconds: float
    memory: int


class Child:
    """A process that runs one command after another, and is started again where one ends it."""

    def __init__(self, cache: Path, seconds: float) -> None:
        self._environment = {**os.environ, "TFLITE_BUILD_CACHE": str(cache), "COLUMNS": "100", "NO_COLOR": "1"}
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()

    def run(self, words: Sequence[str]) -> Outcome:
        """Run `tflite-build` with these words."""
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(json.dumps(list(words)) + "\n")
        process.stdin.flush()
        try:
            answer = self._answers.get(timeout=self._seconds)
        except queue.Empty:
            answer = ""
        if answer:
            found: dict[str, Any] = json.loads(answer)
            return Outcome(**found)
        self.close()
        return Outcome(None, "", f"ended or took over {self._seconds} s", self._seconds, 0)

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("mutations_child.py"))],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._process, self._answers = process, queue.Queue()
        answers = self._answers

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                answers.put(line)
            answers.put("")  # it has ended

        threading.Thread(target=read, daemon=True).start()
        return process

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
