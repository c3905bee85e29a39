"""The folder between lowering and what reads it: one StableHLO program per signature, the interface, and an index.

    lowered/interface.json     all signatures, in the order of the programs
    lowered/lowered.json       the index that this module reads and writes
    lowered/0.mlirbc           MLIR bytecode of the first signature's program, or
    lowered/0.mlir             its text, where it uses dialects whose bytecode the converter cannot read
    lowered/0.jaxexport        only of a program with dynamic dimensions: as jax.export serializes it, for running

Knows nothing of MLIR, JAX or the converter. Every program takes its signature's inputs in order, unused ones too, and
returns its outputs in order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tflite_build.engines.contract import Interface, SignatureSpec


@dataclass(frozen=True, slots=True)
class LoweredProgram:
    """One signature's program.

    Attributes:
        file: The program's file in the folder.
        exported: The file of its jax.export form, or "" where all dimensions are numbers.
        dynamic: Names of its dynamic dimensions, in order of appearance.
        located: Whether operations carry the source lines that they come from.
    """

    file: str
    exported: str = ""
    dynamic: tuple[str, ...] = ()
    located: bool = False


@dataclass(frozen=True, slots=True)
class Lowered:
    """A lowered folder: its programs belong to the interface's signatures, one by one.

    Attributes:
        fused: Names of layers for which TensorFlow Lite has an operator that no StableHLO program leads to.
    """

    folder: Path
    interface: Interface
    programs: tuple[LoweredProgram, ...]
    fused: tuple[str, ...] = ()

    @staticmethod
    def read(folder: Path) -> Lowered:
        """The folder as `write` left it."""
        interface = Interface.from_json(json.loads((folder / "interface.json").read_text("utf-8")))
        index = json.loads((folder / "lowered.json").read_text("utf-8"))
        programs = tuple(
            LoweredProgram(p["file"], p["exported"], tuple(p["dynamic"]), p["located"]) for p in index["programs"]
        )
        return Lowered(folder, interface, programs, tuple(index["fused"]))

    def write(self) -> None:
        """Write interface and index; the program files are there already."""
        _write(self.folder / "interface.json", self.interface.to_json())
        _write(
            self.folder / "lowered.json", {"programs": [asdict(p) for p in self.programs], "fused": list(self.fused)}
        )

    def pairs(self) -> Sequence[tuple[SignatureSpec, LoweredProgram]]:
        """Every signature with its program."""
        return list(zip(self.interface.signatures, self.programs, strict=True))

    def code(self, program: LoweredProgram) -> bytes | str:
        """The program as MLIR's parsers take it: bytes of bytecode, or text."""
        file = self.folder / program.file
        return file.read_text("utf-8") if file.suffix == ".mlir" else file.read_bytes()


def _write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, sort_keys=True, indent=1) + "\n", "utf-8")
