"""A sound in pieces: windows, mean scores and heard classes as of the whole sound, in Python, Kotlin and Swift."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Ran, Said
from kinds_bed import Apps, Model, build, jax_model
from preprocessing_cases import TABLE

from tflite_build.engines.preprocessing import sound

CODE = """
import jax.numpy as jnp

def words(wave):
    parts = jnp.abs(jnp.diff(wave.reshape(-1)))
    loud, sharp = jnp.mean(jnp.abs(wave)), jnp.mean(parts)
    return {"scores": jnp.stack([0.1 - loud, loud - sharp, sharp])[None]}

def level(wave, before):
    now = before * 0.5 + jnp.mean(jnp.abs(wave)) * 0.5
    return {"level": now}
"""
WAVE = (
    '[input.wave]\ndtype = "float32"\nshape = [1, 800]\ncontent = "audio"\nsample_rate = 8000\nhop = 300\n'
    '[argument.wave]\nkind = "audio"\ninput = "wave"\n'
)
SPOTTED = 'stream = { average = 0.12, refractory = 0.2, ignore = ["silence"] }\n'
LANGUAGES = 'labels = { default = "labels.txt", de = "labels_de.txt" }\n'
SCORES = f'[output.scores]\ncontent = "classes"\n{LANGUAGES}score_threshold = 0.05\n'
LABELS = {"labels.txt": "silence\nhum\nhiss\n", "labels_de.txt": "Stille\nBrummen\nZischen\n"}
MODELS = {
    "words": jax_model(CODE, "words", WAVE + SPOTTED + SCORES, LABELS),
    "level": jax_model(
        CODE,
        "level",
        WAVE + "stream = {}\n"
        '[input.before]\ndtype = "float32"\nshape = [1]\n[state.level]\ninput = "before"\noutput = "level"\n'
        '[result.level]\nkind = "tensor"\noutput = "level"\n',
    ),
}
RATES = ((8_000, 1), (44_100, 2), (16_000, 1), (11_025, 1), (4_000, 1))


@pytest.mark.parametrize("name", MODELS)
def test_its_own_tests_pass(name: str, apps: Apps) -> None:
    assert len(apps.kotlin_tests(name)) == len(apps.swift_tests(name)) == 3


def test_the_formatter_finds_nothing(apps: Apps) -> None:
    apps.check_format()


def noises(rate: int, channels: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Silence, hum, hiss and hum again, each 0.4 s."""
    time = np.arange(int(rate * 1.6)) / rate
    hum, hiss = np.sin(time * 600) * 0.5, np.sign(np.sin(time * 11_000)) * 0.4
    part = (time / 0.4).astype(int)
    mixed = np.where(part == 0, 0.001, np.where(part == 2, hiss, hum))
    return (np.stack([mixed * (1 - 0.2 * c) for c in range(channels)], 1) * 32767).astype("<i2")


def windows(pcm: np.ndarray[Any, Any], rate: int) -> list[np.ndarray[Any, Any]]:
    """Those of the whole sound."""
    whole = sound.resampled(sound.mono(pcm.astype(np.int64) * 256), rate, 8_000, TABLE)
    return [sound.real(frame).astype(np.float64) for frame in sound.frames(whole, 800, 300)]


def spotted(heard: list[np.ndarray[Any, Any]]) -> list[list[float]]:
    """Of each window its end, the class that is heard (-1 for none), and the mean scores."""
    rows, past, last = [], [], [-np.inf] * 3
    for number, wave in enumerate(heard):
        loud, sharp = np.abs(wave).mean(), np.abs(np.diff(wave)).mean()
        past = [*past, np.array([0.1 - loud, loud - sharp, sharp])][-3:]  # 0.12 s of windows that are 0.0375 s apart
        mean, end = np.mean(past, 0), (number * 300 + 800) / 8_000
        best = int(mean.argmax())
        found = mean[best] >= 0.05 and best != 0 and end - last[best] >= 0.2
        last[best] = end if found else last[best]
        rows.append([end, best if found else -1, *np.where(mean >= 0.05, mean, -1)])
    return rows


def levels(heard: list[np.ndarray[Any, Any]]) -> list[list[float]]:
    """Of each window its end and the level."""
    rows, level = [], 0.0
    for number, wave in enumerate(heard):
        level = level * 0.5 + np.abs(wave).mean() * 0.5
        rows.append([(number * 300 + 800) / 8_000, level])
    return rows


def test_pieces_give_what_the_whole_sound_does(apps: Apps, tmp_path: Path) -> None:
    random, lines, wanted = np.random.default_rng(3), [], []
    for rate, channels in RATES:
        pcm = noises(rate, channels)
        file = tmp_path / f"{rate}.pcm"
        file.write_bytes(pcm.tobytes())
        for name, rows in (("words", spotted), ("level", levels)):
            for most in (40, rate):  # of one piece, in samples of all channels
                pieces = " ".join(str(int(n)) for n in random.integers(1, most, 4))
                lines.append(f"{name} {rate} {channels} {pieces} {file}")
                wanted.append(rows(windows(pcm, rate)))
    cases = tmp_path / "cases"
    cases.write_text("\n".join(lines) + "\n", "utf-8")
    by_kotlin, by_swift = apps.kotlin_answers("Streams", [cases]), apps.swift_answers("Streams", [cases])
    assert by_kotlin.strip().splitlines() == by_swift.strip().splitlines()
    answers = by_swift.strip().splitlines()
    assert len(answers) == len(wanted)
    for line, answer, rows in zip(lines, answers, wanted, strict=True):
        found = [np.array([int(bits) for bits in moment.split()], np.int64).view("d") for moment in answer.split("|")]
        assert 0 <= len(rows) - len(found) <= 1, line  # the last samples wait for those that follow them
        np.testing.assert_allclose(found, rows[: len(found)], rtol=2e-5, atol=2e-5, err_msg=line)
    heard = [int(row[1]) for row in wanted[0] if row[1] >= 0]
    assert heard[0] == 1 and 2 in heard and len(heard) < len(wanted[0]) / 3


WRONG = {
    "no_classes": jax_model(CODE, "level", WAVE + SPOTTED + '[input.before]\ndtype = "float32"\nshape = [1]\n'),
    "no_threshold": jax_model(CODE, "words", WAVE + SPOTTED + SCORES.replace("score_threshold = 0.05\n", ""), LABELS),
    "no_label": jax_model(CODE, "words", WAVE + SPOTTED.replace('"silence"', '"silense"') + SCORES, LABELS),
    "no_sound": jax_model(CODE, "words", WAVE.replace('content = "audio"\nsample_rate = 8000\nhop = 300\n', "")),
    "no_time": jax_model(CODE, "words", WAVE + SPOTTED.replace("0.12", "0") + SCORES, LABELS),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> dict[str, Said]:
    """One build of all mistakes."""
    models: dict[str, Model] = WRONG
    return build(models, tmp_path_factory.mktemp("wrong"), module_cli)[1]


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_told_at_its_key(name: str, said: dict[str, Said], snapshot: Any) -> None:
    assert said[name].told == snapshot(name=name)
    assert {e["code"] for e in said[name].errors} == {2}
