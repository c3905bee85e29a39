"""Models made of a few lines of Python and TOML, built together, and what the build said of each."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Said:
    """What a build said of one model: the parts of `build --json`."""

    value: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether it was built."""
        return bool(self.value["ok"])

    @property
    def error(self) -> Mapping[str, Any]:
        """The only error."""
        (error,) = self.value["errors"]
        found: Mapping[str, Any] = error
        return found

    @property
    def text(self) -> str:
        """All that the only error says."""
        return "\n".join(str(self.error[part]) for part in ("message", "hint", "detail"))

    @property
    def ran(self) -> list[str]:
        """The steps that ran, and were not reused."""
        return sorted(s["id"] for s in self.value["steps"] if not s["reused"])

    @property
    def file(self) -> Path:
        """The only variant's file."""
        (variant,) = self.value["variants"]
        return Path(variant["file"])

    @property
    def sha256(self) -> str:
        """The only variant's digest."""
        (variant,) = self.value["variants"]
        return str(variant["sha256"])


@dataclass(frozen=True)
class Workshop:
    """A folder of models with a store of its own."""

    folder: Path
    cli: Callable[..., Any]

    def model(self, name: str, source: str, files: Mapping[str, str]) -> Path:
        """Write the model `name`: its files, and a model.toml with `source` after the head (four lines)."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        toml = f'spec = 1\n[model]\nname = "{name}"\n[source]\n{textwrap.dedent(source).strip()}\n'
        (folder / "model.toml").write_text(toml, "utf-8")
        for file, text in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
        return folder

    def build(
        self, *names: str, options: tuple[str, ...] = (), env: Mapping[str, str] | None = None
    ) -> dict[str, Said]:
        """Build some models, or all; the outcome of each."""
        paths = [self.folder / name for name in names] or [self.folder]
        ran = self.cli("build", "--keep-going", "--json", *options, *paths, env=env)
        assert ran.code in range(7), ran.text
        assert "Traceback" not in ran.text
        return {model["model"]: Said(model) for model in json.loads(ran.out)["models"]}
