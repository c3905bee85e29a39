"""Which tensors an argument or a result of an app binds, and what the spec says of it; travels as JSON."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import near_or_all, shape_text


class BoundTensor(Protocol):
    """A tensor of a built file, as a caller of its signature has it: real numbers where it stands for such."""

    @property
    def name(self) -> str:
        """As callers of the signature say it."""
        ...

    @property
    def real(self) -> str:
        """The type of what callers pass and get, as numpy names it."""
        ...

    @property
    def shape(self) -> tuple[int | str, ...]:
        """A name for each dynamic dimension."""
        ...


@dataclass(frozen=True, slots=True)
class Binding:
    """An argument or a result.

    Attributes:
        kind: The word of the spec.
        name: What callers call it.
        key: The table of model.toml that says it.
        tensors: Role -> the public name of a tensor.
        options: What else the spec says: the kind's own keys, without what is not said.
        files: Of the keys that name files: key -> locale, or "" for one alone -> path, from the folder of model.toml.
        description: The spec's own words.
    """

    kind: str
    name: str
    key: str
    tensors: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    description: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Binding:
        """The inverse of `to_json`."""
        return Binding(**value)

    @property
    def is_named(self) -> bool:
        """Whether the spec has a table for it, and does not say it of a tensor alone."""
        return re.search(r"(^|\.)(argument|result)\.", self.key) is not None

    def at(self, key: str) -> str:
        """Where one of its keys stands; of a role that no table names, where its tensor says what it is."""
        return f"{self.key}.{'content' if key in self.tensors and not self.is_named else key}"

    def misfit(self, role: str, tensor: BoundTensor, wanted: str, hint: str = "") -> Invalid:
        """The mistake of a tensor that is not what the kind needs."""
        found = f"'{tensor.name}' is {tensor.real} {shape_text(tensor.shape)}"
        return Invalid(f"{found}, and {wanted}", self.at(role if self.is_named else "content"), hint)


def bound(binding: Binding, tensors: Sequence[BoundTensor], side: str) -> dict[str, Any]:
    """Role -> tensor, of the tensors of one side of a signature.

    Args:
        side: "input" or "output".

    Raises:
        Invalid: If there is none of such a name.
    """
    by_name = {t.name: t for t in tensors}
    for role, name in binding.tensors.items():
        if name not in by_name:
            raise Invalid(f"the model has no {side} '{name}'", binding.at(role), near_or_all(name, list(by_name)))
    return {role: by_name[name] for role, name in binding.tensors.items()}


def own(names: Collection[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `options` that are called as `names`, lists as tuples."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in options.items() if k in names}
