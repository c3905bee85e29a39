"""[state] and [method]: what a model keeps between calls, and what an app calls it by."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from .base import SpecModel
from .kinds.base import TensorName
from .metadata import Text
from .values import Strings, wrong

INTERNAL = "internal"
_INITIAL = (-3.0e38, 3.0e38)


class State(SpecModel):
    """A value that a call gives and the next one takes: an app never sees it."""

    input: TensorName
    """The input that takes it. One `*` stands for any letters: `"kv_cache_*"` is a state for each input of such a name."""
    output: TensorName
    """The output that gives it, of the same shape and type; with a `*` where `input` has one."""
    initial: Annotated[float, Field(ge=_INITIAL[0], le=_INITIAL[1])] = 0.0
    """What all of its values are at the first call of a session."""

    @model_validator(mode="after")
    def _stars(self) -> State:
        counts = (self.input.count("*"), self.output.count("*"))
        if counts not in ((0, 0), (1, 1)):
            raise wrong("a '*' stands once in 'input' and once in 'output', for the same letters", "output")
        return self


def _states(value: Any) -> Any:
    if value == INTERNAL or isinstance(value, dict):
        return value
    raise wrong("'state' is \"internal\", for variables in the model, or tables [state.NAME] with `input` and `output`")


States = Annotated[
    Annotated[Literal["internal"], Tag("word")] | Annotated[dict[str, State], Tag("tables")],
    Discriminator(lambda value: "tables" if isinstance(value, dict) else "word"),
    BeforeValidator(_states),
]


class Method(SpecModel):
    """A method of the generated code."""

    signatures: Strings = ()
    """The signatures that it calls: one, or several that differ in one size alone, such as those for prompts of other
    lengths. Default: the one of its name."""
    select_by: str | None = None
    """Of several signatures: the argument whose size chooses the smallest that it fits into; the rest is filled up."""
    fill: Annotated[float, Field(ge=_INITIAL[0], le=_INITIAL[1], strict=False)] | dict[str, float] = 0.0
    """What arguments are filled up with: a number for all, or a table of argument to number."""
    private: bool = False
    """Whether the code has no such method: for signatures that are not for apps."""
    description: Text | None = None
    """What it does, in words."""
    role: Literal["train", "infer", "save", "restore"] | None = None
    """Of a model that the app trains: `train` learns from a batch, `infer` uses what was learned, `save` gives the values
    of all variables that training changes, and `restore` takes them."""

    @field_validator("signatures")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for i, name in enumerate(value):
            if name in value[:i]:
                raise wrong(f"'{name}' is named twice")
        return value

    @model_validator(mode="after")
    def _together(self) -> Method:
        if len(self.signatures) > 1 and self.select_by is None:
            raise wrong("several signatures need 'select_by', the argument whose size chooses one", "signatures")
        if self.select_by is not None and len(self.signatures) < 2:
            raise wrong("'select_by' chooses one of several 'signatures'", "select_by")
        if self.role in ("train", "save", "restore"):
            if len(self.signatures) > 1:
                raise wrong(f"what {self.role}s is one signature", "signatures")
            if self.private:
                raise wrong(f"an app calls what {self.role}s: it cannot be private", "private")
        return self
