"""The Swift sources that generated code shares: against the vectors, and numpy on photographs and sounds.

All sources are compiled once, and once more with a mistake in each of several places, which these comparisons have to find.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import preprocessing_cases as cases
import pytest
from swift_bed import OVER_STAND_INS, Swift

from tflite_build.engines.content import Content
from tflite_build.wrap import characters
from tflite_build.wrap.swift_sources import NEEDS, with_needs

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates" / "ios" / "shared"
HERE = Path(__file__).parent / "preprocessing"
# The file, what stands there, and what a tired programmer might have written.
MISTAKES = {
    "luma": ("ColorSpace", "19595", "19594"),
    "rounding": ("PictureReader", ".dividedHalfUp(by: whole)", ".floorDivided(by: whole)"),
    "mix": ("Sound", "sum.dividedHalfUp(by: channels)", "sum / channels"),
    "turned": (
        "Orientation",
        ".rotated90, .transversed: true\n        case .upright, .flipped, .transposed, .rotated270",
        ".rotated270, .transversed: true\n        case .upright, .flipped, .transposed, .rotated90",
    ),
    "triangle": ("Weights", "target - 1).floorDivided", "3 * target).floorDivided"),
    "centre": ("Weights", "let place = (2 * i + 1) * source - target", "let place = 2 * i * source"),
    "half": ("Fit", "(outer.width - width) / 2", "(outer.width - width + 1) / 2"),
    "chroma": ("YUVEncoding", "redV: 91881", "redV: 103206"),
    "kernel": ("Resampler", ".dividedHalfUp(by: unit)", ".floorDivided(by: unit)"),
    "even": ("Quantization", "(real / scale).rounded(.toNearestOrEven)", "(real / scale + 0.5).rounded(.down)"),
}
# What an app may have alone.
PARTS = (
    ("PicturePreprocessing", "ARGBPicture"),
    ("PicturePreprocessing", "ApplePictures"),
    ("SoundPreprocessing",),
    ("Classification",),
    ("Scores",),
)
# What the module of an app may have: older code, and what Xcode 26 gives to new apps.
SETTINGS = (("-swift-version", "5", "-strict-concurrency=complete"), ("-default-isolation", "MainActor"))
# What Kotlin says, and Swift in other words, or not at all.
SAID_OTHERWISE = {
    "a picture of RGB of 4 x 3 pixels needs 36 values, and 35 are given":
        "a picture of rgb of 4 x 3 pixels needs 36 values, and 35 are given",
    "a picture of RGB of 4 x 3 pixels cannot have the row stride 11, the pixel stride 3 and the offset 0":
        "a picture of rgb of 4 x 3 pixels cannot have the row stride 11, the pixel stride 3 and the offset 0",
    "the bitmap is recycled": None,
    "the bitmap is in Config.HARDWARE, which has no pixels to read: use bitmap.copy(Bitmap.Config.ARGB_8888, false)": None,
    "the image has the format 256; YUV_420_888 and RGBA_8888 are read": None,
    "fill has to be one value of 0 to 255, or 3, and is 256": None,  # an UInt8 cannot be
    "the array has 13 values, and 12 are wanted": None,  # arrays are made, and not given
    "the tensor is INT8, and an array of bytes is wanted": "the tensor is int8, and an array of int16 does not fit",
    "the tensor is int16, and an array of shorts is wanted": "the tensor is int16, and an array of uint8 does not fit",
    "UINT8 has no zero point -1": "uint8 has no zero point -1",
    "the array has 3 values, and 2 are wanted": None,
    "the sample 1 of the sound is NaN": "the sample 1 of the sound is nan",
    "Classification(categories=[Category(index=3, label=cat, score=0.5)])": None,
    "true": None,
    "null": "nothing: nil",
}  # fmt: skip


def rendered(folder: Path, names: Sequence[str], mistake: Sequence[str] = ("", "", "")) -> list[Path]:
    """The sources `names`, written to `folder`."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.filters["character_table"] = characters.table
    made = []
    folder.mkdir(parents=True)
    for name in names:
        text = environment.get_template(f"{name}.swift.jinja").render(header="Made by tflite-build; do not edit.")
        if name == mistake[0]:
            assert mistake[1] in text
            text = text.replace(*mistake[1:])
        made.append(folder / f"{name}.swift")
        made[-1].write_text(text, "utf-8")
    return made


@pytest.fixture(scope="module")
def program(swift: Swift, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test program with all sources."""
    root = tmp_path_factory.mktemp("swift")
    sources = rendered(root / "sources", sorted(NEEDS))
    swift.compile([*sources, HERE / "Program.swift"], root / "program", ["-O", "-whole-module-optimization"])
    return root / "program"


def call(program: Path, *arguments: str | Path) -> str:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def run(program: Path) -> cases.Run:
    return lambda files: call(program, *files)


def apple_frames(seed: int) -> cases.Cases:
    """Frames of cameras in padded rows, in all encodings, and images with and without alpha."""
    random, made = np.random.default_rng(seed), cases.Cases()
    content = Content("image", "rgb", (0.0,), (1.0,), resize="nearest")

    def add(source: dict[str, Any], shown: np.ndarray[Any, Any]) -> None:
        height, width = shown.shape[:2]
        source = {"width": width, "height": height, **source}
        cases.picture_case(made, f"{source['kind']} {shown.shape}", source, shown, content, (height, width))

    def padded(plane: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], int]:
        lines = plane.reshape(len(plane), -1)
        lines = np.pad(lines, ((0, 0), (0, int(random.integers(0, 9)))), constant_values=77)
        return lines, lines.shape[1]

    for number in range(40):
        height, width = (int(n) for n in random.integers(1, 40, 2))
        rgba = random.integers(0, 256, (height, width, 4), np.uint8)
        lines, stride = padded(rgba[..., [2, 1, 0, 3]])
        add({"kind": "bgra_buffer", "data": lines, "stride": stride}, rgba)
        add({"kind": "rgb_image", "data": rgba}, rgba)
        add({"kind": "gray_image", "data": rgba[..., 0]}, rgba[..., :1])
        y = rgba[..., 0]
        u, v = random.integers(0, 256, (2, (height + 1) // 2, (width + 1) // 2), np.uint8)
        encoding = list(cases.YUV)[number % 4]
        (bright, bright_stride), (chroma, chroma_stride) = padded(y), padded(np.stack([u, v], -1))
        words = {"y": bright, "uv": chroma, "strides": (bright_stride, chroma_stride), "encoding": encoding}
        add({"kind": "yuv_buffer", **words}, cases.yuv_to_rgb(y, u, v, encoding))
    return made


def test_vectors(run: cases.Run, tmp_path: Path) -> None:
    assert cases.vectors().wrong(run, tmp_path) == []


def test_photographs_as_numpy_makes_them(run: cases.Run, tmp_path: Path) -> None:
    assert cases.some_pictures(400, 1).wrong(run, tmp_path) == []


def test_whole_photographs(run: cases.Run, tmp_path: Path) -> None:
    assert cases.whole_photographs().wrong(run, tmp_path) == []


def test_sounds_as_numpy_makes_them(run: cases.Run, tmp_path: Path) -> None:
    assert cases.some_sounds(2).wrong(run, tmp_path) == []


def test_numbers(run: cases.Run, tmp_path: Path) -> None:
    assert cases.some_numbers().wrong(run, tmp_path) == []


@pytest.mark.skipif(not OVER_STAND_INS, reason="pictures are made of stand-ins, which are for Linux")
def test_pictures_of_apple_frameworks(run: cases.Run, tmp_path: Path) -> None:
    assert apple_frames(3).wrong(run, tmp_path) == []


@pytest.mark.skipif(not OVER_STAND_INS, reason="pictures are made of stand-ins, which are for Linux")
def test_what_does_not_fit_of_apple_frameworks(program: Path) -> None:
    assert call(program, "apple").splitlines() == [
        "nothing: rotated270",
        "the pixel buffer has the format 32; 32BGRA and 420YpCbCr8BiPlanar are read",
        "the image is neither RGB nor grey",
        "the image is neither RGB nor grey",
    ]


def test_what_does_not_fit_is_said(program: Path) -> None:
    assert call(program, "refusals") == (HERE / "refusals.txt").read_text("utf-8")


def test_the_same_is_said_as_in_kotlin() -> None:
    kotlin = (ROOT / "tests" / "android" / "preprocessing" / "refusals.txt").read_text("utf-8").splitlines()
    assert set(SAID_OTHERWISE) <= set(kotlin)
    wanted = [said for said in (SAID_OTHERWISE.get(line, line) for line in kotlin) if said is not None]
    assert (HERE / "refusals.txt").read_text("utf-8").splitlines()[: len(wanted)] == wanted


def test_the_table_of_needs_is_what_the_files_say() -> None:
    """What a file declares at its margin or in an extension, and which of it others name."""
    texts = {}
    interpolations = re.compile(r"\\\(((?:[^()]|\([^()]*\))*)\)")
    for path in TEMPLATES.iterdir():
        text = re.sub(r"//[^\n]*", "", path.read_text("utf-8"))
        texts[path.name.removesuffix(".swift.jinja")] = re.sub(
            r'"[^"\n]*"', lambda m: " ".join(interpolations.findall(m[0])), text
        )
    kinds = r"(?:public |final )*(?:struct|enum|class|protocol|func) (\w+)"
    declared = re.compile(rf"^{kinds}|^extension Classification \{{\s+{kinds}", re.MULTILINE)
    home = {name: file for file, text in texts.items() for name in sum(declared.findall(text), ()) if name}
    home |= dict.fromkeys(re.findall(r"func (\w+)", texts["Division"]), "Division")
    home["quantizedType"] = "QuantizedValue"
    found = {
        file: tuple(sorted({home[word] for word in re.findall(r"(?<!func )\b\w+", text) if word in home} - {file}))
        for file, text in texts.items()
    }
    assert found == NEEDS


def test_parts_compile_without_the_rest(swift: Swift, tmp_path: Path) -> None:
    for number, names in enumerate(PARTS):
        swift.check(rendered(tmp_path / str(number), with_needs(names)))


@pytest.mark.parametrize("setting", SETTINGS)
def test_all_compile_in_a_module_with_other_settings(setting: Sequence[str], swift: Swift, tmp_path: Path) -> None:
    swift.check(rendered(tmp_path / "sources", sorted(NEEDS)), setting, frameworks=True)


def test_the_formatter_finds_nothing(swift: Swift, tmp_path: Path) -> None:
    assert swift.lint(rendered(tmp_path / "sources", sorted(NEEDS))) == ""


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(name: str, swift: Swift, tmp_path: Path) -> None:
    sources = rendered(tmp_path / "sources", sorted(NEEDS), MISTAKES[name])
    swift.compile([*sources, HERE / "Program.swift"], tmp_path / "program")
    assert cases.all_kinds().wrong(lambda files: call(tmp_path / "program", *files), tmp_path)
