"""Small models of `format = "tflite"`, built in this process, and which steps ran for them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tflite_build
from tflite_build.progress import Event, StepFinished, Warning_
from tflite_build.run.result import BuildResult, ModelResult
from tflite_build.tflite import reader

FIXTURES = Path(__file__).parent.parent / "fixtures" / "tflite"


@dataclass(frozen=True)
class Built:
    """What a build gave and said."""

    result: BuildResult
    events: tuple[Event, ...]

    @property
    def model(self) -> ModelResult:
        """The only model."""
        (model,) = self.result.models
        return model

    @property
    def ran(self) -> list[str]:
        """The steps that ran, and were not reused."""
        return sorted(e.step for e in self.events if isinstance(e, StepFinished) and e.outcome != "reused")

    @property
    def warnings(self) -> list[str]:
        """What was warned of."""
        return [e.text for e in self.events if isinstance(e, Warning_)]

    @property
    def shown(self) -> str:
        """All errors as people read them, paths from the model's folder."""
        return "\n\n".join(e.render(self.model.spec.parent) for e in self.model.errors)


@dataclass
class Small:
    """A model in a folder: a .tflite file, calibration data, and the tables of model.toml as text."""

    folder: Path
    name: str = "small"
    tables: dict[str, str] = field(default_factory=dict)

    def write(self, **tables: str | None) -> None:
        """Set or with None remove tables: `write(int8='quantize = "int8"')` is `[variant.int8]`; others by own name."""
        own = ("calibration", "checks", "compatibility", "convert", "limits", "runtime", "toolchain", "input")
        for key, text in tables.items():
            table = key if key in own else f"variant.{key}"
            self.tables.pop(table, None)
            if text is not None:
                self.tables[table] = text
        lines = [f'spec = 1\n[model]\nname = "{self.name}"\n[source]\nformat = "tflite"\npath = "m.tflite"\n']
        lines += [f"[{table}]\n{text}\n" for table, text in self.tables.items()]
        (self.folder / "model.toml").write_text("\n".join(lines), "utf-8")

    @property
    def source(self) -> Path:
        """The .tflite file."""
        return self.folder / "m.tflite"

    @property
    def lock(self) -> Path:
        """model.lock."""
        return self.folder / "model.lock"

    def output(self, variant: str) -> Path:
        """A built file."""
        return self.folder / "build" / self.name / f"{self.name}-{variant}.tflite"

    def outputs(self) -> dict[str, bytes]:
        """All files under build/."""
        build = self.folder / "build"
        return {str(p.relative_to(build)): p.read_bytes() for p in sorted(build.rglob("*")) if p.is_file()}

    def build(self, target: str = "", **options: Any) -> Built:
        """Build it in this process."""
        events: list[Event] = []
        result = tflite_build.build(f"{self.folder}{target}", on_event=events.append, **options)
        return Built(result, tuple(events))

    def change_a_weight(self) -> None:
        """Another source of the same interface: one number is a quarter larger or smaller."""
        data = bytearray(self.source.read_bytes())
        with reader.model(self.source) as model:
            weights = max((model.buffers[t.buffer] for t in model.subgraphs[0].tensors), key=lambda b: b.size)
        numbers = np.frombuffer(data, "<f4", weights.size // 4, weights.offset)
        data[weights.offset + 4 * int(abs(numbers).argmax()) + 2] ^= 0x20  # a high bit of the mantissa
        self.source.write_bytes(data)

    def calibrate(self, seed: int, samples: int = 6) -> None:
        """Write calibration data."""
        random = np.random.default_rng(seed)
        np.savez(self.folder / "c.npz", image=random.normal(size=(samples, 8, 8, 2)).astype("float32"))


@pytest.fixture
def small_model(tmp_path: Path, cache: Path) -> Callable[..., Small]:
    """Makes a model from a fixture: float32 and int8 of `float32.tflite` where nothing else is said."""

    def make(fixture: str = "float32", name: str = "small", **tables: str | None) -> Small:
        folder = tmp_path / "work" / name
        folder.mkdir(parents=True)
        shutil.copy(FIXTURES / f"{fixture}.tflite", folder / "m.tflite")
        model = Small(folder, name)
        model.calibrate(0)
        model.write(**(tables or {"float32": "", "int8": 'quantize = "int8"', "calibration": 'data = "c.npz"'}))
        return model

    return make


@pytest.fixture
def small(small_model: Callable[..., Small]) -> Small:
    """A model with the variants float32 and int8."""
    return small_model()
