"""Kotlin, Swift and numpy give the same for the same raw pictures and sounds: from pixels and samples to results.

Kotlin and Swift bit for bit, since all up to the model is whole numbers and single float operations, and one runtime
computes both; numpy, which also computes the models, within what float32 allows.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Ran, Workshop
from modules import Module
from preprocessing_cases import PHOTOS, TABLE, yuv_to_rgb
from standins import StandIns
from swift_bed import Swift
from swift_packages import Package, Runtimes, build_all
from wrapped import FUNCTIONS, Models

from tflite_build.engines.content import Content
from tflite_build.engines.preprocessing import image, sound

HERE = Path(__file__).parent
NAMES = ("rgb", "bgr", "grey", "raw", "chw", "sound")
WEIGHTS = np.random.default_rng(0).normal(size=(3, 5)).astype("f")  # of the models
# What FUNCTIONS says of each picture: the size, and what is done to it.
PICTURES = {
    "rgb": ((16, 20), Content("image", "rgb", (120, 110, 100), (60, 61, 62), fit="crop")),
    "bgr": ((12, 12), Content("image", "bgr", (0,), (255,), resize="area", fit="letterbox", fill=(10, 20, 30))),
    "grey": ((28, 28), Content("image", "grayscale", (0,), (255,), invert=True, antialias=True)),
    "raw": ((12, 12), Content("image", "rgb", (0,), (1,), resize="nearest")),
    "chw": ((10, 14), Content("image", "rgb", (127.5,), (127.5,))),
}


@dataclass
class Given:
    """Cases for the programs: a line each, the files that these name, and what numpy makes of it."""

    folder: Path
    lines: list[str] = field(default_factory=list)
    wanted: list[list[np.ndarray[Any, Any]]] = field(default_factory=list)

    def add(self, words: list[object], arrays: list[np.ndarray[Any, Any]], wanted: list[np.ndarray[Any, Any]]) -> None:
        file = self.folder / f"{len(self.lines)}.bin"
        file.write_bytes(b"".join(array.tobytes() for array in arrays))
        self.lines.append(" ".join(map(str, [*words, file])))
        self.wanted.append(wanted)


def softmax(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    powers = np.exp(x.astype(np.float64) - x.max())
    return (powers / powers.sum()).astype("f")


def model(name: str, x: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """The results of a picture as the model takes it, in the order that the programs print them."""
    if name == "chw":
        return [x.mean((0, 1))]
    scores = x.astype("f").mean((0, 1)) @ WEIGHTS[: x.shape[-1]]
    if name == "raw":
        return [scores]
    return [softmax(scores) if name == "rgb" else scores, x.reshape(-1) * 2]


def some(folder: Path, count: int) -> Given:
    random, given = np.random.default_rng(7), Given(folder)
    for number in range(count):
        name = NAMES[number % len(NAMES)]
        if name == "sound":
            rate = int(random.choice([8_000, 11_025, 16_000, 44_100]))
            pcm = random.integers(
                -32768, 32768, (int(random.integers(50, 3 * rate // 8)), int(random.integers(1, 3)))
            ).astype("<i2")
            whole = sound.resampled(sound.mono(pcm.astype(np.int64) * 256), rate, 8_000, TABLE)
            wave = sound.real(sound.frames(whole, 800, None))[0]
            given.add([name, rate, pcm.shape[1]], [pcm], [(wave.reshape(-1, 100) ** 2).mean(-1)])
            continue
        photo = PHOTOS[number % len(PHOTOS)]
        height, width = (int(n) for n in random.integers(20, 200, 2))
        top, left = (int(random.integers(0, d - n)) for d, n in zip(photo.shape, (height, width), strict=False))
        rgb = photo[top : top + height, left : left + width]
        arrays, kind = [rgb], "rgb"
        if number % 4 == 3:
            y, (u, v) = rgb[..., 0], random.integers(0, 256, (2, (height + 1) // 2, (width + 1) // 2), np.uint8)
            arrays, kind, rgb = [y, u, v], "yuv", yuv_to_rgb(y, u, v)
        turns = int(random.integers(0, 4))
        upright = np.rot90(rgb, -turns)
        right, bottom = upright.shape[1] - int(random.integers(0, 9)), upright.shape[0] - int(random.integers(0, 9))
        (to_height, to_width), content = PICTURES[name]
        part = np.ascontiguousarray(upright[3:bottom, 2:right])
        made = image.fitted(image.Picture(part), content, to_height, to_width, content.color_space)
        x = made if name == "raw" else image.normalized(made, content)
        given.add([name, kind, width, height, 90 * turns, 2, 3, right, bottom], arrays, model(name, x))
    return given


def answers(ran: Ran | Any) -> list[list[np.ndarray[Any, Any]]]:
    """Of each case its results, from the bits that a program prints."""
    return [
        [np.array([int(bits) for bits in part.split()], np.uint32).view("f") for part in line.split("|")]
        for line in ran.out.strip().splitlines()
    ]


def app(name: str, more: str) -> str:
    return f'[android]\npackage = "com.example.{name}"\n[ios]\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> Workshop:
    shop = Workshop(tmp_path_factory.mktemp("apps"), module_cli)
    models = Models(shop, app)
    for name in NAMES:
        models.jax(name, *FUNCTIONS[name])
    models.build()
    return shop


def test_kotlin_swift_and_numpy_give_the_same(
    shop: Workshop, standins: StandIns, swift: Swift, runtimes: Runtimes, tmp_path: Path
) -> None:
    made = {name: shop.folder / name / "build" / name for name in NAMES}
    data = tmp_path / "data"
    data.mkdir()
    given = some(data, 240)
    cases = tmp_path / "cases"
    cases.write_text("\n".join(given.lines) + "\n", "utf-8")

    modules = [Module(folder / "android") for folder in made.values()]
    sources = [file for one in modules for file in one.kotlin] + [HERE / "Answers.kt"]
    classes = standins.kotlin.compile(sources, tmp_path / "classes", [standins.classes], coroutines=True).require()
    assets = tmp_path / "assets"
    for one in modules:
        shutil.copytree(one.folder / "src" / "main" / "assets", assets, dirs_exist_ok=True)
    ran = standins.run("com.example.AnswersKt", [classes], [cases], properties={"testbed.assets": assets})
    by_kotlin = answers(Ran(ran.code, ran.require(), ran.err))

    packages = [Package(next((folder / "ios").iterdir())) for folder in made.values()]
    program = (HERE / "Answers.swift").read_text("utf-8")
    built = build_all(packages, swift, runtimes, tmp_path / "swift", {"Answers": program}, tests=False)
    by_swift_ran = built.run("Answers", [cases])
    assert by_swift_ran.code == 0, by_swift_ran.text
    by_swift = answers(by_swift_ran)

    assert len(by_kotlin) == len(by_swift) == len(given.wanted) == 240
    for line, kotlin, own, wanted in zip(given.lines, by_kotlin, by_swift, given.wanted, strict=True):
        assert [a.tobytes() for a in kotlin] == [a.tobytes() for a in own], line
        for found, right in zip(own, wanted, strict=True):
            np.testing.assert_allclose(found, right.reshape(-1), rtol=2e-5, atol=2e-5, err_msg=line)
