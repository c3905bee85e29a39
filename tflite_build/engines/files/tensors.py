"""Arrays between steps: samples and outputs, as a folder of .npy files and an index.

A case is one signature at one choice of its dynamic sizes. Each of its arrays has the samples as first axis and the
tensor's full shape (batch included) behind it: (samples, *shape). Files are memory-mapped when read. Bytes depend on
the values alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Invalid
from tflite_build.engines.files.npz import storable
from tflite_build.engines.words import shape_text

Array = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """One signature at one choice of sizes: tensor name -> array of (samples, *shape).

    Attributes:
        derived: Whether its samples are those of another case, brought to these sizes.
    """

    signature: str
    tensors: Mapping[str, Array]
    sizes: Mapping[str, int] = field(default_factory=dict)
    derived: bool = False

    @property
    def count(self) -> int:
        """How many samples."""
        return min((len(a) for a in self.tensors.values()), default=0)

    def sample(self, index: int) -> dict[str, Array]:
        """The tensors of one sample."""
        return {name: array[index] for name, array in self.tensors.items()}


def stack(arrays: Sequence[Array], name: str) -> Array:
    """The output `name` of all samples as one array.

    Raises:
        Invalid: Its shape depends on the values of the inputs, key "source".
    """
    other = next((a for a in arrays if a.shape != arrays[0].shape), None)
    if other is not None:
        raise Invalid(
            f"the shape of the output '{name}' depends on what the inputs hold: it is {shape_text(arrays[0].shape)} and "
            f"{shape_text(other.shape)}; such an output cannot be compared",
            "source",
            "give it a fixed size: pad it, as tf.image.non_max_suppression_padded does",
        )
    return np.stack(arrays)


def write(folder: Path, cases: Iterable[Case]) -> None:
    """Write `cases` into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    number = 0
    for case in cases:
        files = {}
        for name, array in case.tensors.items():
            file = f"{number}.npy"
            number += 1
            np.save(folder / file, np.ascontiguousarray(storable(array)))
            files[name] = file
        entry = {"signature": case.signature, "sizes": dict(case.sizes), "files": files}
        index.append(entry | ({"derived": True} if case.derived else {}))
    (folder / "index.json").write_text(json.dumps(index, indent=1) + "\n", "utf-8")


def read(folder: Path) -> list[Case]:
    """The cases in `folder`, their arrays memory-mapped read-only."""
    return [
        Case(
            entry["signature"],
            {name: np.load(folder / file, mmap_mode="r") for name, file in entry["files"].items()},
            entry["sizes"],
            entry.get("derived", False),
        )
        for entry in json.loads((folder / "index.json").read_text("utf-8"))
    ]
