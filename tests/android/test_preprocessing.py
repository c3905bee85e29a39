"""The Kotlin sources that generated code shares, on a JVM: against the vectors, and numpy on photographs and sounds.

All sources are compiled once, and once more with a mistake in each of several places, which these comparisons have to find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import jinja2
import preprocessing_cases as cases
import pytest

from tflite_build.wrap import characters
from tflite_build.wrap.kotlin_sources import NEEDS, with_needs

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates" / "android" / "shared"
HERE = Path(__file__).parent / "preprocessing"
# The file, what stands there, and what a tired programmer might have written.
MISTAKES = {
    "luma": ("ColorSpace", "19595", "19594"),
    "rounding": ("PictureReader", " + whole) / (2 * whole)", ") / (2 * whole)"),
    "turned": ("Orientation", "ROTATED_90(true, true, false)", "ROTATED_90(true, false, true)"),
    "triangle": ("Weights", "target - 1).floorDiv", "3L * target).floorDiv"),
    "centre": ("Weights", "val place = (2L * i + 1) * source - target", "val place = 2L * i * source"),
    "half": ("Fit", "(outer.width - width) / 2", "(outer.width - width + 1) / 2"),
    "chroma": ("YuvPicture", "91881", "103206"),
    "kernel": ("Resampler", "(2 * between + unit)", "(2 * between)"),
    "even": ("Quantization", "kotlin.math.round(real / scale)", "kotlin.math.floor(real / scale + 0.5f)"),
}

# What an app may have alone.
STRICT = ["-Xexplicit-api=strict"]
PARTS = (
    ("PicturePreprocessing", "ArgbPicture"),
    ("PicturePreprocessing", "AndroidPictures"),
    ("SoundPreprocessing",),
    ("Classification",),
    ("Scores",),
)


def rendered(folder: Path, package: str, names: Sequence[str], mistake: Sequence[str] = ("", "", "")) -> list[Path]:
    """The sources `names` as `package`, written to `folder`."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.filters["character_table"] = characters.table
    made = []
    folder.mkdir(parents=True)
    for name in names:
        template = environment.get_template(f"{name}.kt.jinja")
        text = template.render(package=package, header="Made by tflite-build; do not edit.")
        if name == mistake[0]:
            assert mistake[1] in text
            text = text.replace(*mistake[1:])
        made.append(folder / f"{name}.kt")
        made[-1].write_text(text, "utf-8")
    return made


def shared(folder: Path, package: str, mistake: Sequence[str] = ("", "", "")) -> list[Path]:
    """All sources with the test program."""
    made = rendered(folder, package, sorted(NEEDS), mistake)
    made.append(folder / "Program.kt")
    made[-1].write_text((HERE / "Program.kt").read_text("utf-8").replace("PACKAGE", package), "utf-8")
    return made


@pytest.fixture(scope="module")
def classes(kotlin, standins, tmp_path_factory) -> Path:
    """Everything, in one call of the compiler: each package stands alone."""
    root = tmp_path_factory.mktemp("kotlin")
    sources = shared(root / "right", "com.example.shared")
    for name, mistake in MISTAKES.items():
        sources += shared(root / name, f"wrong.{name}", mistake)
    for number, names in enumerate(PARTS):
        sources += rendered(root / str(number), f"part{number}", with_needs(names))
    kotlin.compile(sources, root / "classes", [standins.classes], options=STRICT).require()
    return root / "classes"


@pytest.fixture(scope="module")
def program(standins, classes: Path) -> Callable[[str], cases.Run]:
    """Gives the test program of a package."""
    return lambda package: lambda files: standins.run(f"{package}.ProgramKt", [classes], files).require()


@pytest.fixture(scope="module")
def run(program: Callable[[str], cases.Run]) -> cases.Run:
    return program("com.example.shared")


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


def test_what_does_not_fit_is_said(standins, classes: Path) -> None:
    said = standins.run("com.example.shared.ProgramKt", [classes], ["refusals"]).require()
    assert said == (HERE / "refusals.txt").read_text("utf-8")


def test_the_table_of_needs_is_what_the_files_say() -> None:
    """What a file declares at its margin, and which of it others name."""
    texts = {}
    for path in TEMPLATES.iterdir():
        text = re.sub(r"/\*.*?\*/|//[^\n]*|^package .*?$", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        texts[path.name.removesuffix(".kt.jinja")] = re.sub(
            r'"[^"\n]*"', lambda m: "".join(re.findall(r"\$\{.*?}", m[0])), text
        )
    declared = re.compile(
        r"^(?:public |internal )(?:data |enum |fun )?(?:class|interface|object|fun) (\w+)(?![\w.])", re.MULTILINE
    )
    home = {name: file for file, text in texts.items() for name in declared.findall(text)}
    found = {
        file: tuple(sorted({home[word] for word in re.findall(r"(?<![.\w])\w+", text) if word in home} - {file}))
        for file, text in texts.items()
    }
    assert found == NEEDS


def test_parts_compile_without_the_rest(classes: Path) -> None:
    for number, names in enumerate(PARTS):
        assert (classes / f"part{number}" / f"{names[0]}.class").exists()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(name: str, program: Callable[[str], cases.Run], tmp_path: Path) -> None:
    assert cases.all_kinds().wrong(program(f"wrong.{name}"), tmp_path)
