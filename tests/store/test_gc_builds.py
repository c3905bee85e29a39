"""`gc` beside builds under way, which are other processes: all that they used, hold or write stays until they end."""

from __future__ import annotations

import pytest
from shelves import ACTION, HOUR, Shelves, age

from tflite_build.locking import FileLock


def test_what_the_oldest_build_may_use_stays_until_it_ends(shelves: Shelves) -> None:
    before = shelves.put(b"before any build", used=4 * HOUR)
    since = shelves.put(b"used by one of the builds", used=2 * HOUR)
    orphan = shelves.orphan(b"a result will name this", used=2 * HOUR)
    with shelves.build(begun=3 * HOUR):
        with shelves.build(begun=HOUR, action="cd" * 32):
            removed = shelves.collect()
        assert shelves.keys() == {since} and orphan.exists()
        assert (removed.results, removed.blobs) == (1, 1) and not shelves.result(before).exists()
        assert removed.kept == removed.left - len(b"a result will name this")
    removed = shelves.collect()
    assert shelves.keys() == set() and not orphan.exists() and removed.left == 0


@pytest.mark.parametrize("named", [False, True], ids=["of no result yet", "of a result that goes"])
def test_what_has_to_stay_counts_as_space(shelves: Shelves, named: bool) -> None:
    """Bytes that a build needs are not free, so others go in their place."""
    used = b"u" * 10_000
    if named:
        shelves.put(used, used=4 * HOUR)
        age(shelves.blob(used), HOUR)
    else:
        shelves.orphan(used, used=HOUR)
    shelves.put(b"o" * 10_000, used=3.5 * HOUR)
    with shelves.build(begun=3 * HOUR):
        removed = shelves.collect(max_size=15_000)
    assert shelves.blob(used).exists() and shelves.keys() == set()
    assert removed.left == 10_000


def test_the_lock_of_an_action_stays_with_who_holds_it(shelves: Shelves) -> None:
    with shelves.opened() as store:
        left = store.lock("cd" * 32).path
        with shelves.build():
            left.touch()  # of a build that was killed
            shelves.collect()
            assert not left.exists()
            assert not store.lock(ACTION).acquire(0)
        lock = store.lock(ACTION)
        assert lock.acquire(0)
        lock.release()


def test_the_lock_of_who_unpacks_engine_code_stays(shelves: Shelves) -> None:
    with shelves.opened() as store:
        (store.root / "engines").mkdir()
        lock, other = (FileLock(store.root / "engines" / "0123.lock") for _ in range(2))
        assert lock.acquire(0)
        age(lock.path, 100 * HOUR)
        shelves.collect()
        assert not other.acquire(0)
        lock.release()


def test_scratch_of_a_living_build_stays(shelves: Shelves) -> None:
    """Also where clocks are wrong: the folder is older than the build that made it."""
    with shelves.build() as scratch:
        (scratch / "half").write_bytes(b"an output")
        for path in (scratch / "half", scratch, scratch.parent):
            age(path, 100 * HOUR)
        shelves.collect()
        assert (scratch / "half").read_bytes() == b"an output"
    assert not scratch.exists()


def test_scratch_without_a_lock_goes_after_a_day(shelves: Shelves) -> None:
    """Its owner may be about to make the lock."""
    with shelves.opened():
        pass
    new, old = (shelves.root / "tmp" / name for name in ("1-new", "1-old"))
    for folder, hours in ((new, 20), (old, 30)):
        folder.mkdir()
        age(folder, hours * HOUR)
    shelves.collect()
    assert new.exists() and not old.exists()
