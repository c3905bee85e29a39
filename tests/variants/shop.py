"""Small .tflite models with a model.toml, built together, and what an independent runtime finds in the files made."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from harness import Workshop

HERE = Path(__file__).parent
CLASSIFIER = {
    "signatures": [
        {
            "name": "serve",
            "input": [1, 8, 8, 2],
            "layers": [
                ["conv", 4, 3, "relu6"],
                ["depthwise", 3, "relu6"],
                ["add"],
                ["mean"],
                ["dense", 12, "relu"],
                ["dense", 6],
                ["softmax"],
            ],
        }
    ],
    "seed": 1,
}


@dataclass(frozen=True)
class Found:
    """What a file holds and gives, as `measure.py` says."""

    value: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def operators(self) -> list[str]:
        return [name for name, _ in self.value["operators"]]

    def version(self, operator: str) -> int:
        return max(v for name, v in self.value["operators"] if name == operator)

    def tensor(self, name: str) -> Mapping[str, Any]:
        (found,) = [t for t in self.value["tensors"] if t["name"] == name]
        return dict(found)

    def constant(self, name: str) -> Any:
        """The real numbers of a weight, whatever operator makes them of its bytes."""
        named = [t for t in self.value["tensors"] if t["value"] is not None and t["name"].startswith(name)]
        (found,) = named
        return np.reshape(found["value"], found["shape"])


@dataclass(frozen=True)
class Shop(Workshop):
    """A folder of models, with the Python of the toolchain `core`."""

    python: Path

    def make(self, models: Mapping[Path, Mapping[str, Any]]) -> None:
        """Write .tflite files from descriptions (`build_models.py`)."""
        given = json.dumps({str(path): description for path, description in models.items()})
        subprocess.run([self.python, HERE / "build_models.py"], input=given, text=True, check=True, timeout=100)

    def tflite(self, name: str, toml: str, *, source: Path | bytes, **arrays: Any) -> Path:
        """A folder with model.tflite, model.toml (`toml` after six lines of head) and data.npz of `arrays`."""
        content = source if isinstance(source, bytes) else source.read_bytes()
        head = 'format = "tflite"\npath = "model.tflite"\n'
        return self.model(name, head + toml, {"model.tflite": content}, **arrays)

    def measure(self, jobs: Sequence[Mapping[str, Any]]) -> list[Found]:
        """Look into files, and where a job has "feed" (arrays) run them: all in one process."""
        given = []
        for number, job in enumerate(jobs):
            job = dict(job, model=str(job["model"]))
            if "feed" in job:
                feed, give = self.folder / f"feed{number}.npz", self.folder / f"give{number}.npz"
                np.savez(feed, **job["feed"])
                job |= {"feed": str(feed), "give": str(give)}
            given.append(job)
        ran = subprocess.run(
            [self.python, HERE / "measure.py"], input=json.dumps(given), text=True, capture_output=True, timeout=100
        )
        assert ran.returncode == 0, ran.stderr[-3000:]
        answers = json.loads(ran.stdout)
        return [
            Found(answer, dict(np.load(job["give"])) if "give" in job else {})
            for answer, job in zip(answers, given, strict=True)
        ]


def pictures(count: int, seed: int = 0) -> Any:
    """Samples for CLASSIFIER."""
    return np.random.default_rng(seed).normal(0, 1, (count, 8, 8, 2)).astype(np.float32)


def cosine(a: Any, b: Any) -> float:
    a, b = np.ravel(a).astype(np.float64), np.ravel(b).astype(np.float64)
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
