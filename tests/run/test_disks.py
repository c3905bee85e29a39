"""A disk that is full or read-only, and one without reflinks: an error or a slower build, never a damaged output."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import command, new_cache

FREE = [0, 4, 8, 60, 200, 400, 600, 900, 1200, 2000]  # kB: the code of engines takes most of what is written
SEED = 7


class Disk:
    """A file system of its own in memory, which has no reflinks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filler = folder / "filler"

    def mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.folder], check=True, capture_output=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", self.folder], check=True)

    def fill(self, kilobytes: int) -> None:
        """Leave so many kB free."""
        self.filler.unlink(missing_ok=True)
        with self.filler.open("wb", buffering=0) as file:
            free = shutil.disk_usage(self.folder).free
            file.write(bytes(max(0, free - kilobytes * 1000)))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    made.folder.mkdir()
    try:
        made.mount("size=32m")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a file system cannot be mounted here: {error}")
    yield made
    made.unmount()


def everything(folder: Path) -> dict[str, bytes]:
    found = [*(folder / "build").rglob("*"), folder / "model.lock"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in found if p.is_file()}


@pytest.mark.parametrize("full", ["cache", "project"])
def test_a_full_disk_at_any_moment(small: Any, disk: Disk, shared_cache: Path, tmp_path: Path, full: str) -> None:
    """However much is left of it: the build ends well or with an error, and the outputs are those before or after."""
    assert small.build().model.ok
    states = {0: everything(small.folder)}
    small.change_a_weight()
    assert small.build().model.ok
    states[1] = everything(small.folder)
    root = disk.folder / "cache" if full == "cache" else tmp_path / "own cache"
    project = disk.folder / "project" if full == "project" else tmp_path / "project"
    shutil.copytree(small.folder, project)
    new_cache(root, shared_cache)
    cli = command(root)
    chance = random.Random(SEED)
    codes = []
    for number, free in enumerate([*FREE, *(chance.randrange(1200) for _ in range(2))]):
        small.change_a_weight()
        shutil.copy(small.source, project / "m.tflite")
        old, new = states[(number + 1) % 2], states[number % 2]
        shutil.rmtree(root / "store", ignore_errors=True)
        if number % 4 == 1:  # with a store that has something already
            assert cli("build", project).code == 0
            shutil.rmtree(root / "store" / "v1" / "results")
            shutil.rmtree(project / "build")
            old = {"model.lock": old["model.lock"]}
            (project / "model.lock").write_bytes(old["model.lock"])
        disk.fill(free)
        ran = cli("build", project)
        codes.append(ran.code)
        where = (SEED, number, free, ran.text)
        assert ran.code in (0, 5) and "Traceback" not in ran.text, where
        left = everything(project)
        assert left == (new if ran.code == 0 else old), where
        if ran.code:
            assert "No space left on device" in ran.text and "help: " in ran.text, where
        disk.filler.unlink()
        again = cli("build", project)
        assert again.code == 0 and everything(project) == new, (where, again.text)
    assert codes.count(5) > 2 and codes.count(0) > 1, codes


def test_a_read_only_cache(small: Any, disk: Disk, shared_cache: Path) -> None:
    cache = new_cache(disk.folder / "cache", shared_cache)
    cli = command(cache)
    assert cli("build", small.folder).code == 0
    before = everything(small.folder)
    for wal in (False, True):
        if wal:  # as a killed build leaves it
            kill = "import sqlite3, os; d = sqlite3.connect(%r); d.execute('PRAGMA journal_mode=WAL'); "
            kill += "d.execute('CREATE TABLE x (y)'); os._exit(0)"
            subprocess.run(["python3", "-c", kill % str(cache / "store" / "v1" / "snapshots.sqlite")], check=True)
            assert (cache / "store" / "v1" / "snapshots.sqlite-wal").stat().st_size
        disk.mount("remount,ro")
        nothing = cli("build", small.folder)
        assert nothing.code == 0 and "0 steps run" in nothing.out, nothing.text
        assert cli("cache", "stats").code == 0
        for arguments in (("cache", "gc"), ("cache", "verify"), ("build", "--update", small.folder)):
            refused = cli(*arguments)
            assert refused.code == 5 and "Traceback" not in refused.text
            said = f"error: the store at {cache}/store/v1 cannot be written: Read-only file system\n"
            assert refused.err.startswith(said), refused.err
        assert everything(small.folder) == before
        disk.mount("remount,rw")
    small.change_a_weight()
    assert cli("build", small.folder).code == 0


def test_a_cache_elsewhere_gives_the_same(
    small: Any, disk: Disk, shared_cache: Path, new_cli: Callable[[], Callable[..., Any]]
) -> None:
    assert new_cli()("build", small.folder).code == 0
    expected = everything(small.folder)
    shutil.rmtree(small.folder / "build")
    assert command(new_cache(disk.folder / "cache", shared_cache))("build", small.folder).code == 0
    assert everything(small.folder) == expected
