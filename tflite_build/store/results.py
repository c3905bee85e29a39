"""What actions gave, by key: small checksummed JSON files, so that a damaged one counts as absent.

Besides results, the paths that user code was seen to read are kept by the key of the action without them (as a
compiler cache keeps the headers of a source file).
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .artifact import Artifact, File, Tree
from .blobs import Blobs
from .database import quiet
from .digest import Digest, Json, canonical, of_bytes
from .use import Use

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """An engine's answer that it cannot do an action, or does it wrongly."""

    reason: str
    detail: str = ""
    operators: tuple[tuple[str, str, str], ...] = ()  # name, what it needs, where it stands in the source
    alternative: str = ""  # a candidate that is good enough where all others are refuted


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of an action that is worth remembering: its outputs and what is to be said of it, or a refusal."""

    outputs: dict[str, Artifact] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    refusal: Refusal | None = None
    seconds: float = 0.0


def opened(raw: bytes) -> dict[str, Json] | None:
    """What a file of results holds; None where it is damaged or of another version."""
    checksum, _, body = raw.partition(b"\n")
    if checksum != of_bytes(body).sha256.encode():
        return None
    value = json.loads(body)
    return value if isinstance(value, dict) and value.get("format") == FORMAT else None


class Results:
    """The results under one folder. Safe for several processes at once.

    Args:
        root: The folder.
        blobs: Where the outputs are.
        use: What keeps others from removing what is found.
        report: Called with a line for people where a file was damaged.
    """

    def __init__(self, root: Path, blobs: Blobs, use: Use, report: Callable[[str], None] = quiet) -> None:
        self._root = root
        self._blobs = blobs
        self._use = use
        self._report = report

    def get(self, key: str) -> Result | None:
        """The result of the action with `key`, if it and the listings of its folders are whole."""
        value = self._read(self._path("actions", key))
        if value is None:
            return None
        try:
            if value.get("refusal"):
                r = value["refusal"]
                operators = tuple(tuple(o) for o in r["operators"])
                return Result(refusal=Refusal(r["reason"], r["detail"], operators, r["alternative"]))
            outputs: dict[str, Artifact] = {}
            for name, text in value["outputs"].items():
                artifact = self._artifact(text)
                if artifact is None:
                    return None
                outputs[name] = artifact
            warnings = tuple(str(text) for text in value.get("warnings", ()))  # which older results do not have
            return Result(outputs, warnings, None, value["seconds"])
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def put(self, key: str, result: Result) -> None:
        """Remember `result`, replacing what stood there."""
        for artifact in result.outputs.values():
            if isinstance(artifact, Tree):
                self._blobs.put_bytes(artifact.listing())
        refusal = result.refusal
        self._write(
            self._path("actions", key),
            {
                "outputs": {name: a.to_json() for name, a in result.outputs.items()},
                "warnings": list(result.warnings),
                "seconds": round(result.seconds, 3),
                "refusal": refusal and asdict(refusal),
            },
        )

    def discovered(self, static_key: str) -> list[list[tuple[str, str]]]:
        """The sets of (path, kind) that this action was seen to read, newest first."""
        value = self._read(self._path("discovered", static_key))
        if value is None:
            return []
        try:
            return [[(str(path), str(kind)) for path, kind in paths] for paths in value["sets"]]
        except (KeyError, TypeError, ValueError):
            return []

    def discover(self, static_key: str, paths: list[tuple[str, str]]) -> None:
        """Remember that this action read `paths`. A few sets are kept: branches of a project differ in them."""
        known = [s for s in self.discovered(static_key) if s != paths]
        self._write(self._path("discovered", static_key), {"sets": [paths, *known[:7]]})

    def manifests(self, target: str) -> dict[str, Json]:
        """The manifests of the steps that a model's last build did or reused, by step; none where nobody knows."""
        steps = self._target(target).get("steps")
        return dict(steps) if isinstance(steps, dict) else {}

    def last_folder(self, target: str) -> str:
        """Where the outputs of a model's last build went; "" where nobody knows."""
        folder = self._target(target).get("folder")
        return folder if isinstance(folder, str) else ""

    def remember_target(self, target: str, steps: dict[str, Json], folder: str) -> None:
        """Keep what `manifests` and `last_folder` give for `target`, a name of the model on this machine."""
        value = {"target": target, "steps": steps, "folder": folder}
        if self._target(target) != value:
            self._write(self._target_path(target), value)

    def _target(self, target: str) -> Json:
        return self._read(self._target_path(target)) or {}

    def _target_path(self, target: str) -> Path:
        return self._path("targets", of_bytes(target.encode("utf-8", "surrogateescape")).sha256)

    def _artifact(self, value: Json) -> Artifact | None:
        if "file" in value:
            return File(Digest.parse(value["file"]))
        listing = self._blobs.get(Digest.parse(value["tree"]))
        return Tree.from_listing(listing.read_bytes()) if listing else None

    def _path(self, kind: str, key: str) -> Path:
        return self._root / kind / key[:2] / f"{key}.json"

    def _read(self, path: Path) -> Json | None:
        with self._use.noting():
            try:
                raw = path.read_bytes()
            except OSError:
                return None
            self._use.note(path)
        value = opened(raw)
        if value is None:
            kind = {
                "actions": "a result",
                "discovered": "a record of what code reads",
                "targets": "a record of a build",
            }
            what = kind.get(path.parent.parent.name, "a file")
            self._report(
                f"{what} in the store ({path.stem[:12]}) was damaged or is of another version; it is made again"
            )
            with contextlib.suppress(OSError):
                path.unlink()
        return value

    def _write(self, path: Path, value: dict[str, Any]) -> None:
        body = canonical({"format": FORMAT, **value})
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(of_bytes(body).sha256.encode() + b"\n" + body)
            Path(name).rename(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
