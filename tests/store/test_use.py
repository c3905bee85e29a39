"""The lock over uses: many note at once, and whoever removes something is alone."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from harness import is_locked

from tflite_build.store.use import Use


@pytest.mark.parametrize(("how", "shared"), [("noting", False), ("alone", True)])
def test_who_is_shut_out(tmp_path: Path, how: str, shared: bool) -> None:
    file = tmp_path / "use.lock"
    with getattr(Use(file), how)():
        assert is_locked(file, fcntl.LOCK_EX)
        assert is_locked(file, fcntl.LOCK_SH) is shared
    assert not is_locked(file, fcntl.LOCK_EX)


def test_a_use_is_noted_in_the_file_s_time(tmp_path: Path) -> None:
    use, file = Use(tmp_path / "use.lock"), tmp_path / "file"
    file.touch()
    os.utime(file, (1, 1))
    with use.noting():
        assert use.note(file) and file.stat().st_mtime > 1
        assert not use.note(tmp_path / "absent")
