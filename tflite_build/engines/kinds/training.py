"""What an app trains: the parts that signatures have in it, and what is saved of it.

A checkpoint is a file as safetensors defines it (https://github.com/huggingface/safetensors, "Format"): the length of the
header in eight bytes, little-endian; the header, JSON that says where each tensor lies; the values, row by row. It is
written as that library writes it, tensors in the order of their names, so that both read what the other writes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import near_or_all, quoted, shape_text

from .binding import Binding, BoundTensor
from .methods import MethodRule

TRAIN, SAVE, RESTORE = "train", "save", "restore"  # roles of methods
KIND = "checkpoint"  # of what `save` gives and `restore` takes
LESSONS = 2  # batches, after which what was learned is looked at
_ALIGNED = 8  # bytes, to which a header is filled up with spaces
_VALUE = 4  # bytes of a value


Run = Callable[[str, Mapping[str, Any], bool], Mapping[str, Any]]  # signature, inputs, whether variables start anew


class Lessons(Protocol):
    """Samples of a signature."""

    @property
    def signature(self) -> str:
        """Which."""
        ...

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def sample(self, index: int) -> Mapping[str, Any]:
        """The inputs of one."""
        ...


@dataclass(frozen=True, slots=True)
class Training:
    """The signatures of a model that is trained; none of one that is not.

    Attributes:
        train: Those that learn from a batch.
        save: The one that gives what training changes; "" for none.
        restore: The one that takes it; "" for none.
    """

    train: tuple[str, ...] = ()
    save: str = ""
    restore: str = ""

    @staticmethod
    def of(rules: Sequence[MethodRule]) -> Training:
        """What rules say."""
        train, save, restore = ([r.signatures[0] for r in rules if r.role == role] for role in (TRAIN, SAVE, RESTORE))
        return Training(tuple(train), "".join(save[:1]), "".join(restore[:1]))

    def to_json(self) -> dict[str, object]:
        """As JSON values."""
        return {"train": list(self.train), "save": self.save, "restore": self.restore}

    @staticmethod
    def from_json(value: Mapping[str, object]) -> Training:
        """The inverse of `to_json`; of an empty table none."""
        names = value.get("train", ())
        assert isinstance(names, list | tuple)
        return Training(tuple(map(str, names)), str(value.get("save", "")), str(value.get("restore", "")))

    def learns(self, signature: str) -> bool:
        """Whether a signature learns."""
        return signature in self.train

    def teach(self, cases: Sequence[Lessons], run: Run) -> None:
        """Bring a model to where it has learned, from its first values on: what `follows` is called on what that left."""
        fresh = True
        for case in cases:
            for number in range(min(LESSONS, case.count) if self.learns(case.signature) else 0):
                run(case.signature, case.sample(number), fresh)
                fresh = False

    def starts(self, signature: str, number: int) -> bool:
        """Whether the call of a sample starts anew: batches go on from each other, and what `follows` from all of them."""
        return not self.follows(signature) and not (self.learns(signature) and number)

    def moves(self, signature: str) -> bool:
        """Whether a signature saves or restores."""
        return bool(self.train) and signature in (self.save, self.restore)

    def follows(self, signature: str) -> bool:
        """Whether a signature is to be looked at after training: what it gives changes with that."""
        return bool(self.train) and signature not in (*self.train, self.restore)


def batch(rule: MethodRule, inputs: Sequence[BoundTensor]) -> int:
    """How many examples a signature learns from: the first dimension of all inputs that have any.

    Raises:
        Invalid: If they differ in it, or none has one.
    """
    sizes = {t.name: t.shape[0] for t in inputs if t.shape}
    if not sizes:
        raise Invalid(f"'{rule.signatures[0]}' takes no examples: it has no input with a dimension", f"{rule.key}.role")
    first = next(iter(sizes.values()))
    for tensor in inputs:
        if tensor.shape and (tensor.shape[0] != first or not isinstance(first, int)):
            shapes = quoted([f"{t.name} {shape_text(t.shape)}" for t in inputs if t.shape])
            message = "the first dimension of all inputs of what trains is the batch, of one fixed size"
            raise Invalid(f"{message}: it has {shapes}", f"{rule.key}.role")
    assert isinstance(first, int)
    return first


Tensor = TypeVar("Tensor")


def example(tensor: Tensor) -> Tensor:
    """What one example has of a tensor of a batch; one without dimensions is of the whole batch."""
    return replace(tensor, shape=tensor.shape[1:]) if tensor.shape else tensor  # type: ignore[type-var, attr-defined]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the values of a tensor lie behind the header: in values from there, and how many they are."""

    start: int
    count: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A checkpoint's.

    Attributes:
        header: The JSON text, filled up, in parts that each say where one tensor lies.
        places: By name, in the order of the file.
    """

    header: tuple[str, ...]
    places: Mapping[str, Place]

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(place.count for place in self.places.values())


def layout(tensors: Sequence[BoundTensor]) -> Layout:
    """That of float32 tensors of fixed shapes."""
    rows, places, start = list[str](), dict[str, Place](), 0
    for tensor in sorted(tensors, key=lambda t: t.name.encode()):
        count = math.prod(int(d) for d in tensor.shape)
        places[tensor.name] = Place(start, count)
        span = [start * _VALUE, (start + count) * _VALUE]
        row = {tensor.name: {"dtype": "F32", "shape": [int(d) for d in tensor.shape], "data_offsets": span}}
        rows.append(json.dumps(row, ensure_ascii=False, separators=(",", ":"))[1:-1] + ",")
        start += count
    rows[-1] = rows[-1][:-1] + "}"
    rows[0] = "{" + rows[0]
    size = sum(len(row.encode()) for row in rows)
    return Layout((*rows[:-1], rows[-1] + " " * (-size % _ALIGNED)), places)


def moved(
    rule: MethodRule, inputs: Sequence[BoundTensor], outputs: Sequence[BoundTensor]
) -> tuple[list[Binding], list[Binding]]:
    """The arguments and results of what saves or restores: all outputs of the one, all inputs of the other.

    Raises:
        Invalid: If one of them has no fixed shape, or other values than float32.
    """
    if rule.role == SAVE:
        return [], [_bound(rule, outputs, "output")]
    return [_bound(rule, inputs, "input")], []


def _bound(rule: MethodRule, tensors: Sequence[BoundTensor], side: str) -> Binding:
    if not tensors:
        does = "gives nothing to save" if side == "output" else "takes nothing to restore"
        message = f"'{rule.signatures[0]}' {does}: each variable that training changes is an {side}"
        raise Invalid(message, f"{rule.key}.role")
    for tensor in tensors:
        if tensor.real != "float32" or any(not isinstance(d, int) or d < 0 for d in tensor.shape):
            found = f"'{tensor.name}' is {tensor.real} {shape_text(tensor.shape)}"
            message = f"{found}, and a checkpoint has float32 values of fixed shapes"
            raise Invalid(message, f"{rule.key}.role", "have the function cast it")
    return Binding(KIND, KIND, rule.key, {t.name: t.name for t in tensors})


def check(rules: Sequence[MethodRule], ends: Mapping[str, tuple[Sequence[BoundTensor], Sequence[BoundTensor]]]) -> None:
    """Hold what is saved against what is restored.

    Args:
        ends: Signature -> its inputs and outputs.

    Raises:
        Invalid: If something that is saved is not restored, or the other way round.
    """
    by_role = {rule.role: rule for rule in rules if rule.role in (SAVE, RESTORE) and rule.signatures[0] in ends}
    if len(by_role) < 2:
        return
    save, restore = by_role[SAVE], by_role[RESTORE]
    given, taken = ends[save.signatures[0]][1], ends[restore.signatures[0]][0]
    names = {t.name for t in given}
    for tensor in taken:
        if tensor.name not in names:
            hint = near_or_all(tensor.name, sorted(names))
            raise Invalid(
                f"'{tensor.name}' is restored, and nothing of that name is saved", f"{restore.key}.role", hint
            )
    for tensor in given:
        other = next((t for t in taken if t.name == tensor.name), None)
        if other is None:
            hint = f"have '{restore.signatures[0]}' take an input of that name"
            raise Invalid(f"'{tensor.name}' is saved, and not restored", f"{restore.key}.role", hint)
        if other.shape != tensor.shape or other.real != tensor.real:
            saved_as = f"'{tensor.name}' is saved as {tensor.real} {shape_text(tensor.shape)}"
            message = f"{saved_as}, and restored from {other.real} {shape_text(other.shape)}"
            raise Invalid(message, f"{restore.key}.role")
