"""The functions of the user's that are a source's signatures, as `entry` and [source.signature] of model.toml name them.

A function's parameters are the inputs of its signature; what it returns are the outputs: `output` for one value,
`output_0`, `output_1` for a tuple, the keys of a dict. Knows neither JAX nor TensorFlow.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tflite_build.engines.contract import DEFAULT_SIGNATURE, Declared, DeclaredInput, Invalid, Request, TensorSpec
from tflite_build.engines.user_code.usercode import Stage

from . import source_shapes
from .names import output_name, unique
from .source_shapes import SourceInput


@dataclass(frozen=True, slots=True)
class Entry:
    """A signature and the function that computes it.

    Attributes:
        signature: The signature's name.
        text: The function, as `FILE.py:NAME`.
        alone: Whether the model has this signature only.
        declared: What the spec says of its inputs.
    """

    signature: str
    text: str
    alone: bool
    declared: Mapping[str, DeclaredInput]

    @property
    def key(self) -> str:
        """The key of model.toml that names the function; `entry` right under [source] is the default signature."""
        return "source.entry" if self.signature == DEFAULT_SIGNATURE else f"source.signature.{self.signature}.entry"

    def parameters(self, function: Callable[..., Any]) -> list[str]:
        """The inputs by name; a parameter with a default is one where the spec declares it.

        Raises:
            Invalid: There are none.
        """
        names: list[str] = []
        for p in inspect.signature(function).parameters.values():
            if p.kind is p.VAR_KEYWORD:
                names += [name for name in self.declared if name not in names]
            elif p.kind is not p.VAR_POSITIONAL and (p.default is p.empty or p.name in self.declared):
                names.append(p.name)
        if not names:
            raise Invalid(f"{self.text} has no parameters: every input of the model has to be one", self.key)
        return names

    def inputs(self, stated: Iterable[SourceInput]) -> tuple[TensorSpec, ...]:
        """What the function states of its inputs, completed by the spec (`source_shapes.resolve`)."""
        return source_shapes.resolve(stated, self.declared, self.signature, self.alone)

    def call(self, stage: Stage, function: Callable[..., Any], given: Mapping[str, Any]) -> Any:
        """What `function` returns for one value per parameter.

        Raises:
            Invalid: It takes other arguments, or it fails.
        """
        parameters = inspect.signature(function).parameters.values()
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in given]
        keywords = {name: value for name, value in given.items() if name not in positional}
        return stage.call(function, *(given[name] for name in positional), key=self.key, **keywords)

    def outputs(self, leaves: Sequence[tuple[Sequence[Any], Any]]) -> list[tuple[str, Any]]:
        """The values that the function returns, with their names.

        Args:
            leaves: Each with the way to it: keys, fields and places in sequences.

        Raises:
            Invalid: There are none.
        """
        if not leaves:
            raise Invalid(f"{self.text} returns nothing: its outputs are what it returns", self.key)
        names = unique(output_name(path) for path, _ in leaves)
        return [(name, leaf) for name, (_, leaf) in zip(names, leaves, strict=True)]


def entries(request: Request) -> list[Entry]:
    """The entries that a step is asked for.

    Params:
        signatures: Signature name -> {"entry": "model.py:predict"}.
        declared: What the spec says of inputs.

    Raises:
        Invalid: The spec speaks of another signature.
    """
    signatures = request.params["signatures"]
    declared = Declared.from_json(request.params.get("declared", {}))
    source_shapes.check_signatures(declared, list(signatures))
    return [Entry(name, str(s["entry"]), len(signatures) == 1, declared.inputs(name)) for name, s in signatures.items()]
