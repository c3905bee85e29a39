"""What the tables of all kinds have in common: the tensors that they bind, and what these tell in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol

from pydantic import StringConstraints

from tflite_build.errors import near_miss, one_of
from tflite_build.spec.base import SpecModel
from tflite_build.spec.metadata import Text

TensorName = Annotated[str, StringConstraints(min_length=1)]
_THINGS = {"image": "a picture", "audio": "a sound"}


class Misfit(NamedTuple):
    """What does not go with another table: the key that is to blame, or "" for the table, and what is wrong."""

    key: str
    message: str
    hint: str = ""


class Beside(Protocol):
    """What else is said of a signature."""

    @property
    def inputs(self) -> Mapping[str, SpecModel]:
        """The tables of inputs."""
        ...

    @property
    def written(self) -> Mapping[str, SpecModel]:
        """The tables of outputs, as they are written."""
        ...

    @property
    def pictures(self) -> Sequence[str]:
        """The arguments that are pictures."""
        ...


class Kind(SpecModel):
    """The base of all kinds.

    Class attributes:
        ROLES: The keys that name tensors.
        SHARED: What may stand at a tensor instead: key -> roles, the first that is bound, and the key of its table.
        FILES: The keys that name files, those of a table within with a full stop before them; a list in a file's place has
            what such a file would have.
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
                found[key] = value.model_dump(exclude_none=True) if isinstance(value, SpecModel) else value
        return found

    def implied(self) -> dict[str, dict[str, Any]]:
        """What the table of each of its tensors says by that it is bound: name -> keys and values."""
        found: dict[str, dict[str, Any]] = {}
        for key, (tensor, own) in self.shared().items():
            if getattr(self, key) is not None:
                found.setdefault(tensor, {})[own] = getattr(self, key)
        return found

    def read_as(self) -> dict[str, str]:
        """Tensor -> the name that readers of metadata look for; without those that they find by others."""
        return {}

    def misfits(self, beside: Beside) -> Iterator[Misfit]:
        """What does not go with what is said beside it."""
        for key, (tensor, own) in self.shared().items():
            there = getattr(beside.written.get(tensor), own, None)
            if getattr(self, key) is not None and there is not None and there != getattr(self, key):
                yield said_twice(key, own, tensor)
        for tensor, keys in self.implied().items():
            there = getattr(beside.written.get(tensor), "content", None)
            if "content" in keys and there not in (None, keys["content"]):
                role = next(role for role, name in self.tensors.items() if name == tensor)
                message = f"'{tensor}' is named for its {keys['content']}, and its own table says content = \"{there}\""
                yield Misfit(role, message, "remove one of the two")

    def shared(self) -> dict[str, tuple[str, str]]:
        """Key -> the tensor that may say it instead, and the key of that one's table."""
        found = {}
        for key, (roles, own) in self.SHARED.items():
            tensor = next((self.tensors[role] for role in roles if role in self.tensors), None)
            if tensor is not None:
                found[key] = (tensor, own)
        return found


class ArgumentKind(Kind):
    """The base of those that an app passes."""

    group: Text | None = None
    """Arguments that say the same belong together: an app passes them as one value, of a class that is called so."""


class ContentArgument(ArgumentKind):
    """What is made of something as its input says."""

    ROLES: ClassVar[tuple[str, ...]] = ("input",)

    input: TensorName

    def misfits(self, beside: Beside) -> Iterator[Misfit]:
        """The input says what it is made of."""
        if getattr(beside.inputs.get(self.input), "content", None) != self.word:
            hint = f'say content = "{self.word}" in the table of that input, and what else there is to say'
            yield Misfit("input", f"nothing says how '{self.input}' is made of {_THINGS[self.word]}", hint)


def in_picture(things: str, picture: str | None, beside: Beside) -> Iterator[Misfit]:
    """What is wrong with the `picture` of a result whose `things`, such as "boxes are", lie in one."""
    pictures = list(beside.pictures)
    if not pictures:
        hint = 'say content = "image" in the table of the input that it is'
        yield Misfit("", f"{things} in a picture, and no argument is one", hint)
    elif picture is None and len(pictures) > 1:
        names = one_of(f'"{name}"' for name in pictures)
        message = f"{things} in one of several pictures, and nothing says in which"
        yield Misfit("", message, f"add picture = {names}")
    elif picture not in (None, *pictures):
        names = one_of(f"'{name}'" for name in pictures)
        hint = near_miss(str(picture), pictures) or f"there is {names}"
        yield Misfit("picture", f"no argument '{picture}' is a picture", hint)


def said_twice(key: str, own: str, tensor: str) -> Misfit:
    """A key that says another thing than a tensor's table does."""
    return Misfit(key, f"'{own}' of the output '{tensor}' says another thing than '{key}' here", "keep one of the two")
