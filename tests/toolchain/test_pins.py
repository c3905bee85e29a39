"""The committed pins: every file by its hash, no address, whole for each platform that they name."""

from __future__ import annotations

import re

import pytest

from tflite_build.errors import BuildError
from tflite_build.toolchain import pins

NAMES = ("core", "flex", "litert", "tensorflow")


def test_all_toolchains_are_pinned() -> None:
    assert pins.names() == NAMES
    assert pins.used() == ("core", "litert", "tensorflow")
    with pytest.raises(BuildError) as caught:
        pins.load("tensorflw")
    assert caught.value.render() == "error: there is no toolchain 'tensorflw'\nhelp: did you mean 'tensorflow'?"
    assert caught.value.code == 64


@pytest.mark.parametrize("name", NAMES)
def test_every_package_has_an_exact_version_and_hashes(name: str) -> None:
    toolchain = pins.load(name)
    text = toolchain.file.read_text("utf-8")
    assert not re.search(r"://|--index|--find-links|@", text)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if not line.startswith("#")]
    pinned = r"[a-z0-9][a-z0-9._-]*==[0-9][A-Za-z0-9.+]*( ; [^-]+)?\s+(--hash=sha256:[0-9a-f]{64}\s*)+"
    assert lines and all(re.fullmatch(pinned, line) for line in lines)
    wanted = (toolchain.file.with_suffix(".in")).read_text("utf-8").splitlines()
    for line in (w for w in wanted if w and not w.startswith("#")):
        package, _, version = line.partition("==")
        assert toolchain.packages[package] == version  # NAME.txt was made from this NAME.in
    assert toolchain.python == "3.11" and pins.this_platform() in toolchain.platforms
    assert re.fullmatch(r"\d\.\d GB", toolchain.size) and toolchain.headline


def test_the_digest_is_of_the_pins_and_not_of_words_about_them(tmp_path) -> None:
    text = pins.load("core").file.read_text("utf-8")
    file = tmp_path / "core.txt"
    file.write_text("# a comment\n" + text.replace("0.6 GB", "0.7 GB"))
    assert pins.read(file).digest == pins.load("core").digest
    file.write_text(text.replace("--hash=sha256:0", "--hash=sha256:1", 1))
    assert pins.read(file).digest != pins.load("core").digest
