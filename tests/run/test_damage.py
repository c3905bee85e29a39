"""A damaged, half-deleted or foreign store: found, said in one line, and made good."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Ran

from tflite_build.progress import Note
from tflite_build.store.digest import of_bytes

SEED = 20260


def damage(file: Path, chance: random.Random) -> bytes:
    """Flip a bit of `file`, or cut it; what it holds then."""
    content = bytearray(file.read_bytes())
    place = chance.randrange(len(content))
    if chance.random() < 0.5:
        content[place] ^= 1 << chance.randrange(8)
    else:
        del content[place:]
    mode = file.stat().st_mode
    file.chmod(0o644)
    file.write_bytes(content)
    file.chmod(mode)
    return bytes(content)


def notes(built: Any) -> list[str]:
    return [e.text for e in built.events if isinstance(e, Note)]


def everything(small: Any) -> dict[str, bytes]:
    return {**small.outputs(), "model.lock": small.lock.read_bytes()}


@pytest.fixture
def tiny(small_model: Callable[..., Any]) -> Any:
    return small_model(float32="")


def test_a_hundred_flips_and_cuts(tiny: Any, cache: Path) -> None:
    tiny.build()
    store = cache / "store" / "v1"
    expected = everything(tiny)
    chance = random.Random(SEED)
    said = 0
    for number in range(100):
        kind = ("blobs/*/*", "results/actions/*/*", "*.sqlite", "results/*/*/*")[number % 4]
        file = chance.choice(sorted(p for p in store.glob(kind) if p.stat().st_size))
        damaged = damage(file, chance)
        if number % 4 < 2 or chance.random() < 0.5:
            shutil.rmtree(tiny.folder / "build")
        built = tiny.build()
        where = (SEED, number, file, built.shown)
        assert built.model.ok and everything(tiny) == expected, where
        if file.suffix == ".sqlite":
            assert all(str(file) in text for text in notes(built)), where
        elif file.read_bytes() == damaged:
            assert all(".sqlite" in text for text in notes(built)), where  # nobody asked for it
            file.unlink()
        else:
            own = [text for text in notes(built) if ".sqlite" not in text]  # which an earlier round damaged
            assert len(own) == 1 and "was damaged" in own[0], (where, own)
            said += 1
    assert said > 25


@pytest.mark.parametrize("name", ["snapshots.sqlite", "index.sqlite", "history.sqlite"])
def test_a_database_that_is_none(tiny: Any, cli: Callable[..., Ran], cache: Path, name: str) -> None:
    assert cli("build", tiny.folder).code == 0
    file = cache / "store" / "v1" / name
    file.write_bytes(b"\xff" * 8192)
    (tiny.folder / "build" / "small" / "small-float32.tflite").unlink()  # else nobody asks for the others
    built = cli("build", tiny.folder)
    assert built.code == 0 and built.text.count(f"{file} was damaged; it is made anew\n") == 1, built.text
    assert "was damaged" not in cli("build", tiny.folder).text


def test_a_damaged_snapshot_is_said_by_the_command_line(tiny: Any, cli: Callable[..., Ran], cache: Path) -> None:
    assert cli("build", tiny.folder).code == 0
    file = cache / "store" / "v1" / "snapshots.sqlite"
    content = file.read_bytes()
    table = b"max error"
    assert table in content
    file.write_bytes(content.replace(table, b"max_error"))
    for name in ("snapshots.sqlite-wal", "snapshots.sqlite-shm"):
        file.with_name(name).unlink(missing_ok=True)
    built = cli("build", tiny.folder)
    assert built.code == 0 and "max_error" not in built.out
    assert f"a snapshot in {file} was damaged or is of another version; it is made anew\n" in built.out
    assert "was damaged" not in cli("build", tiny.folder).text


def test_a_half_deleted_store(tiny: Any, cache: Path) -> None:
    tiny.build()
    expected = everything(tiny)
    blobs = [p for p in sorted((cache / "store" / "v1" / "blobs").rglob("*")) if p.is_file()]
    for file in blobs[::2]:
        file.unlink()
    shutil.rmtree(tiny.folder / "build")
    built = tiny.build()
    assert built.model.ok and built.ran and everything(tiny) == expected
    assert notes(built) == ["a part of the store is gone; what is needed of it is made again"]


def test_stores_of_other_versions(tiny: Any, cache: Path) -> None:
    old = cache / "store" / "v0"
    (old / "blobs").mkdir(parents=True)
    for number in range(2):
        built = tiny.build()
        said = [f"the store {old} is of another version of tflite-build and is not used by this one"]
        assert built.model.ok and notes(built) == ([] if number else said)
    for result in (cache / "store" / "v1" / "results" / "actions").glob("*/*"):
        body = result.read_bytes().partition(b"\n")[2].replace(b'"format":1', b'"format":0')
        result.write_bytes(of_bytes(body).sha256.encode() + b"\n" + body)
    shutil.rmtree(tiny.folder / "build")
    built = tiny.build()
    assert built.model.ok and len(built.ran) == len(notes(built))
    assert all("was damaged or is of another version; it is made again" in text for text in notes(built))


def test_damaged_byte_code_of_engines(tiny: Any, cache: Path) -> None:
    """As Python leaves it on a full disk, and finds it ever after."""
    tiny.build()
    expected = everything(tiny)
    compiled = sorted((cache / "store" / "v1" / "engines").rglob("*.pyc"))
    assert compiled
    for file in compiled:
        file.write_bytes(file.read_bytes()[:300])
    shutil.rmtree(cache / "store" / "v1" / "results")
    shutil.rmtree(tiny.folder / "build")
    built = tiny.build()
    assert built.model.ok and built.ran and everything(tiny) == expected, built.shown
