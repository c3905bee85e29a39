"""What the tables of all kinds have in common: the tensors that they bind, and what these tell in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from tflite_build.spec.base import SpecModel
from tflite_build.spec.metadata import Text

TensorName = Annotated[str, StringConstraints(min_length=1)]


class Kind(SpecModel):
    """The base of all kinds.

    Class attributes:
        ROLES: The keys that name tensors.
        SHARED: What may stand at a tensor instead: key -> roles, the first that is bound, and the key of its table.
        FILES: The keys that name files; a list in their place has what such a file would have.
    """

    ROLES: ClassVar[tuple[str, ...]] = ()
    SHARED: ClassVar[dict[str, tuple[tuple[str, ...], str]]] = {}
    FILES: ClassVar[tuple[str, ...]] = ()

    description: Text | None = None
    """What it is, in words."""

    @property
    def tensors(self) -> dict[str, str]:
        """Role -> the name of a tensor."""
        return {role: name for role in self.ROLES if (name := getattr(self, role)) is not None}

    @property
    def word(self) -> str:
        """The word for the kind."""
        return str(self.model_dump(include={"kind"})["kind"])

    def said(self, outputs: Mapping[str, SpecModel]) -> dict[str, Any]:
        """What is said beside the tensors, of what they say instead of it too; without what nobody says."""
        known = {*self.ROLES, "kind", "description"}
        found = {key: v for key, v in self.model_dump(exclude_none=True).items() if key not in known}
        for key, (tensor, own) in self.shared().items():
            value = getattr(outputs.get(tensor), own, None)
            if key not in found and value is not None:
                found[key] = value
        return found

    def implied(self) -> dict[str, dict[str, Any]]:
        """What the table of each of its tensors says by that it is bound: name -> keys and values."""
        found: dict[str, dict[str, Any]] = {}
        for key, (tensor, own) in self.shared().items():
            if getattr(self, key) is not None:
                found.setdefault(tensor, {})[own] = getattr(self, key)
        return found

    def shared(self) -> dict[str, tuple[str, str]]:
        """Key -> the tensor that may say it instead, and the key of that one's table."""
        found = {}
        for key, (roles, own) in self.SHARED.items():
            tensor = next((self.tensors[role] for role in roles if role in self.tensors), None)
            if tensor is not None:
                found[key] = (tensor, own)
        return found
