"""What an app calls a model by: signatures under other names, several under one, and those that it does not see.

Several signatures are one method where they differ in one size alone: the first dimension above 1 of some inputs and
outputs. A call takes the smallest that it fits into; inputs are filled up, and outputs are cut. Travels as JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import near_or_all, quoted, shape_text

from .binding import BoundTensor

Ends = tuple[Sequence[BoundTensor], Sequence[BoundTensor]]


@dataclass(frozen=True, slots=True)
class MethodRule:
    """A table [method.NAME].

    Attributes:
        signatures: What it calls.
        select_by: The argument whose size chooses one of several; "" for one alone.
        fill: What arguments are filled up with, by name; "" for all others.
        private: Whether there is none in the code.
        role: What it is of a model that an app trains (see `training`); "" of another.
    """

    name: str
    signatures: tuple[str, ...]
    select_by: str = ""
    fill: Mapping[str, float] = field(default_factory=dict)
    private: bool = False
    description: str = ""
    role: str = ""

    @property
    def key(self) -> str:
        """Where it stands."""
        return f'method."{self.name}"'

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "signatures": list(self.signatures)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> MethodRule:
        """The inverse of `to_json`."""
        return MethodRule(**{**value, "signatures": tuple(value["signatures"])})


@dataclass(frozen=True, slots=True)
class Member:
    """One of the signatures of a method, and the size that it takes."""

    signature: str
    size: int


@dataclass(frozen=True, slots=True)
class Group:
    """The signatures of a method, the smallest first.

    Attributes:
        inputs: Those that differ, by name -> values for each 1 of the size.
        outputs: The same of outputs.
    """

    members: tuple[Member, ...]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


def check(rules: Sequence[MethodRule], signatures: Sequence[str]) -> None:
    """Hold rules against the signatures of a model.

    Raises:
        Invalid: If one is not there, or belongs to two methods.
    """
    seen: dict[str, str] = {}
    for rule in rules:
        for place, name in enumerate(rule.signatures):
            if name not in signatures:
                told = f"{rule.key}.signatures.{place}" if len(rule.signatures) > 1 else rule.key
                raise Invalid(f"the model has no signature '{name}'", told, near_or_all(name, list(signatures)))
            other = seen.setdefault(name, rule.name)
            if other != rule.name:
                raise Invalid(f"the signature '{name}' belongs to the method '{other}' too", rule.key)


def group(rule: MethodRule, ends: Mapping[str, Ends], select: str) -> Group:
    """The signatures of a method that has several.

    Args:
        ends: Signature -> its inputs and outputs, without states.
        select: The input that the argument is which chooses.

    Raises:
        Invalid: If they differ in more than one size.
    """
    of = [ends[name] for name in rule.signatures]
    names = [[t.name for t in side] for side in of[0]]
    for signature, own in zip(rule.signatures, of, strict=True):
        if [sorted(t.name for t in side) for side in own] != [sorted(side) for side in names]:
            raise Invalid(
                f"'{signature}' has other inputs or outputs than '{rule.signatures[0]}'", f"{rule.key}.signatures"
            )
    sizes: list[int] = []
    rests: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for side, wanted in enumerate(names):
        for name in sorted(wanted, key=lambda n: n != select):
            tensors = [next(t for t in own[side] if t.name == name) for own in of]
            if len({t.shape for t in tensors}) == 1 and name != select:
                continue
            found = [_split(rule, t) for t in tensors]
            own_sizes = [size for size, _ in found]
            sizes = sizes or own_sizes
            if own_sizes != sizes or len({rest for _, rest in found}) > 1 or len({t.real for t in tensors}) > 1:
                shapes = [f"{t.real} {shape_text(t.shape)}" for t in tensors]
                message = (
                    f"'{name}' is {quoted(shapes)} in the signatures of '{rule.name}', which differ in one size alone"
                )
                raise Invalid(message, f"{rule.key}.signatures")
            rests[side][name] = found[0][1]
    if len(set(sizes)) < len(sizes):
        raise Invalid(f"signatures of '{rule.name}' take the same size of '{select}'", f"{rule.key}.select_by")
    members = sorted(map(Member, rule.signatures, sizes), key=lambda m: m.size)
    return Group(tuple(members), *rests)


def _split(rule: MethodRule, tensor: BoundTensor) -> tuple[int, int]:
    """The size of the first dimension above 1, and how many values there are for each."""
    if any(isinstance(d, str) or d < 1 for d in tensor.shape):
        message = (
            f"'{tensor.name}' has the shape {shape_text(tensor.shape)}, and one of several signatures has fixed sizes"
        )
        raise Invalid(message, f"{rule.key}.signatures")
    shape = [int(d) for d in tensor.shape]
    at = next((place for place, d in enumerate(shape) if d > 1), len(shape) - 1)
    return (shape[at] if shape else 1), math.prod(shape[at + 1 :])
