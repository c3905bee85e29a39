"""The store's parts: what is damaged counts as absent, what changed is seen, several processes get along."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflite_build.store.artifact import File, Tree, is_safe
from tflite_build.store.blobs import Blobs
from tflite_build.store.digest import Digest, canonical, of_bytes, of_file
from tflite_build.store.results import Refusal, Result, Results
from tflite_build.store.statcache import StatCache
from tflite_build.store.store import Store
from tflite_build.store.use import Use


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs", tmp_path / "tmp", Use(tmp_path / "use"))


@pytest.mark.parametrize("damage", [b"", b"dat", b"dato", b"data more"])
def test_a_blob_that_is_not_its_digest_is_absent_and_made_again(tmp_path: Path, blobs: Blobs, damage: bytes) -> None:
    digest = blobs.put_bytes(b"data")
    path = blobs.get(digest)
    assert path is not None and path.stat().st_mode & 0o777 == 0o444
    path.chmod(0o644)
    path.write_bytes(damage)
    assert blobs.get(digest) is None and not path.exists()
    assert blobs.put_bytes(b"data") == digest and blobs.get(digest) is not None
    # A new process trusts nothing that it has not hashed.
    path.chmod(0o644)
    path.write_bytes(damage)
    assert Blobs(tmp_path / "blobs", tmp_path / "tmp", Use(tmp_path / "use")).get(digest) is None


def test_blobs_are_the_stores_own(tmp_path: Path, blobs: Blobs) -> None:
    """Neither the source of a blob nor what a link points at can change it."""
    source = tmp_path / "source"
    source.write_bytes(b"data")
    link = tmp_path / "link"
    link.symlink_to(source)
    kept = blobs.put_file(source)
    moved = blobs.put_file(link, move=True)
    assert kept == moved == of_bytes(b"data")
    source.write_bytes(b"other")
    path = blobs.get(kept)
    assert path is not None and not path.is_symlink() and path.read_bytes() == b"data"
    assert blobs.put_file(source, move=True) == of_bytes(b"other") and not source.exists()
    assert not list((tmp_path / "tmp").iterdir())


def test_a_result_of_an_older_build_has_no_warnings(tmp_path: Path, blobs: Blobs) -> None:
    results = Results(tmp_path / "results", blobs, Use(tmp_path / "use"))
    results.put("ab" * 32, Result({"one": File(blobs.put_bytes(b"3"))}, ("said",)))
    (file,) = (tmp_path / "results" / "actions" / "ab").iterdir()
    value = json.loads(file.read_bytes().partition(b"\n")[2])
    del value["warnings"]
    body = canonical({**value, "facts": {"size": 3}})
    file.write_bytes(of_bytes(body).sha256.encode() + b"\n" + body)
    found = results.get("ab" * 32)
    assert found is not None
    assert (list(found.outputs), found.warnings) == (["one"], ())


def test_results_come_back_as_they_were_and_damaged_ones_are_none(tmp_path: Path, blobs: Blobs) -> None:
    results = Results(tmp_path / "results", blobs, Use(tmp_path / "use"))
    tree = Tree((("a/b", blobs.put_bytes(b"1")), ("c", blobs.put_bytes(b"2"))))
    made = Result({"one": File(blobs.put_bytes(b"3")), "all": tree}, ("one", "two"), None, 1.5)
    refused = Result(refusal=Refusal("cannot", "more", (("Op", "select", "model.py:3"),)))
    for key, result in {"ab" * 32: made, "cd" * 32: refused}.items():
        results.put(key, result)
        assert results.get(key) == result
        (file,) = (tmp_path / "results" / "actions" / key[:2]).iterdir()
        whole = file.read_bytes()
        for at in range(0, len(whole), 7):
            file.write_bytes(whole[:at])
            assert results.get(key) is None
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert results.get(key) is None
        file.write_bytes(whole)
        assert results.get(key) == result
    listing = blobs.get(tree.digest)
    assert listing is not None
    listing.unlink()
    assert results.get("ab" * 32) is None  # a folder whose listing is lost is no result


def test_recorded_reads_keep_a_few_sets_the_newest_first(tmp_path: Path, blobs: Blobs) -> None:
    results = Results(tmp_path / "results", blobs, Use(tmp_path / "use"))
    assert results.discovered("ab" * 32) == []
    for number in range(12):
        results.discover("ab" * 32, [(f"{number}.py", "file")])
    results.discover("ab" * 32, [("9.py", "file")])
    assert [s[0][0] for s in results.discovered("ab" * 32)] == [f"{n}.py" for n in (9, 11, 10, 8, 7, 6, 5, 4)]


class Files:
    """A file and the stat cache over it; `reads` counts how often the file was really read."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "input.bin"
        self.database = folder / "index.sqlite"
        self.cache = StatCache(self.database)
        self.reads = 0

        def counted(path: Path) -> Digest:
            self.reads += 1
            return of_file(path)

        monkeypatch.setattr("tflite_build.store.statcache.of_file", counted)

    def write(self, data: bytes, age: float = 10.0) -> None:
        """New content, last changed `age` seconds ago (a change of ctime cannot be put back)."""
        self.path.write_bytes(data)
        past = time.time() - age
        os.utime(self.path, (past, past))

    def right(self) -> bool:
        """Whether the cache says what the file is."""
        return self.cache.file(self.path).digest == of_bytes(self.path.read_bytes())


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    return Files(tmp_path, monkeypatch)


@pytest.mark.parametrize("path", [None, 7, b"\xff", "a\0b", "/no/such"])
def test_a_row_of_no_file_is_forgotten(path: object, files: Files) -> None:
    """Damage leaves rows whose path is none."""
    files.write(b"one")
    time.sleep(0.1)
    assert files.right()
    with sqlite3.connect(files.database) as db:
        db.execute("INSERT INTO files VALUES (?, 'x', 'y')", (path,))
    assert files.cache.forget() == 1 and files.cache.forget() == 0
    assert files.right() and files.reads == 1


def test_a_file_is_read_once_and_every_change_is_seen(files: Files) -> None:
    files.write(b"one")
    time.sleep(0.1)  # until the entry is not a racy one
    assert files.right() and files.right() and files.right() and files.reads == 1
    times = files.path.stat()
    # The same size, and the time put back.
    files.path.write_bytes(b"two")
    os.utime(files.path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert files.right()
    # Another file of an old time moved over it.
    other = files.path.with_name("other")
    other.write_bytes(b"thr")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(files.path)
    assert files.right()
    # A link that is turned to another file.
    one, two = files.path.with_name("one"), files.path.with_name("two")
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    time.sleep(0.1)
    files.path.unlink()
    files.path.symlink_to(one)
    assert files.right() and files.right()
    files.path.unlink()
    files.path.symlink_to(two)
    assert files.right()
    two.write_bytes(b"3")
    assert files.right()


def test_what_changed_just_now_is_not_trusted(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of a disk has steps: a change within one leaves no trace, also one while the file is read."""
    files.write(b"one")
    assert files.right() and files.right() and files.reads == 2
    time.sleep(0.1)
    files.path.write_bytes(b"two")
    stat = files.path.stat()

    def slow(path: Path) -> Digest:
        digest = of_file(path)
        time.sleep(0.2)  # a large file: reading takes longer than the clock's steps
        return digest

    monkeypatch.setattr("tflite_build.store.statcache.of_file", slow)
    files.cache.file(files.path)
    assert files.cache._known(str(files.path), f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}") \
        is None  # fmt: skip


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_damaged_index_is_thrown_away(files: Files, when: str) -> None:
    files.write(b"one")
    time.sleep(0.1)
    assert files.right()
    if when == "before":
        files.cache.close()
    for file in files.path.parent.glob("index.sqlite*"):
        file.write_bytes(b"\xff" * max(4096, file.stat().st_size))
    if when == "before":
        files.cache = StatCache(files.database)
    assert files.right() and files.right()
    files.cache.close()
    assert sqlite3.connect(files.database).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    reads = files.reads
    files.cache = StatCache(files.database)
    assert files.right() and files.reads - reads <= 1


def test_folders_are_their_files(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_bytes(b"1")
    (folder / "sub" / "b").write_bytes(b"2")
    before = files.cache.tree(folder)
    assert before == Tree((("a", of_bytes(b"1")), ("sub/b", of_bytes(b"2"))))
    (folder / ".hidden").write_bytes(b"3")
    (folder / "empty").mkdir()
    (folder / "sub" / "back").symlink_to(folder)  # would never end
    assert files.cache.tree(folder) == before
    (folder / "sub" / "new").write_bytes(b"")
    assert files.cache.tree(folder).digest != before.digest
    (folder / "sub" / "new").unlink()
    (folder / "a").rename(folder / "c")
    assert files.cache.tree(folder).digest != before.digest
    assert Tree.from_listing(before.listing()) == before


def test_a_name_that_is_no_text_is_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.scratch() as scratch:
        made = scratch / "made"
        made.mkdir()
        (made / "a").write_bytes(b"1")
        (made / os.fsdecode(b"m\xe9")).write_bytes(b"2")
        for keep in (store.keep, store.stats.tree):
            with pytest.raises(OSError, match="the name is not UTF-8"):
                keep(made)
        assert (made / "a").read_bytes() == b"1"
    store.close()


@given(st.text(alphabet="./a\\b", max_size=12))
def test_paths_of_listings_stay_inside(path: str) -> None:
    if is_safe(path):
        assert Path(os.path.normpath(f"/folder/{path}")).is_relative_to("/folder") and not path.startswith("/")


def test_a_dead_process_s_scratch_is_swept_and_a_living_one_s_is_not(tmp_path: Path) -> None:
    living = Store(tmp_path)
    with living.scratch() as scratch:
        (scratch / "file").write_text("in use")
        dead = tmp_path / "store" / "v1" / "tmp" / "123-dead"
        dead.mkdir()
        (dead / "left").write_text("x")
        dead.with_name("123-dead.lock").touch()
        other = Store(tmp_path)
        assert not dead.exists() and not dead.with_name("123-dead.lock").exists()
        assert (scratch / "file").read_text() == "in use"
        other.close()
    living.close()
    assert list((tmp_path / "store" / "v1" / "tmp").iterdir()) == []
