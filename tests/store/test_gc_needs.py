"""What the last build of a model needs stays, however old, as long as its model.toml and model.lock are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shelves import HOUR, Shelves, age

from tflite_build.store import contents
from tflite_build.store.digest import canonical, of_bytes

MANIFEST: dict[str, Any] = {"kind": "convert", "tool": {"pins": "core"}, "recorded": [["model.py", "file", "00"]]}
STATIC = of_bytes(canonical({**MANIFEST, "recorded": []})).sha256


def aged(shelves: Shelves) -> None:
    for kind in ("discovered", "targets"):
        for file in contents.files(shelves.root / "results" / kind):
            age(file.path, 100 * HOUR)


@pytest.mark.parametrize("gone", ["model.toml", "model.lock"])
def test_needs_of_a_model_stay_until_it_goes(shelves: Shelves, tmp_path: Path, gone: str) -> None:
    for name in ("model.toml", "model.lock"):
        (tmp_path / name).touch()
    needed = shelves.put(b"needed", used=100 * HOUR, manifest=MANIFEST)
    shelves.put(b"of an older build", used=100 * HOUR)
    with shelves.opened() as store:
        store.results.remember_target(str(tmp_path / "model.toml"), {"convert": MANIFEST}, "")
        store.results.discover(STATIC, [("model.py", "file")])
    aged(shelves)
    removed = shelves.collect()
    assert shelves.keys() == {needed} and (removed.models, removed.results) == (1, 1)
    assert removed.kept == removed.left > 0
    with shelves.opened() as store:
        assert store.results.discovered(STATIC) == [[("model.py", "file")]]
    (tmp_path / gone).unlink()
    aged(shelves)
    removed = shelves.collect()
    assert shelves.keys() == set() and (removed.models, removed.left) == (0, 0)
    with shelves.opened() as store:
        assert store.results.discovered(STATIC) == []
        assert store.results.manifests(str(tmp_path / "model.toml")) == {}
