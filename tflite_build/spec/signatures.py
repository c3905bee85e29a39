"""What a spec says of each signature: its tensors, and what an app passes and gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from .kinds.base import Kind
from .kinds.detections import DetectionsResult
from .tensors import Input, Output
from .types import ModelSpec


@dataclass(frozen=True, slots=True)
class Tables:
    """What is said of a signature.

    Attributes:
        signature: Its name; "" for the only one.
        prefix: What stands before the keys of its tables.
        inputs: As they are written.
        written: The outputs as they are written.
        arguments: As they are written.
        results: As they are written.
    """

    signature: str
    prefix: str
    inputs: Mapping[str, Input]
    written: Mapping[str, Output]
    arguments: Mapping[str, Kind]
    results: Mapping[str, Kind]

    @property
    def given(self) -> dict[str, Input]:
        """The inputs with what arguments that bind them say of them."""
        return _told(self.inputs, self.arguments, Input())

    @property
    def pictures(self) -> tuple[str, ...]:
        """The arguments that are pictures."""
        bound = {tensor for kind in self.arguments.values() for tensor in kind.tensors.values()}
        free = {name: tensor.content for name, tensor in self.inputs.items() if name not in bound}
        found = {**{name: kind.word for name, kind in self.arguments.items()}, **free}
        return tuple(name for name, word in found.items() if word == "image")

    @property
    def detected(self) -> DetectionsResult | None:
        """The detections that outputs without a result are by what they say of themselves; None where they are none."""
        bound = {tensor for kind in self.results.values() for tensor in kind.tensors.values()}
        by_content: dict[str, list[str]] = {}
        for name, tensor in self.written.items():
            if name not in bound and tensor.content in DetectionsResult.ROLES:
                by_content.setdefault(tensor.content, []).append(name)
        if not {"boxes", "classes", "scores"} <= by_content.keys() or any(len(n) > 1 for n in by_content.values()):
            return None
        said = {content: names[0] for content, names in by_content.items()}
        return DetectionsResult.model_validate({"kind": "detections", **said})

    @property
    def outputs(self) -> dict[str, Output]:
        """The outputs with what results that bind them say of them."""
        return _told(self.written, self.results, Output())


Told = TypeVar("Told", Input, Output)


def _told(written: Mapping[str, Told], kinds: Mapping[str, Kind], empty: Told) -> dict[str, Told]:
    found = dict(written)
    for kind in kinds.values():
        for name, keys in kind.implied().items():
            tensor = found.get(name, empty)
            new = {key: value for key, value in keys.items() if key not in tensor.model_fields_set}
            found[name] = tensor.model_copy(update=new)
    return found


def tables(spec: ModelSpec) -> Iterator[Tables]:
    """All signatures of which something is said."""
    if spec.input or spec.output or spec.argument or spec.result:
        yield Tables("", "", spec.input, spec.output, spec.argument, spec.result)
    for name, own in spec.signature.items():
        yield Tables(name, f'signature."{name}".', own.input, own.output, own.argument, own.result)
