"""2,000 damaged .tflite files: each command ends with an exit code and a clear sentence, soon and in little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from mutations import Child, Command, Outcome, corpus, mutated

MEASURED = Path(__file__).parents[1] / "mutations_process.py"
CASES, WHOLE = 2000, 50
BLOCKS = 4
SECONDS = 10.0
TIMES = 4  # the size of the file in memory, beside
ROOM = 10_000_000  # what a command may take whatever the file: output, modules, garbage that Python keeps

# Exit codes that a command may end with, where the file can be read and where not.
COMMANDS: list[tuple[Command, set[int]]] = [
    (lambda bad, _: ["inspect", str(bad)], {0, 2}),
    (lambda bad, _: ["inspect", "--json", str(bad)], {0, 2}),
    (lambda bad, _: ["inspect", "--ops", "--tensors", "--metadata", str(bad)], {0, 2}),
    (lambda bad, good: ["diff", str(good), str(bad)], {0, 1, 2}),
    (lambda bad, good: ["diff", "--json", str(bad), str(good)], {0, 1, 2}),
]


def check(bad: Path, _: Path) -> list[str]:
    """The damaged file as the source of a model, which a real engine runs."""
    spec = f'spec = 1\n[model]\nname = "bad"\n[source]\nformat = "tflite"\npath = "{bad.name}"\n'
    (bad.parent / "model.toml").write_text(spec + '[checks]\nmax_size = "1 MB"\n', "utf-8")
    return ["check", str(bad.parent)]


# What starts engines, and is tried on fewer: on one of so many files.
SLOW: list[tuple[Command, set[int], int]] = [(check, {0, 1, 2, 3, 4}, 24)]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return corpus()


@pytest.fixture(scope="module")
def whole(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    for name, data in files.items():
        (folder / f"{name}.tflite").write_bytes(data)
    return folder


@pytest.fixture
def child(module_cache: Path) -> Iterator[Child]:
    child = Child(module_cache, SECONDS)
    yield child
    child.close()


def wrong(outcome: Outcome, words: Sequence[str], codes: set[int], size: int) -> str:
    """What is wrong with how a command ended; "" for nothing."""
    if outcome.code is None or "Traceback" in outcome.err:
        return outcome.err[-2000:]
    if outcome.code not in codes:
        return f"exit code {outcome.code}: {outcome.err}"
    if outcome.seconds > SECONDS or outcome.memory > TIMES * size + ROOM:
        return f"{outcome.seconds:.1f} s, {outcome.memory / 1e6:.1f} MB for {size} bytes"
    if outcome.code > 1 or (outcome.code == 1 and words[0] != "diff"):
        sentences = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
        if len(sentences) != 1 or not 20 < len(sentences[0]) < 300:
            return f"not one sentence: {outcome.err}"
    elif outcome.err or not outcome.out:
        return f"says {outcome.err!r} and {outcome.out[:100]!r}"
    if "--json" in words:
        try:
            value = json.loads(outcome.out, parse_constant=lambda text: {}[text])
        except (ValueError, KeyError) as error:
            return f"no JSON: {error!r}"
        if ("errors" in value) != (outcome.code == 2):
            return f"{outcome.code}: {outcome.out[:200]}"
    return ""


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_damaged_file_is_told_in_a_sentence(
    block: int, files: dict[str, bytes], whole: Path, child: Child, tmp_path: Path
) -> None:
    bad, found, codes = tmp_path / "bad.tflite", [], Counter[int | None]()
    for seed in range(block, CASES, BLOCKS):
        name, data = mutated(seed, files)
        bad.write_bytes(data)
        for number in (seed // BLOCKS % 3, 3 + seed // BLOCKS % 2):
            command, allowed = COMMANDS[number]
            words = command(bad, whole / f"{name}.tflite")
            outcome = child.run(words)
            codes[outcome.code] += 1
            said = wrong(outcome, words, allowed, len(data))
            if said:
                found.append(f"seed {seed}, {name}, {words[:-1]}: {said}")
    assert not found, f"{len(found)}\n" + "\n".join(found[:20])
    assert min(codes[0], codes[1], codes[2]) > 50, codes  # it is damage of all kinds


def process(words: Sequence[str], cache: Path, note: Path) -> Outcome:
    """A command as a process of its own; `memory` is its largest, that of Python with all imports included."""
    command = [sys.executable, "-m", "tflite_build", *words]
    done = subprocess.run(
        [sys.executable, MEASURED, note, *command],
        env={**os.environ, "TFLITE_BUILD_CACHE": str(cache)},
        capture_output=True,
        text=True,
        timeout=3 * SECONDS,
    )
    return Outcome(out=done.stdout, err=done.stderr, **json.loads(note.read_text("utf-8")))


@pytest.mark.parametrize(("command", "allowed", "every"), SLOW)
def test_damage_in_what_engines_run(
    command: Command, allowed: set[int], every: int, files: dict[str, bytes], whole: Path, child: Child, tmp_path: Path
) -> None:
    bad, found, codes = tmp_path / "bad.tflite", [], Counter[int | None]()
    for seed in range(1, CASES, every):
        name, data = mutated(seed, files)
        bad.write_bytes(data)
        words = command(bad, whole / f"{name}.tflite")
        outcome = child.run(words)
        codes[outcome.code] += 1
        said = wrong(outcome, words, allowed, len(data))
        if said:
            found.append(f"seed {seed}, {name}, {words[:-1]}: {said}")
    assert not found, "\n".join(found[:20])
    assert min(codes[0], codes[2]) > 5, codes


def test_the_same_in_processes_of_their_own(
    files: dict[str, bytes], whole: Path, module_cache: Path, tmp_path: Path
) -> None:
    bad, note, found = tmp_path / "bad.tflite", tmp_path / "note.json", []
    plain = str(whole / "float32.tflite")
    usual = max(process(w, module_cache, note).memory for w in (["inspect", plain], ["diff", plain, plain]))
    for number, seed in enumerate(range(0, CASES, CASES // WHOLE)):
        seed += number % 7  # not those of large files alone
        name, data = mutated(seed, files)
        bad.write_bytes(data)
        command, allowed = COMMANDS[number % len(COMMANDS)]
        words = command(bad, whole / f"{name}.tflite")
        outcome = process(words, module_cache, note)
        outcome = replace(outcome, memory=max(0, outcome.memory - usual))
        said = wrong(outcome, words, allowed, len(data))
        if said:
            found.append(f"seed {seed}, {name}, {words[:-1]}: {said}")
    assert not found, "\n".join(found)


def test_damage_is_the_same_each_time(files: dict[str, bytes]) -> None:
    assert all(mutated(seed, files) == mutated(seed, files) for seed in range(50))
    assert len({mutated(seed, files)[1] for seed in range(200)}) > 190
