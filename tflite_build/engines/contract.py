"""What an engine step receives and may answer. The contract is a command over folders.

Inputs are files or folders that the step must not change, outputs go into one empty folder, parameters are JSON.
Nothing else may influence the result. Standard library only: this code runs inside every toolchain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict

from .content import Content

DEFAULT_SIGNATURE = "serving_default"  # of a source that names none

# How C++, Python, NumPy, the system's loader, OpenBLAS, TensorFlow, XLA and XNNPACK say that an allocation failed.
_NO_MEMORY = re.compile(
    r"std::bad_alloc|MemoryError|Cannot allocate memory|failed to map segment|Memory allocation still failed"
    r"|blas_thread_init: pthread_create failed|RESOURCE_EXHAUSTED|Unable to allocate |OOM when allocating"
    r"|[Ff]ailed to allocate (?!tensors)"
)


def tells_of_memory(text: str) -> bool:
    """Whether these words of a library or a process say that memory ran out."""
    return _NO_MEMORY.search(text) is not None


@dataclass(frozen=True)
class Request:
    """One step to do.

    Attributes:
        kind: The row of `registry.STEPS`, such as "convert.litert".
        params: JSON values of the action's manifest.
        inputs: Input name -> file or folder, read-only.
        outputs: An existing, empty folder to write into.
        project: The user's own folder, only for steps that run user code (see `usercode`), else None.
    """

    kind: str
    params: Mapping[str, Any]
    inputs: Mapping[str, Path]
    outputs: Path
    project: Path | None = None

    def read_json(self, name: str) -> Any:
        """The JSON file given as input `name`."""
        return json.loads(self.inputs[name].read_text("utf-8"))

    def write_json(self, name: str, value: object) -> None:
        """Write `value` as canonical JSON to the output file `name`."""
        (self.outputs / name).write_text(json.dumps(value, sort_keys=True, indent=1) + "\n", "utf-8")


class Answer(TypedDict, total=False):
    """What a step says beside the files that it wrote, as JSON values; one that has nothing to say returns None."""

    warnings: list[str]  # for the user, in every build that has this result
    reruns: int  # how many samples `calibrate` ran with the slow kernels, for tests


@dataclass(frozen=True)
class FailingOperator:
    """An operator that the engine cannot convert: its name, what it needs, and where in the user's model it stands."""

    name: str
    needs: str = ""  # "select" | "custom" | "shape" (it has a form, and these shapes are wrong) | "" (no form at all)
    source: str = ""


class Refused(Exception):
    """This engine cannot do it, or does it wrongly; another may. Never for the user's own mistakes or for the machine's.

    Args:
        reason: One sentence for people, without a closing full stop.
        operators: The operators to blame, where the engine says so.
        detail: The engine's own words, a few lines.
        alternative: A candidate that could do it, and is good enough only where all others are refuted.
    """

    def __init__(
        self, reason: str, operators: Sequence[FailingOperator] = (), detail: str = "", alternative: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.operators = tuple(operators)
        self.detail = detail
        self.alternative = alternative


class Invalid(Exception):
    """The user's model, data or code is wrong; no engine could do it.

    Args:
        message: One sentence: what was found, what is allowed.
        key: The dotted key of model.toml that it concerns, such as "calibration.data" or "source.path".
        hint: What to do.
        detail: Further lines, such as the end of the user's own traceback.
    """

    def __init__(self, message: str, key: str = "", hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.key = key
        self.hint = hint
        self.detail = detail


@dataclass(frozen=True)
class TensorSpec:
    """A tensor of a signature: dimensions are numbers, or names of dynamic dimensions; dtype as numpy names it."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str

    @property
    def real(self) -> str:
        """The type, where this is the tensor as callers have it: see `kinds.binding.BoundTensor`."""
        return self.dtype


@dataclass(frozen=True)
class SignatureSpec:
    """A signature of the source: its name and tensors, in the model's own order."""

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True)
class Interface:
    """All signatures of a model, as `interface.json` holds them between steps."""

    signatures: tuple[SignatureSpec, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""

        def tensors(specs: Sequence[TensorSpec]) -> list[dict[str, Any]]:
            return [{"name": t.name, "shape": list(t.shape), "dtype": t.dtype} for t in specs]

        return {
            "signatures": [
                {"name": s.name, "inputs": tensors(s.inputs), "outputs": tensors(s.outputs)} for s in self.signatures
            ]
        }

    @staticmethod
    def from_json(value: Any) -> Interface:
        """The inverse of `to_json`."""

        def tensors(values: Any) -> tuple[TensorSpec, ...]:
            return tuple(TensorSpec(t["name"], tuple(t["shape"]), t["dtype"]) for t in values)

        return Interface(
            tuple(SignatureSpec(s["name"], tensors(s["inputs"]), tensors(s["outputs"])) for s in value["signatures"])
        )

    def signature(self, name: str) -> SignatureSpec:
        """The signature called `name`; KeyError where there is none."""
        for s in self.signatures:
            if s.name == name:
                return s
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class DeclaredInput:
    """What the spec says of an input, as far as it says anything.

    Attributes:
        shape: Dimensions are numbers, or names of dynamic dimensions.
        dtype: As numpy names it, or "".
        range: The lowest and the highest value that test data may have.
        sizes: For dynamic dimensions by name the sizes to test.
        content: What it stands for.
    """

    shape: tuple[int | str, ...] | None = None
    dtype: str = ""
    range: tuple[float, float] | None = None
    sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    content: Content | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values, without what is not said."""
        said = {
            "shape": None if self.shape is None else list(self.shape),
            "dtype": self.dtype or None,
            "range": None if self.range is None else list(self.range),
            "sizes": {name: list(sizes) for name, sizes in self.sizes.items()} or None,
            "content": self.content and self.content.to_json(),
        }
        return {key: value for key, value in said.items() if value is not None}

    @staticmethod
    def from_json(value: Any) -> DeclaredInput:
        """The inverse of `to_json`."""
        shape, range_, content = value.get("shape"), value.get("range"), value.get("content")
        return DeclaredInput(
            None if shape is None else tuple(shape),
            value.get("dtype", ""),
            None if range_ is None else (range_[0], range_[1]),
            {name: tuple(sizes) for name, sizes in value.get("sizes", {}).items()},
            content and Content.from_json(content),
        )


@dataclass(frozen=True, slots=True)
class Declared:
    """What the spec says of all inputs: signature -> the model's own name of an input -> what.

    The signature "" stands for the only one, in a spec that does not name it.
    """

    signatures: Mapping[str, Mapping[str, DeclaredInput]] = field(default_factory=dict)

    def inputs(self, signature: str) -> Mapping[str, DeclaredInput]:
        """What is said of the inputs of `signature`."""
        return self.signatures.get(signature) or self.signatures.get("") or {}

    def shapes(self, *, dtypes: bool) -> Declared:
        """Only what changes a converted model: a new range or size to test converts nothing again."""
        return Declared(
            {
                signature: {name: DeclaredInput(i.shape, i.dtype if dtypes else "") for name, i in inputs.items()}
                for signature, inputs in self.signatures.items()
            }
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {s: {name: i.to_json() for name, i in inputs.items()} for s, inputs in self.signatures.items()}

    @staticmethod
    def from_json(value: Any) -> Declared:
        """The inverse of `to_json`."""
        return Declared(
            {s: {name: DeclaredInput.from_json(i) for name, i in inputs.items()} for s, inputs in value.items()}
        )


Side = Literal["inputs", "outputs"]


@dataclass(frozen=True, slots=True)
class TensorNames:
    """Public name -> the model's own name, for the renamed inputs and the declared outputs of one signature."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    def of(self, side: Side) -> Mapping[str, str]:
        """Those of one side."""
        return self.inputs if side == "inputs" else self.outputs


@dataclass(frozen=True, slots=True)
class Names:
    """What the spec calls the tensors of a model.

    Public names and the model's own may overlap, as where two inputs swap theirs. So wherever a name may be either, the
    public one wins. The signature "" stands for the only one, in a spec that does not name it.
    """

    signatures: Mapping[str, TensorNames] = field(default_factory=dict)

    def own(self, signature: str, side: Side, name: str) -> str:
        """The model's own name of what people call `name`: by its public name, or else by its own."""
        return self._of(signature, side).get(name, name)

    def public(self, signature: str, side: Side, own: str) -> str:
        """What people call the tensor that the model calls `own`."""
        return next((public for public, name in self._of(signature, side).items() if name == own), own)

    def of_inputs(self) -> Names:
        """Only those of inputs: another name of an output takes no other samples."""
        return Names({signature: TensorNames(t.inputs) for signature, t in self.signatures.items() if t.inputs})

    def _of(self, signature: str, side: Side) -> Mapping[str, str]:
        return (self.signatures.get(signature) or self.signatures.get("") or TensorNames()).of(side)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {s: {"inputs": dict(t.inputs), "outputs": dict(t.outputs)} for s, t in self.signatures.items()}

    @staticmethod
    def from_json(value: Any) -> Names:
        """The inverse of `to_json`."""
        return Names({s: TensorNames(t["inputs"], t["outputs"]) for s, t in value.items()})
